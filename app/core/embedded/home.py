"""Where the server's data and programs lie: in the folder asked for, or where its user can reach them."""

import hashlib
import os
import secrets
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.core.embedded.account import Account
from app.core.embedded.binaries import find_binaries
from app.core.embedded.failures import EmbeddedPostgresError
from app.core.embedded.launching import can_enter, can_run

OUTSIDE = (Path("/var/lib"), Path("/var/tmp"))  # noqa: S108 - made with mkdir, which refuses what exists
POINTER = "elsewhere"
CHECKOUT = "checkout"


@dataclass(frozen=True)
class Home:
    """Where everything is, and as whom the server runs."""

    folder: Path
    binaries: Path
    account: Account | None

    @property
    def data(self) -> Path:
        """PostgreSQL's data folder."""
        return self.folder / "data"


def settle(
    folder: Path, binaries: Path | None, say: Callable[[str], None], outside: Sequence[Path] = OUTSIDE
) -> Home:
    """Find or make the home of a server that was asked to live in `folder`.

    Started by root, the server runs as an unprivileged user. Where that user cannot reach the folder or
    the programs, they go to a new folder outside, which `folder/elsewhere` points to. No folder that was
    there before changes its mode or owner.
    """
    _make_folder(folder)
    account = Account.of(folder / "data")
    place = folder
    if account is not None and not can_enter(folder, account):
        place = _moved_out(folder, account, say, outside)
        account = Account.of(place / "data")
    programs = binaries or find_binaries(place / "data")
    if account is not None and not _runs(programs, account):
        if place == folder:
            _check_no_data(folder, account)
            place = _moved_out(folder, account, say, outside)
        programs = _copied(programs, place)
    return Home(place, programs, account)


def pointed_from(folder: Path) -> Path | None:
    """The folder outside that belongs to `folder`, when there is one that is truly its own."""
    pointer = folder / POINTER
    if not pointer.exists():
        return None
    place = Path(pointer.read_text("utf-8").strip())
    if place.is_symlink() or not place.is_dir():
        return None
    state = place.stat()
    if state.st_uid != os.geteuid() or state.st_mode & 0o022:
        raise EmbeddedPostgresError(f"{place} is not safe to use: others than its owner may write there.")
    owner = Path((place / CHECKOUT).read_text("utf-8").strip())
    if owner != folder and (owner / POINTER).exists():  # a copied checkout; the data are the original's
        return None
    return place


def _runs(programs: Path, account: Account) -> bool:
    return all(can_run(programs / name, account) for name in ("postgres", "initdb"))


def _make_folder(folder: Path) -> None:
    if not folder.exists():
        mode = 0o711 if os.geteuid() == 0 else 0o700
        folder.mkdir(mode=mode, parents=True)
        folder.chmod(mode)  # whatever the umask is; the folder is ours


def _check_no_data(folder: Path, account: Account) -> None:
    if (folder / "data").exists():
        raise EmbeddedPostgresError(
            f"The database is in {folder}, but the user {account.name} that it runs as can no longer reach "
            "it or PostgreSQL's programs. Let others enter the folders above, or start over with "
            "`make clean-data`."
        )


def _moved_out(folder: Path, account: Account, say: Callable[[str], None], outside: Sequence[Path]) -> Path:
    _check_no_data(folder, account)
    place = pointed_from(folder)
    if place is None:
        place = _new_outside(folder, account, outside)
    (place / CHECKOUT).write_text(f"{folder}\n", "utf-8")
    (folder / POINTER).write_text(f"{place}\n", "utf-8")
    say(
        f"PostgreSQL runs as the user {account.name}, who cannot enter this checkout: "
        f"its data and programs are in {place}"
    )
    return place


def _new_outside(folder: Path, account: Account, outside: Sequence[Path]) -> Path:
    """A new folder with a name nobody can foresee, so that nobody can have made it before."""
    digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]
    name = f"haven-{digest}-{secrets.token_hex(6)}"
    for parent in outside:
        place = parent / name
        try:
            place.mkdir(mode=0o711)
        except OSError:
            continue
        place.chmod(0o711)  # whatever the umask is; the folder is ours
        if can_enter(place, account):
            return place
        place.rmdir()
    tried = " nor ".join(str(parent) for parent in outside)
    raise EmbeddedPostgresError(f"Neither {tried} can hold a folder that {account.name} may enter.")


def _copied(programs: Path, place: Path) -> Path:
    """The whole installation that `programs` is the `bin` of, copied once for each version of it.

    The wheel keeps the libraries of its programs beside the package, and they look for them there.
    """
    installation = programs.parent
    package = installation.parent
    server = (programs / "postgres").stat()
    mark = f"{programs}:{server.st_size}:{server.st_mtime_ns}"
    target = place / f"programs-{hashlib.sha256(mark.encode()).hexdigest()[:12]}"
    if not target.exists():
        for old in place.glob("programs-*"):
            shutil.rmtree(old)
        draft = place / f"programs-{secrets.token_hex(4)}.draft"
        _copy_tree(installation, draft / package.name / installation.name)
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.is_dir():
            _copy_tree(libraries, draft / libraries.name)
        for folder in (draft, draft / package.name):
            folder.chmod(0o755)  # whatever the umask is; the folders are ours
        draft.rename(target)
    return target / package.name / installation.name / "bin"


def _copy_tree(source: Path, target: Path) -> None:
    shutil.copytree(source, target, symlinks=True, ignore=shutil.ignore_patterns("include"))
