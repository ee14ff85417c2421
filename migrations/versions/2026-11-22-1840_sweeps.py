"""Invalidation and release in bulk: what staff did, how far it is, and the way back.

Counter and tallies follow exactly: an invalidated signature that counted adds to `invalidated` of the hour,
an undone one takes it off again, a released one adds to `confirmed`. `invalidation_counts` holds how many are
invalidated now, by reason. Names that were chosen to be shown stay stored, and are shown while they count.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0010"
down_revision: str | None = "0009"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

DEFINER = "language plpgsql security definer set search_path = pg_catalog, public, pg_temp"


def move(counter: str, events: str, sets: str) -> str:
    """The statements that move counter and tallies, in key order.

    Args:
        counter: What the counter changes by, from arrays of ids.
        events: Columns of `tallies`, one for each of the sets.
        sets: One query of `tally_dimensions` for all of them, with those columns.
    """
    columns = [name.strip() for name in events.split(",")]
    sums = ", ".join(f"sum(d.{name})" for name in columns)
    added = ", ".join(f"{name} = t.{name} + excluded.{name}" for name in columns)
    return f"""
  insert into petition_counts as k (petition_id, counted)
  {counter} group by 1 order by 1
  on conflict (petition_id) do update set counted = k.counted + excluded.counted, changed_at = now();
  insert into tallies as t (petition_id, dimension, value, utc_hour, {events})
  select d.petition_id, d.dimension, d.value, date_trunc('hour', now(), 'UTC'), {sums}
    from ({sets}) d group by 1, 2, 3 order by 1, 2, 3
  on conflict (petition_id, dimension, value, utc_hour) do update set {added};"""


def by_reason(sign: str) -> str:
    """The statement that moves the figures by reason, by the signatures in `changed` and `was_counting`."""
    return f"""
  insert into invalidation_counts as c (petition_id, reason, signatures, counted)
  select s.petition_id, w.reason, {sign} count(*), {sign} count(*) filter (where s.id = any (was_counting))
    from signatures s join sweeps w on w.id = sweep where s.id = any (changed) group by 1, 2 order by 1, 2
  on conflict (petition_id, reason) do update
  set signatures = c.signatures + excluded.signatures, counted = c.counted + excluded.counted;"""


INVALIDATED = move(
    "select s.petition_id, -count(*) from signatures s where s.id = any (was_counting)",
    "invalidated",
    "select w.*, w.events as invalidated from tally_dimensions(was_counting) w",
)
# Whoever confirmed meanwhile begins to count, whoever counted and left meanwhile has withdrawn: figures are
# as if the invalidation had never been.
RESTORED = move(
    "select s.petition_id, count(*) from signatures s where s.id = any (coming_back || beginning)",
    "invalidated, confirmed, withdrawn",
    """select w.*, -w.events as invalidated, 0 as confirmed, 0 as withdrawn
            from tally_dimensions(was_counting) w
          union all
          select b.*, 0, b.events, 0 from tally_dimensions(beginning) b
          union all
          select l.*, 0, 0, l.events from tally_dimensions(leaving) l""",
)
RELEASED = move(
    "select s.petition_id, count(*) from signatures s where s.id = any (beginning)",
    "confirmed",
    "select b.*, b.events as confirmed from tally_dimensions(beginning) b",
)

INVALIDATE = f"""
create function invalidate_signatures(ids uuid[], sweep uuid) returns int
{DEFINER} as $$
declare
  changed uuid[];
  was_counting uuid[];
begin
  perform from signatures s where s.id = any (ids) order by s.id for update;
  with now_invalid as (
    update signatures s
       set invalidated_at = now(), sweep_id = sweep,
           invalidated_counting = s.state = 'confirmed' and s.quarantined_at is null
     where s.id = any (ids) and s.invalidated_at is null and s.state in ('pending', 'confirmed')
    returning s.id, s.invalidated_counting as counted)
  select array_agg(i.id), array_agg(i.id) filter (where i.counted) into changed, was_counting
    from now_invalid i;
  {INVALIDATED}
  {by_reason("")}
  update published_signers p set shown = false where p.signature_id = any (changed) and p.shown;
  return coalesce(array_length(changed, 1), 0);
end $$
"""

RESTORE = f"""
create function restore_signatures(ids uuid[], sweep uuid) returns int
{DEFINER} as $$
declare
  changed uuid[];
  was_counting uuid[];
  coming_back uuid[];
  beginning uuid[];
  leaving uuid[];
begin
  perform from signatures s where s.id = any (ids) order by s.id for update;
  select array_agg(s.id), array_agg(s.id) filter (where s.invalidated_counting),
         coalesce(array_agg(s.id) filter (where s.invalidated_counting and s.state = 'confirmed'), '{{}}'),
         coalesce(array_agg(s.id) filter (where not s.invalidated_counting and s.state = 'confirmed'
                                            and s.quarantined_at is null), '{{}}'),
         array_agg(s.id) filter (where s.invalidated_counting and s.state = 'withdrawn')
    into changed, was_counting, coming_back, beginning, leaving
    from signatures s where s.id = any (ids) and s.sweep_id = sweep;
  {RESTORED}
  {by_reason("-")}
  update signatures s set invalidated_at = null, sweep_id = null, invalidated_counting = null
   where s.id = any (changed);
  update published_signers p set shown = true where p.signature_id = any (coming_back || beginning);
  return coalesce(array_length(changed, 1), 0);
end $$
"""

# One that was invalidated stays in quarantine: an undo leads back there.
RELEASE = f"""
create function release_signatures(ids uuid[]) returns int
{DEFINER} as $$
declare
  changed uuid[];
  beginning uuid[];
begin
  perform from signatures s where s.id = any (ids) order by s.id for update;
  with released as (
    update signatures s set quarantined_at = null, confirming_releases = false
     where s.id = any (ids) and s.quarantined_at is not null and s.invalidated_at is null
       and s.state in ('pending', 'confirmed')
    returning s.id, s.state = 'confirmed' as counts)
  select array_agg(r.id), array_agg(r.id) filter (where r.counts) into changed, beginning from released r;
  {RELEASED}
  update published_signers p set shown = true where p.signature_id = any (beginning);
  return coalesce(array_length(changed, 1), 0);
end $$
"""

GRANTS = (
    "select on sweeps",
    "insert (id, petition_id, action, reason, actor, conditions_sealed, expected) on sweeps",
    "update (done, reached_id, finished_at, undo_at, undone_at, conditions_sealed) on sweeps",
    "select on invalidation_counts",
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
        sa.Column("conditions_sealed", sa.LargeBinary(), nullable=True),
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
    op.create_table(
        "invalidation_counts",
        sa.Column("petition_id", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("signatures", sa.Integer(), nullable=False),
        sa.Column("counted", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["petition_id"], ["petitions.id"], name=op.f("fk_invalidation_counts_petition_id_petitions")
        ),
        sa.PrimaryKeyConstraint("petition_id", "reason", name=op.f("pk_invalidation_counts")),
    )
    op.add_column("signatures", sa.Column("sweep_id", sa.Uuid(), nullable=True))
    op.add_column("signatures", sa.Column("invalidated_counting", sa.Boolean(), nullable=True))
    op.create_foreign_key(op.f("fk_signatures_sweep_id_sweeps"), "signatures", "sweeps", ["sweep_id"], ["id"])
    op.create_index(
        "ix_signatures_sweep_id",
        "signatures",
        ["sweep_id"],
        postgresql_where=sa.text("sweep_id is not null"),
    )
    op.create_index(
        "ix_signatures_quarantined",
        "signatures",
        ["petition_id", "id"],
        postgresql_where=sa.text("quarantined_at is not null"),
    )
    op.add_column(
        "published_signers",
        sa.Column("shown", sa.Boolean(), server_default=sa.text("true"), nullable=False),
    )
    op.drop_index("ix_published_signers_newest", table_name="published_signers")
    op.create_index(
        "ix_published_signers_newest",
        "published_signers",
        ["petition_id", "published_at"],
        postgresql_where=sa.text("shown"),
    )
    for statement in (INVALIDATE, RESTORE, RELEASE):
        op.execute(statement)
    for grant in GRANTS:
        op.execute(f"grant {grant} to haven_internal")
    op.execute("grant select on invalidation_counts to haven_public")


def downgrade() -> None:
    op.execute("revoke execute on function uuid_at(timestamptz) from haven_internal")
    for function in (
        "release_signatures(uuid[])",
        "restore_signatures(uuid[], uuid)",
        "invalidate_signatures(uuid[], uuid)",
    ):
        op.execute(f"drop function {function}")
    op.execute("delete from published_signers where not shown")  # code of that time would show them
    op.drop_index("ix_published_signers_newest", table_name="published_signers")
    op.drop_column("published_signers", "shown")
    op.create_index("ix_published_signers_newest", "published_signers", ["petition_id", "published_at"])
    op.drop_index("ix_signatures_quarantined", table_name="signatures")
    op.drop_index("ix_signatures_sweep_id", table_name="signatures")
    op.drop_constraint(op.f("fk_signatures_sweep_id_sweeps"), "signatures")
    op.drop_column("signatures", "invalidated_counting")
    op.drop_column("signatures", "sweep_id")
    op.drop_table("invalidation_counts")
    op.drop_table("sweeps")
