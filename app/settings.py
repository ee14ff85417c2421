"""Settings from the environment, and the refusal to start with unsafe ones.

Each value is `HAVEN_…`; secrets may also lie in a file named by `HAVEN_…_FILE`. `.env.example`
lists all of them. Secrets have no default outside demo mode, and a role refuses secrets that
it must not hold (design §2).
"""

import os
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict, SettingsError


class Role(StrEnum):
    """What a process is, and so what it may hold."""

    PUBLIC = "public"
    STAFF = "staff"
    WORKER = "worker"
    OWNER = "owner"


class ConfigurationRefused(Exception):
    """The process must not start; each problem says what to set."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("Haven does not start:\n" + "\n".join(f"  - {p}" for p in problems))


def _origin(value: str) -> str:
    return value.rstrip("/")


def _networks(value: object) -> object:
    return tuple(value.replace(",", " ").split()) if isinstance(value, str) else value


Networks = Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode, BeforeValidator(_networks)]
Origin = Annotated[str, Field(pattern=r"^https?://[^/\s]+/?$"), AfterValidator(_origin)]


class Section(BaseSettings):
    """One group of settings; unknown variables are somebody else's."""

    model_config = SettingsConfigDict(env_prefix="HAVEN_", extra="ignore", env_ignore_empty=True)


class DatabaseSettings(Section):
    """Logins. `database_url` is the owner's: for migrations, never for a serving process."""

    database_url: SecretStr | None = None
    public_database_url: SecretStr | None = None
    internal_database_url: SecretStr | None = None
    database_pool_size: int = Field(default=10, ge=1, le=200)
    database_prepare: bool = True


class WebSettings(Section):
    """Where the HTTP roles listen, and the only source of links and trusted hosts."""

    host: str = "127.0.0.1"
    public_port: int = 8000
    staff_port: int = 8001
    worker_port: int = 0
    public_processes: int = Field(default=0, ge=0, le=256)
    public_url: Origin = "http://127.0.0.1:8000"
    staff_url: Origin = "http://127.0.0.1:8001"
    max_body_bytes: int = Field(default=256 * 1024, ge=1024)
    request_timeout_seconds: float = Field(default=20, gt=0)
    trusted_proxies: Networks = ()
    flood_requests_a_minute: int = Field(default=3_000, ge=0)
    quick_exit_url: str = "https://www.bbc.co.uk/weather"


class MailSettings(Section):
    """The SMTP relay. The sender is neutral: a phone may be searched."""

    smtp_host: str = "127.0.0.1"
    smtp_port: int = 1025
    smtp_username: str | None = None
    smtp_password: SecretStr | None = None
    smtp_tls: Literal["none", "starttls", "tls"] = "none"
    mail_sender: str = "Post <post@haven.example>"
    mail_subject: str = ""
    mail_batch: int = Field(default=50, ge=1, le=1000)


class StripeSettings(Section):
    """Stripe, in test mode only."""

    stripe_mode: Literal["test"] = "test"
    stripe_secret_key: SecretStr | None = None
    stripe_webhook_secret: SecretStr | None = None
    stripe_api_base: str | None = None
    stripe_timeout_seconds: float = Field(default=10, gt=0, le=30)


class KeySettings(Section):
    """Keys of 32 bytes, base64url; they lie outside the database."""

    sealing_key: SecretStr | None = None
    opening_key: SecretStr | None = None
    hash_key: SecretStr | None = None
    form_key: SecretStr | None = None


class SurgeSettings(Section):
    """What is as much as there may be; the ladder's steps are shares of it (`app/petitions/surging.py`)."""

    letterbox_capacity: int = Field(default=2_000, ge=10)
    backlog_capacity: int = Field(default=1_000_000, ge=10)


class Settings(Section):
    """All settings of one process."""

    demo: bool = False
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["json", "console"] = "json"
    database: DatabaseSettings = Field(default_factory=DatabaseSettings)
    web: WebSettings = Field(default_factory=WebSettings)
    surge: SurgeSettings = Field(default_factory=SurgeSettings)
    mail: MailSettings = Field(default_factory=MailSettings)
    stripe: StripeSettings = Field(default_factory=StripeSettings)
    keys: KeySettings = Field(default_factory=KeySettings)


_FILE_SUFFIX = "_FILE"
_WEAK_LENGTH = 20


def load() -> Settings:
    """Read the environment, with `HAVEN_X_FILE` standing in for `HAVEN_X`.

    Raises:
        ConfigurationRefused: A file cannot be read, or a value is none that its setting can have.
    """
    problems = []
    for name, path in list(os.environ.items()):
        if not (name.startswith("HAVEN_") and name.endswith(_FILE_SUFFIX) and path):
            continue
        target = name.removesuffix(_FILE_SUFFIX)
        if os.environ.get(target):
            continue
        try:
            os.environ[target] = Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            problems.append(f"{name}: cannot read {path} ({error.strerror}); set {target} or mend the file.")
    if problems:
        raise ConfigurationRefused(problems)
    try:
        return Settings()
    except ValidationError as error:
        # Without the value: it may be a secret that was put in the wrong place.
        faults = error.errors(include_input=False, include_url=False, include_context=False)
        raise ConfigurationRefused(
            [f"HAVEN_{'_'.join(map(str, fault['loc'])).upper()}: {fault['msg']}." for fault in faults]
        ) from None
    except SettingsError as error:
        raise ConfigurationRefused([f"A setting cannot be read: {error}."]) from None


_NEEDED: dict[Role, tuple[str, ...]] = {
    Role.PUBLIC: (
        "public_database_url",
        "sealing_key",
        "form_key",
        "stripe_secret_key",
        "stripe_webhook_secret",
    ),
    Role.STAFF: ("internal_database_url", "sealing_key", "opening_key", "hash_key"),
    Role.WORKER: ("internal_database_url", "sealing_key", "opening_key", "hash_key", "stripe_secret_key"),
    Role.OWNER: ("database_url",),
}
_REFUSED: dict[Role, tuple[str, ...]] = {
    Role.PUBLIC: ("database_url", "internal_database_url", "opening_key", "hash_key"),
    Role.STAFF: ("database_url", "form_key"),
    Role.WORKER: ("database_url", "form_key"),
    Role.OWNER: (),
}


def secrets_of(settings: Settings) -> dict[str, str]:
    """Every secret that is set, by the name of its setting."""
    sections = (settings.database, settings.keys, settings.stripe, settings.mail)
    values = {name: value for section in sections for name, value in section}
    return {
        name: value.get_secret_value()
        for name, value in values.items()
        if isinstance(value, SecretStr) and value.get_secret_value()
    }


def check(settings: Settings, role: Role) -> None:
    """Refuse to run a role with what is missing, weak, live, or not its own.

    Raises:
        ConfigurationRefused: Lists every problem and what to set.
    """
    held = secrets_of(settings)
    problems = [
        f"Set HAVEN_{name.upper()}: the {role} role needs it." for name in _NEEDED[role] if name not in held
    ]
    problems += [
        f"Unset HAVEN_{name.upper()}: the {role} role must not hold it."
        for name in _REFUSED[role]
        if name in held
    ]
    key = held.get("stripe_secret_key", "")
    if key.startswith(("sk_live_", "rk_live_")):
        problems.append(
            "HAVEN_STRIPE_SECRET_KEY is a live key; Haven takes test keys (sk_test_, rk_test_) only."
        )
    elif key and not key.startswith(("sk_test_", "rk_test_")):
        problems.append("HAVEN_STRIPE_SECRET_KEY is no Stripe test key; it begins with sk_test_ or rk_test_.")
    if not settings.demo:
        problems += _weaknesses(settings, held)
    if problems:
        raise ConfigurationRefused(problems)


def _weaknesses(settings: Settings, held: dict[str, str]) -> list[str]:
    """What only a demo may do."""
    problems = []
    webhook = held.get("stripe_webhook_secret", "")
    if webhook and (not webhook.startswith("whsec_") or len(webhook) < _WEAK_LENGTH):
        problems.append("HAVEN_STRIPE_WEBHOOK_SECRET is weak; use the whsec_… value of your Stripe endpoint.")
    problems += [
        f"HAVEN_{name.upper()} must begin with https:// outside demo mode."
        for name in ("public_url", "staff_url")
        if not getattr(settings.web, name).startswith("https://")
    ]
    if settings.stripe.stripe_api_base:
        problems.append("Unset HAVEN_STRIPE_API_BASE: the simulator is for demo mode (HAVEN_DEMO=1).")
    return problems
