"""Where every process stands on the surge ladder, and how many letters wait."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0017"
down_revision: str | None = "0016"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# A public process says how it does and learns two numbers; it cannot look at the table or speak for a worker.
# One of all processes counts the letters, once a second: exactly up to 50,000, from there on as PostgreSQL's
# own statistics have it (which a crash resets, hence both). Counting never waits for whoever has the table.
REPORT = """
create function report_process(process uuid, process_name text, process_role text, on_step smallint,
  step_seconds int, letters_waiting int, letters_most int, slowest_commit_ms int,
  out letters int, out highest smallint)
language plpgsql security definer set search_path = pg_catalog, public, pg_temp
set lock_timeout = '300ms' as $$
declare
  moment timestamptz := clock_timestamp();
begin
  insert into process_states as s (id, name, role, step, step_since, waiting, capacity, commit_ms, seen_at)
  select process, left(process_name, 100),
         case when pg_has_role(session_user, 'haven_internal', 'usage') then process_role else 'public' end,
         on_step, moment - step_seconds * interval '1 second', letters_waiting, letters_most,
         slowest_commit_ms, moment
   where (select count(*) from process_states) < 1000
  on conflict (id) do update
    set step = excluded.step, step_since = excluded.step_since, waiting = excluded.waiting,
        capacity = excluded.capacity, commit_ms = excluded.commit_ms, seen_at = excluded.seen_at
  where s.role = excluded.role;
  insert into letterbox_states (id, letters, counted_at) values (1, 0, '-infinity') on conflict do nothing;
  perform from letterbox_states
    where counted_at < moment - interval '900 milliseconds' for update skip locked;
  if found then
    delete from process_states where seen_at < moment - interval '1 minute';
    begin
      update letterbox_states set counted_at = moment,
        letters = case when c.exact < 50000 then c.exact
                       else greatest(c.exact, pg_stat_get_live_tuples('intake'::regclass)) end,
        oldest_at = (select i.received_at from intake i order by i.id limit 1)
        from (select count(*) as exact from (select from intake limit 50000) x) c;
    exception when lock_not_available then
      null;
    end;
  end if;
  select l.letters into report_process.letters from letterbox_states l;
  select coalesce(max(s.step), 0) into highest from process_states s
    where s.role = 'public' and s.seen_at > moment - interval '10 seconds';
end $$
"""


def upgrade() -> None:
    op.create_table(
        "process_states",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("step", sa.SmallInteger(), nullable=False),
        sa.Column("step_since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("waiting", sa.Integer(), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("commit_ms", sa.Integer(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("step between 0 and 5", name=op.f("ck_process_states_step_known")),
        sa.CheckConstraint("role in ('public', 'worker')", name=op.f("ck_process_states_role_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_process_states")),
        prefixes=["UNLOGGED"],
        postgresql_with={"fillfactor": "20"},
    )
    op.create_table(
        "letterbox_states",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("letters", sa.Integer(), nullable=False),
        sa.Column("oldest_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("counted_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_letterbox_states_only_one")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_letterbox_states")),
        prefixes=["UNLOGGED"],
        postgresql_with={"fillfactor": "20"},
    )
    op.execute(REPORT)
    call = "report_process(uuid, text, text, smallint, int, int, int, int)"
    op.execute(f"grant execute on function {call} to haven_public, haven_internal")
    op.execute("grant select on process_states, letterbox_states to haven_internal")


def downgrade() -> None:
    op.execute("drop function report_process(uuid, text, text, smallint, int, int, int, int)")
    op.drop_table("letterbox_states")
    op.drop_table("process_states")
