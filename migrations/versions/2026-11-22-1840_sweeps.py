"""Invalidation and release in bulk: what staff did, how far it is, and the way back.

Counter and tallies follow exactly: an invalidated signature that counted adds to `invalidated` of the hour,
an undone one takes it off again, a released one adds to `confirmed`.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0011"
down_revision: str | None = "0010"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

DEFINER = "language plpgsql security definer set search_path = pg_catalog, public, pg_temp"


def counting(column: str, sign: int, sums: int) -> str:
    """The statements that move counter and tallies by the signatures in `counting`."""
    return f"""
  insert into petition_counts as k (petition_id, counted)
  select s.petition_id, {sign} * count(*) from signatures s where s.id = any (counting) group by 1 order by 1
  on conflict (petition_id) do update set counted = k.counted + excluded.counted, changed_at = now();
  insert into tallies as t (petition_id, dimension, value, utc_hour, {column})
  select d.petition_id, d.dimension, d.value, date_trunc('hour', now(), 'UTC'), {sums} * d.events
    from tally_dimensions(counting) d
  on conflict (petition_id, dimension, value, utc_hour)
  do update set {column} = t.{column} + excluded.{column};"""


INVALIDATE = f"""
create function invalidate_signatures(ids uuid[], sweep uuid) returns int
{DEFINER} as $$
declare
  changed uuid[];
  counting uuid[];
begin
  perform from signatures s where s.id = any (ids) order by s.id for update;
  with now_invalid as (
    update signatures s set invalidated_at = now(), sweep_id = sweep
     where s.id = any (ids) and s.invalidated_at is null and s.state in ('pending', 'confirmed')
    returning s.id, s.state = 'confirmed' and s.quarantined_at is null as counted)
  select array_agg(i.id), array_agg(i.id) filter (where i.counted) into changed, counting from now_invalid i;
  {counting("invalidated", -1, 1)}
  delete from published_signers p where p.signature_id = any (changed);
  return coalesce(array_length(changed, 1), 0);
end $$
"""

RESTORE = f"""
create function restore_signatures(ids uuid[], sweep uuid) returns int
{DEFINER} as $$
declare
  changed uuid[];
  counting uuid[];
begin
  perform from signatures s where s.id = any (ids) order by s.id for update;
  with now_valid as (
    update signatures s set invalidated_at = null, sweep_id = null
     where s.id = any (ids) and s.sweep_id = sweep
    returning s.id, s.state = 'confirmed' and s.quarantined_at is null as counts)
  select array_agg(v.id), array_agg(v.id) filter (where v.counts) into changed, counting from now_valid v;
  {counting("invalidated", 1, -1)}
  return coalesce(array_length(changed, 1), 0);
end $$
"""

RELEASE = f"""
create function release_signatures(ids uuid[]) returns int
{DEFINER} as $$
declare
  changed uuid[];
  counting uuid[];
begin
  perform from signatures s where s.id = any (ids) order by s.id for update;
  with released as (
    update signatures s set quarantined_at = null, confirming_releases = false
     where s.id = any (ids) and s.quarantined_at is not null and s.state in ('pending', 'confirmed')
    returning s.id, s.state = 'confirmed' and s.invalidated_at is null as counts)
  select array_agg(r.id), array_agg(r.id) filter (where r.counts) into changed, counting from released r;
  {counting("confirmed", 1, 1)}
  return coalesce(array_length(changed, 1), 0);
end $$
"""

GRANTS = (
    "select on sweeps",
    "insert (id, petition_id, action, reason, actor, conditions_sealed, expected) on sweeps",
    "update (done, reached_id, finished_at, undo_at, undone_at) on sweeps",
    "execute on function uuid_at(timestamptz)",
    "execute on function invalidate_signatures(uuid[], uuid)",
    "execute on function restore_signatures(uuid[], uuid)",
    "execute on function release_signatures(uuid[])",
)


def upgrade() -> None:
    op.create_table(
        "sweeps",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("petition_id", sa.Integer(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("conditions_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("expected", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), server_default="0", nullable=False),
        sa.Column("reached_id", sa.Uuid(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("undo_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("action in ('invalidate', 'release')", name=op.f("ck_sweeps_action_known")),
        sa.ForeignKeyConstraint(
            ["petition_id"], ["petitions.id"], name=op.f("fk_sweeps_petition_id_petitions")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sweeps")),
    )
    op.add_column("signatures", sa.Column("sweep_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(op.f("fk_signatures_sweep_id_sweeps"), "signatures", "sweeps", ["sweep_id"], ["id"])
    op.create_index(
        "ix_signatures_sweep_id",
        "signatures",
        ["sweep_id"],
        postgresql_where=sa.text("sweep_id is not null"),
    )
    for statement in (INVALIDATE, RESTORE, RELEASE):
        op.execute(statement)
    for grant in GRANTS:
        op.execute(f"grant {grant} to haven_internal")


def downgrade() -> None:
    op.execute("revoke execute on function uuid_at(timestamptz) from haven_internal")
    for function in (
        "release_signatures(uuid[])",
        "restore_signatures(uuid[], uuid)",
        "invalidate_signatures(uuid[], uuid)",
    ):
        op.execute(f"drop function {function}")
    op.drop_index("ix_signatures_sweep_id", table_name="signatures")
    op.drop_constraint(op.f("fk_signatures_sweep_id_sweeps"), "signatures")
    op.drop_column("signatures", "sweep_id")
    op.drop_table("sweeps")
