"""What each process is told: no more secrets than its role may hold (design §2)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from app.core.embedded.secret_files import write_private
from devtools.run.keys import KeyFiles
from devtools.run.ports import Ports, listening_host, near
from devtools.run.say import CannotRun

SIMULATOR_KEY = "sk_test_haven_simulator"
STAFF_EMAIL = "editor@haven.example"
# Haven's own settings are given one by one; libpq's and Stripe's variables would steer the children.
_OURS = re.compile(r"^(HAVEN_|PG[A-Z]|STRIPE_)")
_SECRET = re.compile(r"KEY|PASSWORD|SECRET|TOKEN|DATABASE_URL|USERNAME")
_SECRETS_OF = {
    "public": (
        "sealing_key",
        "form_key",
        "public_database_url",
        "stripe_secret_key",
        "stripe_webhook_secret",
    ),
    "staff": ("sealing_key", "opening_key", "hash_key", "internal_database_url"),
    "worker": ("sealing_key", "opening_key", "hash_key", "internal_database_url", "stripe_secret_key"),
    "migrate": ("database_url", "public_database_url", "internal_database_url", "sealing_key"),
    "demo": ("database_url", "internal_database_url", "sealing_key", "opening_key", "hash_key"),
    "mail": (),
    "stripe": ("stripe_webhook_secret",),
}


@dataclass(frozen=True)
class Addresses:
    """The three logins' addresses."""

    owner: str
    public: str
    internal: str


@dataclass(frozen=True)
class Stripe:
    """Stripe itself in test mode, or the simulator."""

    simulated: bool
    secret_key: str
    webhook_secret: str


def choose_stripe(environment: Mapping[str, str], files: KeyFiles) -> Stripe:
    """Stripe itself when a test key is set, else the simulator.

    Raises:
        CannotRun: The key is not a test key, or the webhook secret is missing beside it.
    """
    key = read_setting(environment, "stripe_secret_key")
    if not key or key == SIMULATOR_KEY:
        return Stripe(simulated=True, secret_key=SIMULATOR_KEY, webhook_secret=_read(files.webhook))
    if not key.startswith(("sk_test_", "rk_test_")):
        raise CannotRun("HAVEN_STRIPE_SECRET_KEY must be a test key (sk_test_… or rk_test_…): no live money.")
    webhook_secret = read_setting(environment, "stripe_webhook_secret")
    if not webhook_secret:
        raise CannotRun(
            "HAVEN_STRIPE_SECRET_KEY is set, so set HAVEN_STRIPE_WEBHOOK_SECRET too: the whsec_… that "
            "`stripe listen --forward-to <HAVEN_PUBLIC_URL>/webhooks/stripe` or the dashboard shows."
        )
    return Stripe(simulated=False, secret_key=key, webhook_secret=webhook_secret)


class Environments:
    """The environment of each child, by its name."""

    def __init__(
        self,
        outer: Mapping[str, str],
        *,
        ports: Ports,
        files: KeyFiles,
        stripe: Stripe,
        addresses: Addresses,
        data: Path,
    ) -> None:
        self._files = files
        self._state = data / "stripe-simulator.sqlite"
        self._secrets = _secrets(outer, files, stripe, addresses)
        self._base = {name: value for name, value in outer.items() if not _OURS.match(name)}
        self._base |= {
            name: value
            for name, value in outer.items()
            if name.startswith("HAVEN_") and not _SECRET.search(name)
        }
        self._base |= _plain(outer, ports, stripe, data)

    @property
    def public_url(self) -> str:
        """Where readers go."""
        return self._base["HAVEN_PUBLIC_URL"]

    @property
    def staff_url(self) -> str:
        """Where staff go."""
        return self._base["HAVEN_STAFF_URL"]

    def keep_for_commands(self, file: Path) -> None:
        """Write down, for this user alone, what `haven` commands beside this run need."""
        own = {**self._base, **dict(self._secrets[setting] for setting in _SECRETS_OF["demo"])}
        lines = [f"{name}={value}" for name, value in own.items() if name.startswith("HAVEN_")]
        file.unlink(missing_ok=True)
        write_private(file, "\n".join(lines) + "\n")

    def of(self, name: str) -> dict[str, str]:
        """The environment of one child."""
        own = dict(self._base)
        for setting in _SECRETS_OF[name]:
            variable, value = self._secrets[setting]
            own[variable] = value
        if name == "demo":
            own["HAVEN_DEMO_STAFF_EMAIL"] = STAFF_EMAIL
            own["HAVEN_DEMO_STAFF_PASSWORD_FILE"] = str(self._files.staff_password)
        if name == "stripe":
            own["HAVEN_STRIPE_WEBHOOK_URL"] = f"{self.public_url}/webhooks/stripe"
            own["HAVEN_STRIPE_SIM_STATE"] = str(self._state)
        return own


def _plain(outer: Mapping[str, str], ports: Ports, stripe: Stripe, data: Path) -> dict[str, str]:
    """The settings that are no secret."""
    host = listening_host(outer)
    plain = {
        "HAVEN_DEMO": "1",
        "HAVEN_DATA_DIR": str(data),
        "HAVEN_HOST": host,
        "HAVEN_PUBLIC_PORT": str(ports.public),
        "HAVEN_STAFF_PORT": str(ports.staff),
        "HAVEN_WORKER_PORT": str(ports.worker),
        "HAVEN_MAIL_PORT": str(ports.mail),
        "HAVEN_SMTP_PORT": str(ports.smtp),
        "HAVEN_STRIPE_PORT": str(ports.stripe),
        "HAVEN_SMTP_HOST": near(host).strip("[]"),
        "HAVEN_SMTP_TLS": "none",
        "HAVEN_PUBLIC_URL": (outer.get("HAVEN_PUBLIC_URL") or f"http://{near(host)}:{ports.public}").rstrip(
            "/"
        ),
        "HAVEN_STAFF_URL": (outer.get("HAVEN_STAFF_URL") or f"http://{near(host)}:{ports.staff}").rstrip("/"),
        "PYTHONUNBUFFERED": "1",
    }
    if stripe.simulated:
        plain["HAVEN_STRIPE_API_BASE"] = f"http://{near(host)}:{ports.stripe}"
    return plain


def _secrets(
    outer: Mapping[str, str], files: KeyFiles, stripe: Stripe, addresses: Addresses
) -> dict[str, tuple[str, str]]:
    """The variable and value that carry each secret."""
    secrets = {
        "database_url": ("HAVEN_DATABASE_URL", addresses.owner),
        "public_database_url": ("HAVEN_PUBLIC_DATABASE_URL", addresses.public),
        "internal_database_url": ("HAVEN_INTERNAL_DATABASE_URL", addresses.internal),
        "stripe_secret_key": ("HAVEN_STRIPE_SECRET_KEY", stripe.secret_key),
        "stripe_webhook_secret": ("HAVEN_STRIPE_WEBHOOK_SECRET", stripe.webhook_secret),
    }
    own_files = {
        "sealing_key": files.sealing,
        "opening_key": files.opening,
        "hash_key": files.hash,
        "form_key": files.form,
    }
    for setting, path in own_files.items():
        variable = f"HAVEN_{setting.upper()}"
        if outer.get(variable):
            secrets[setting] = (variable, outer[variable])
        else:
            secrets[setting] = (f"{variable}_FILE", outer.get(f"{variable}_FILE") or str(path))
    return secrets


def read_setting(environment: Mapping[str, str], setting: str) -> str:
    """`HAVEN_X`, or what lies in the file `HAVEN_X_FILE`, or nothing."""
    variable = f"HAVEN_{setting.upper()}"
    if value := environment.get(variable, "").strip():
        return value
    path = environment.get(f"{variable}_FILE", "")
    return _read(Path(path)) if path else ""


def _read(path: Path) -> str:
    return path.read_text("utf-8").strip()
