"""What can go wrong with the embedded PostgreSQL, each with what to do about it."""


class EmbeddedPostgresError(RuntimeError):
    """The embedded PostgreSQL cannot do what was asked; the message says what to do."""


class AlreadyRunning(EmbeddedPostgresError):
    """Another process runs the server of this folder."""


class PortTaken(EmbeddedPostgresError):
    """Something else listens on the port."""
