"""The fraud watch: what trends among a petition's signatures, and who wants to be mailed about it.

Networks and domains stand here as hashes, patterns of names sealed or as letter classes; all for 30 days.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0016"
down_revision: str | None = "0015"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

GRANTS = (
    "select, insert, delete on watch_reports",
    "update (signatures, of_all, day_before, unconfirmed, quarantined) on watch_reports",
    "update (watch_mail) on staff_accounts",
)


def upgrade() -> None:
    op.create_table(
        "watch_reports",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("petition_id", sa.Integer(), nullable=False),
        sa.Column("hour_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key_hash", sa.LargeBinary(), nullable=False),
        sa.Column("shape", sa.Text(), nullable=True),
        sa.Column("pattern_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("signatures", sa.Integer(), nullable=False),
        sa.Column("of_all", sa.Integer(), nullable=False),
        sa.Column("day_before", sa.Integer(), nullable=False),
        sa.Column("unconfirmed", sa.Integer(), nullable=False),
        sa.Column("quarantined", sa.Integer(), nullable=False),
        sa.Column("reported_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "kind in ('network', 'domain', 'shape', 'first_word', 'last_word')",
            name=op.f("ck_watch_reports_kind_known"),
        ),
        sa.ForeignKeyConstraint(
            ["petition_id"], ["petitions.id"], name=op.f("fk_watch_reports_petition_id_petitions")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_watch_reports")),
        sa.UniqueConstraint(
            "petition_id",
            "hour_at",
            "kind",
            "key_hash",
            name=op.f("uq_watch_reports_petition_id_hour_at_kind_key_hash"),
        ),
    )
    op.add_column(
        "staff_accounts",
        sa.Column("watch_mail", sa.Boolean(), server_default=sa.text("true"), nullable=False),
    )
    for grant in GRANTS:
        op.execute(f"grant {grant} to haven_internal")


def downgrade() -> None:
    op.execute("revoke update (watch_mail) on staff_accounts from haven_internal")
    op.drop_column("staff_accounts", "watch_mail")
    op.drop_table("watch_reports")
