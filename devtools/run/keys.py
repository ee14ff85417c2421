"""The keys of this installation, made once and kept in `var/keys` with mode 0600."""

from dataclasses import dataclass
from pathlib import Path
from secrets import token_urlsafe

from app.core.embedded.secret_files import keep_secret
from app.crypto.keys import encode_key, new_keys, parse_key, public_of
from devtools.run.say import CannotRun


@dataclass(frozen=True)
class KeyFiles:
    """Where each key lies."""

    folder: Path

    @property
    def sealing(self) -> Path:
        """The public key that forms are sealed to."""
        return self.folder / "sealing.key"

    @property
    def opening(self) -> Path:
        """The private key that opens them."""
        return self.folder / "opening.key"

    @property
    def hash(self) -> Path:
        """The key of the hashes that addresses are compared by."""
        return self.folder / "hash.key"

    @property
    def form(self) -> Path:
        """The public role's own key."""
        return self.folder / "form.key"

    @property
    def webhook(self) -> Path:
        """The secret that the Stripe simulator signs its events with."""
        return self.folder / "stripe-webhook.secret"

    @property
    def staff_password(self) -> Path:
        """The password of the demo staff login."""
        return self.folder / "demo-staff.password"


def make_keys(folder: Path) -> KeyFiles:
    """Make the keys that are missing; a key that is there never changes.

    Raises:
        CannotRun: The sealing key is there and the opening key is not: what is sealed would be lost.
    """
    files = KeyFiles(folder)
    if files.sealing.exists() and not files.opening.exists():
        raise CannotRun(
            f"{files.opening} is missing, and nothing sealed before can be opened without it: put it back, "
            "or start over with `make clean-data`."
        )
    fresh = new_keys().encoded()
    opening = keep_secret(files.opening, lambda: fresh["opening_key"])
    keep_secret(files.sealing, lambda: encode_key(public_of(parse_key(opening, str(files.opening)))))
    keep_secret(files.hash, lambda: fresh["hash_key"])
    keep_secret(files.form, lambda: fresh["form_key"])
    keep_secret(files.webhook, lambda: f"whsec_{token_urlsafe(32)}")
    keep_secret(files.staff_password, lambda: token_urlsafe(12))
    return files
