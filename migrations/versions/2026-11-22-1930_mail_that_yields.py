"""Mail of what waits apart lets all other mail go first: a bot's thousands hold up nobody's."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0018"
down_revision: str | None = "0017"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

DUE = sa.text("state in ('queued', 'sending')")


def upgrade() -> None:
    op.add_column("mails", sa.Column("yields", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.drop_index("ix_mails_due", table_name="mails", postgresql_where=DUE)
    op.create_index("ix_mails_due", "mails", ["yields", "next_attempt_at", "id"], postgresql_where=DUE)


def downgrade() -> None:
    op.drop_index("ix_mails_due", table_name="mails", postgresql_where=DUE)
    op.create_index("ix_mails_due", "mails", ["next_attempt_at", "id"], postgresql_where=DUE)
    op.drop_column("mails", "yields")
