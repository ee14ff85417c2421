"""Proof of work: which challenges were spent, and which petitions ask for it."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0011"
down_revision: str | None = "0010"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# The public role may spend and learn which were fresh; it cannot look at, bring back or remove any.
SPEND = """
create function spend_challenges(ids bytea[], ends timestamptz[]) returns setof bytea
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  return query
    insert into spent_challenges as s (id, expires_at)
    select i, e from unnest(ids, ends) x (i, e) where e > now() order by i
    on conflict do nothing returning s.id;
end $$
"""


def upgrade() -> None:
    op.create_table(
        "spent_challenges",
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_spent_challenges")),
    )
    op.create_table(
        "proof_rules",
        sa.Column("petition_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["petition_id"], ["petitions.id"], name=op.f("fk_proof_rules_petition_id_petitions")
        ),
        sa.PrimaryKeyConstraint("petition_id", name=op.f("pk_proof_rules")),
    )
    op.execute(SPEND)
    op.execute("grant execute on function spend_challenges(bytea[], timestamptz[]) to haven_public")
    op.execute("grant select on proof_rules to haven_public")
    op.execute("grant select, insert, update on proof_rules to haven_internal")
    op.execute("grant select, delete on spent_challenges to haven_internal")


def downgrade() -> None:
    op.execute("drop function spend_challenges(bytea[], timestamptz[])")
    op.drop_table("proof_rules")
    op.drop_table("spent_challenges")
