"""Totals of all time beside the hourly tallies, kept by the database itself.

A breakdown by country summed three months of hours at each request. Triggers move a total by what a
statement changes in `tallies`, whoever it comes from, in the same transaction: there is no second place that
could forget it. A statement is a batch, so it costs a batch one more statement and no signature anything.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0012"
down_revision: str | None = "0011"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

COUNTERS = ("signed", "confirmed", "withdrawn", "invalidated", "lapsed")
SUMS = ", ".join(f"sum({c})" for c in COUNTERS)
NAMES = ", ".join(COUNTERS)
NEGATED = ", ".join(f"-{c}" for c in COUNTERS)
ADDED = ", ".join(f"{c} = o.{c} + excluded.{c}" for c in COUNTERS)

# In key order, as tallies are: totals are locked last of all, and nobody waits in a circle.
MOVE = f"""
create function move_totals() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  if tg_op = 'TRUNCATE' then
    delete from tally_totals;
  elsif tg_op = 'INSERT' then
    insert into tally_totals as o (petition_id, dimension, value, {NAMES})
    select petition_id, dimension, value, {SUMS} from added group by 1, 2, 3 order by 1, 2, 3
    on conflict (petition_id, dimension, value) do update set {ADDED};
  elsif tg_op = 'DELETE' then
    insert into tally_totals as o (petition_id, dimension, value, {NAMES})
    select petition_id, dimension, value, {", ".join(f"-sum({c})" for c in COUNTERS)}
      from taken group by 1, 2, 3 order by 1, 2, 3
    on conflict (petition_id, dimension, value) do update set {ADDED};
  else
    insert into tally_totals as o (petition_id, dimension, value, {NAMES})
    select petition_id, dimension, value, {SUMS}
      from (select petition_id, dimension, value, {NAMES} from added
            union all select petition_id, dimension, value, {NEGATED} from taken) x
     group by 1, 2, 3 order by 1, 2, 3
    on conflict (petition_id, dimension, value) do update set {ADDED};
  end if;
  return null;
end $$
"""
TRIGGERS = {
    "insert": "referencing new table as added",
    "update": "referencing new table as added old table as taken",
    "delete": "referencing old table as taken",
    "truncate": "",
}


def upgrade() -> None:
    op.create_table(
        "tally_totals",
        sa.Column("petition_id", sa.Integer(), nullable=False),
        sa.Column("dimension", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        *(sa.Column(c, sa.BigInteger(), server_default="0", nullable=False) for c in COUNTERS),
        sa.ForeignKeyConstraint(
            ["petition_id"], ["petitions.id"], name=op.f("fk_tally_totals_petition_id_petitions")
        ),
        sa.PrimaryKeyConstraint("petition_id", "dimension", "value", name=op.f("pk_tally_totals")),
        postgresql_with={"fillfactor": "50"},
    )
    op.execute(MOVE)
    for event, tables in TRIGGERS.items():
        op.execute(
            f"create trigger totals_{event} after {event} on tallies {tables} "
            "for each statement execute function move_totals()"
        )
    op.execute(
        f"insert into tally_totals (petition_id, dimension, value, {NAMES}) "
        f"select petition_id, dimension, value, {SUMS} from tallies group by 1, 2, 3"
    )
    op.execute("grant select on tally_totals to haven_public, haven_internal")


def downgrade() -> None:
    for event in TRIGGERS:
        op.execute(f"drop trigger totals_{event} on tallies")
    op.execute("drop function move_totals()")
    op.drop_table("tally_totals")
