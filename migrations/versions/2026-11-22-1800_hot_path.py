"""For many signatures a second: room for updates in place, eager vacuum, and what a confirmation came to.

Fillfactors leave room where rows are updated again and again, so that no index changes (HOT). The letterbox
and the mail queue are filled and emptied all day: they are vacuumed by the number of rows, without pauses.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0008"
down_revision: str | None = "0007"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

DEFINER = "language plpgsql security definer set search_path = pg_catalog, public, pg_temp"
EAGER = {
    "autovacuum_vacuum_scale_factor": "0",
    "autovacuum_vacuum_threshold": "2000",
    "autovacuum_vacuum_insert_threshold": "-1",
    "autovacuum_vacuum_cost_delay": "0",
}
LESS_EAGER = {
    "autovacuum_vacuum_scale_factor": "0.02",
    "autovacuum_vacuum_threshold": "5000",
    "autovacuum_vacuum_cost_delay": "0",
}
STORAGE = {
    "intake": EAGER,
    "mails": LESS_EAGER,
    "mail_allowances": {"fillfactor": "70"},
    "petition_counts": {"fillfactor": "20"},
    "tallies": {"fillfactor": "70"},
}


# Planning takes longer than confirming one. A plan that is kept must not be one that reads a table through
# because the table was small when it was made.
PLANNED_ONCE = {"plan_cache_mode": "force_generic_plan", "enable_seqscan": "off"}
PLANNED = "".join(f" set {name} = {value}" for name, value in PLANNED_ONCE.items())


def confirm(returned: str, told: str, joined: str, planned: str) -> str:
    """The function that confirms; what it returns about the petition differs."""
    return f"""
create function confirm_signatures(hashes bytea[])
returns table (link_hash bytea, outcome text{returned})
{DEFINER}{planned} as $$
declare
  fresh uuid[];
  counting uuid[];
begin
  perform from signatures s where s.link_hash = any (hashes) order by s.id for update;
  with changed as (
    update signatures s set state = 'confirmed', confirmed_at = now()
     where s.link_hash = any (hashes) and s.state = 'pending' and s.expires_at > now()
    returning s.id, s.quarantined_at is null and s.invalidated_at is null as counts)
  select array_agg(c.id), array_agg(c.id) filter (where c.counts) into fresh, counting from changed c;
  insert into petition_counts as k (petition_id, counted)
  select s.petition_id, count(*) from signatures s where s.id = any (counting)
   group by 1 order by 1
  on conflict (petition_id) do update set counted = k.counted + excluded.counted, changed_at = now();
  insert into tallies as t (petition_id, dimension, value, utc_hour, confirmed)
  select d.petition_id, d.dimension, d.value, date_trunc('hour', now(), 'UTC'), d.events
    from tally_dimensions(counting) d
  on conflict (petition_id, dimension, value, utc_hour)
  do update set confirmed = t.confirmed + excluded.confirmed;
  return query
    select s.link_hash,
           case when s.id = any (fresh) then 'confirmed'
                when s.state = 'confirmed' then 'already_confirmed'
                when s.state = 'pending' then 'expired'
                else s.state end{told}
      from signatures s{joined} where s.link_hash = any (hashes);
end $$
"""


CONFIRM = confirm(
    ", petition_slug text, petition int, count_now int",
    ", p.slug, p.id, coalesce(k.counted, 0)",
    """ join petitions p on p.id = s.petition_id
      left join petition_counts k on k.petition_id = p.id""",
    PLANNED,
)
CONFIRM_BEFORE = confirm("", "", "", "")


def replace_confirm(function: str) -> None:
    """A function that returns other columns cannot be replaced in place; its rights go with it."""
    op.execute("drop function confirm_signatures(bytea[])")
    op.execute(function)
    op.execute("grant execute on function confirm_signatures(bytea[]) to haven_public, haven_internal")


def upgrade() -> None:
    for table, options in STORAGE.items():
        op.execute(f"alter table {table} set ({', '.join(f'{k} = {v}' for k, v in options.items())})")
    op.create_index("ix_intake_changes", "intake", ["id"], postgresql_where=sa.text("kind = 'change'"))
    op.create_index("ix_published_signers_newest", "published_signers", ["petition_id", "published_at"])
    op.drop_index(op.f("ix_published_signers_petition_id"), table_name="published_signers")
    replace_confirm(CONFIRM)
    for name, value in PLANNED_ONCE.items():
        op.execute(f"alter function tally_dimensions(uuid[]) set {name} = {value}")


def downgrade() -> None:
    for name in PLANNED_ONCE:
        op.execute(f"alter function tally_dimensions(uuid[]) reset {name}")
    replace_confirm(CONFIRM_BEFORE)
    op.create_index(op.f("ix_published_signers_petition_id"), "published_signers", ["petition_id"])
    op.drop_index("ix_published_signers_newest", table_name="published_signers")
    op.drop_index("ix_intake_changes", table_name="intake")
    for table, options in STORAGE.items():
        op.execute(f"alter table {table} reset ({', '.join(options)})")
