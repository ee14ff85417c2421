"""The simulated account: its state, its clock and rates, and the events that tell what happened."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping

from devtools.stripe_sim import currencies
from devtools.stripe_sim.config import Config
from devtools.stripe_sim.kinds import Object, new_id
from devtools.stripe_sim.store import Store


class World:
    """What operations and pages act upon.

    Args:
        config: The settings.
        store: The memory.
    """

    def __init__(self, config: Config, store: Store) -> None:
        self.config = config
        self.store = store
        host = "127.0.0.1" if config.host == "0.0.0.0" else config.host  # noqa: S104 - compared, not bound
        self.base_url = config.public_url or f"http://{host}:{config.port}"
        self.request: Object | None = None
        """Who caused the present change, as events tell it; None for what happens on its own."""
        self.deliver: Callable[[Object], None] = lambda _event: None

    @property
    def now(self) -> int:
        """Seconds since 1970 by the simulator's clock."""
        return self.store.now()

    @property
    def rates(self) -> Mapping[str, str]:
        """What one unit of each currency is worth in pounds."""
        return {**currencies.RATES, **self.store.setting("rates", {})}

    @property
    def settle_seconds(self) -> float:
        """How long a new charge stays without its balance transaction."""
        chosen: float = self.store.setting("settling", {"seconds": self.config.settle_seconds})["seconds"]
        return chosen

    def emit(self, event_type: str, subject: Object, previous: Object | None = None) -> Object:
        """Record an event with a snapshot of its object and hand it to the sender of webhooks."""
        data: Object = {"object": copy.deepcopy(subject)}
        if previous is not None:
            data["previous_attributes"] = previous
        event = self.store.save(
            {
                "id": new_id("evt_1" if event_type.startswith("checkout") else "evt_3", 23),
                "object": "event",
                "api_version": self.config.api_version,
                "created": self.now,
                "data": data,
                "livemode": False,
                "pending_webhooks": 0,
                "request": self.request or {"id": None, "idempotency_key": None},
                "type": event_type,
            },
        )
        self.deliver(event)
        return event
