"""Against abuse: where signatures come from (as hashes, for 30 days), their score, counters and lists.

Confirming releases a signature from quarantine where so little spoke against it that this is enough.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0009"
down_revision: str | None = "0008"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

DEFINER = "language plpgsql security definer set search_path = pg_catalog, public, pg_temp"
PLANNED = " set plan_cache_mode = force_generic_plan set enable_seqscan = off"
"""As 0008 says."""


def confirm(releasing: str) -> str:
    """The function that confirms, with what it sets besides the state."""
    return f"""
create or replace function confirm_signatures(hashes bytea[])
returns table (link_hash bytea, outcome text, petition_slug text, petition int, count_now int)
{DEFINER}{PLANNED} as $$
declare
  fresh uuid[];
  counting uuid[];
begin
  perform from signatures s where s.link_hash = any (hashes) order by s.id for update;
  with changed as (
    update signatures s set state = 'confirmed', confirmed_at = now(){releasing}
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
                else s.state end, p.slug, p.id, coalesce(k.counted, 0)
      from signatures s join petitions p on p.id = s.petition_id
      left join petition_counts k on k.petition_id = p.id where s.link_hash = any (hashes);
end $$
"""


CONFIRM = confirm(", quarantined_at = case when s.confirming_releases then null else s.quarantined_at end")
CONFIRM_BEFORE = confirm("")


def end(forgetting: str) -> str:
    """The function that ends signatures, with what it forgets besides the person."""
    return f"""
create or replace function end_signatures(ids uuid[], forget_people boolean) returns void
{DEFINER} as $$
declare
  people bigint[];
  counting uuid[];
  pending uuid[];
begin
  perform from supporters p
    where p.id in (select s.supporter_id from signatures s where s.id = any (ids)) order by p.id for update;
  perform from signatures s where s.id = any (ids) order by s.id for update;
  select array_agg(s.id) filter (where s.state = 'confirmed' and s.quarantined_at is null
                                   and s.invalidated_at is null),
         array_agg(s.id) filter (where s.state = 'pending'),
         array_agg(s.supporter_id) filter (where s.supporter_id is not null)
    into counting, pending, people
    from signatures s where s.id = any (ids) and s.state in ('pending', 'confirmed');
  insert into petition_counts as k (petition_id, counted)
  select s.petition_id, -count(*) from signatures s where s.id = any (counting) group by 1 order by 1
  on conflict (petition_id) do update set counted = k.counted + excluded.counted, changed_at = now();
  insert into tallies as t (petition_id, dimension, value, utc_hour, withdrawn, lapsed)
  select d.petition_id, d.dimension, d.value, date_trunc('hour', now(), 'UTC'),
         sum(d.withdrawn), sum(d.lapsed)
    from (select w.petition_id, w.dimension, w.value, w.events as withdrawn, 0 as lapsed
            from tally_dimensions(counting) w
          union all
          select l.petition_id, l.dimension, l.value, 0, l.events from tally_dimensions(pending) l) d
   group by 1, 2, 3 order by 1, 2, 3
  on conflict (petition_id, dimension, value, utc_hour)
  do update set withdrawn = t.withdrawn + excluded.withdrawn, lapsed = t.lapsed + excluded.lapsed;
  delete from published_signers p where p.signature_id = any (ids);
  update mails m set state = 'cancelled', payload_sealed = null, ended_at = now()
   where m.subject_id = any (ids) and m.state in ('queued', 'sending');
  update signatures s
     set state = case s.state when 'pending' then 'lapsed' else 'withdrawn' end, ended_at = now(),
         supporter_id = null, details_sealed = null, own_copy = null, name_hash = null, {forgetting}
   where s.id = any (ids) and s.state in ('pending', 'confirmed');
  delete from supporters p
   where forget_people and p.id = any (people)
     and not exists (select from signatures s where s.supporter_id = p.id);
end $$
"""


END = end("place_hash = null, network_hash = null, domain_hash = null")
END_BEFORE = end("place_hash = null")

# Only those that wait for their confirmation: what counts is taken away by staff, never by a machine. And
# only those of the last three hours, found by id: what quarantines a network by itself are its minute and its
# sixty minutes, and letters may have waited. Below nought are those whose address staff vouch for.
QUARANTINE = f"""
create function quarantine_network(network bytea, domain bytea, points int, releases boolean, most int)
returns int
{DEFINER} as $$
declare
  due uuid[];
begin
  select array_agg(id) into due from (
    select s.id from signatures s
     where s.id >= uuid_at(now() - interval '3 hours') and s.state = 'pending' and s.score >= 0
       and s.network_hash = network and (domain is null or s.domain_hash = domain)
       and s.invalidated_at is null
       and (s.quarantined_at is null or (s.confirming_releases and not releases))
     order by s.id limit most for update skip locked) x;
  update signatures s
     set quarantined_at = coalesce(s.quarantined_at, now()), score = greatest(s.score, points),
         confirming_releases = releases
   where s.id = any (due);
  return coalesce(array_length(due, 1), 0);
end $$
"""

# By id, which begins with the time a signature was made (RFC 9562 §5.7). A worker that was away for two
# months still finds all of them. Answers where the first was that it came upon, for the next call to begin
# there: whatever lies before has been looked at. None when there was nothing to do.
#
# One row of each page at a time: it finds room beside itself, and the next time its old place serves another.
# All of a page at once would move to other pages, and write every index anew. A row's address begins with its
# page. Pages are told apart among the next 20 × `most` signatures, some 20 to a page, and not among all that
# is due: after a day without a worker that would be a day's signatures for each call.
FORGET = f"""
create function forget_origins(after uuid, before timestamptz, most int) returns uuid
{DEFINER} as $$
declare
  near uuid[];
  due uuid[];
begin
  select array_agg(id order by id) into near from (
    select s.id from signatures s
     where s.id between coalesce(after, uuid_at(before - interval '60 days')) and uuid_at(before)
       and (s.network_hash is not null or s.domain_hash is not null)
     order by s.id limit 20 * most) x;
  select array_agg(id) into due from (
    select s.id from signatures s
     where s.id between near[1] and near[array_length(near, 1)]
       and (s.network_hash is not null or s.domain_hash is not null)
       and s.ctid in (
         select min(o.ctid) from signatures o
          where o.id between near[1] and near[array_length(near, 1)]
            and (o.network_hash is not null or o.domain_hash is not null)
          group by (o.ctid::text::point)[0])
     order by s.id limit most for update skip locked) x;
  update signatures s set network_hash = null, domain_hash = null where s.id = any (due);
  return case when due is not null then near[1] end;
end $$
"""

UUID_AT = """
create function uuid_at(at timestamptz) returns uuid
language sql immutable set search_path = pg_catalog, public, pg_temp as $$
  select (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || '70008000000000000000')::uuid
$$
"""

GRANTS = (
    "select, delete on signals",
    "insert (kind, key_hash, day, day_count, hour_at, hour_count, minute_at, minute_count) on signals",
    "update (day_count, hour_at, hour_count, hour_before, minute_at, minute_count) on signals",
    "select, insert (action, kind, network, domain, address_hash, note), delete on abuse_lists",
    "update (action, note) on abuse_lists",
    "usage on sequence abuse_lists_id_seq",
    "execute on function quarantine_network(bytea, bytea, int, boolean, int)",
    "execute on function forget_origins(uuid, timestamptz, int)",
)


def upgrade() -> None:
    op.add_column("signatures", sa.Column("network_hash", sa.LargeBinary(), nullable=True))
    op.add_column("signatures", sa.Column("domain_hash", sa.LargeBinary(), nullable=True))
    op.add_column("signatures", sa.Column("score", sa.SmallInteger(), server_default="0", nullable=False))
    op.add_column(
        "signatures",
        sa.Column("confirming_releases", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    op.create_table(
        "signals",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key_hash", sa.LargeBinary(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("day_count", sa.Integer(), nullable=False),
        sa.Column("hour_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("hour_count", sa.Integer(), nullable=False),
        sa.Column("hour_before", sa.Integer(), server_default="0", nullable=False),
        sa.Column("minute_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("minute_count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "key_hash", "day", name=op.f("pk_signals")),
        prefixes=["UNLOGGED"],
        postgresql_with={"fillfactor": "70"},
    )
    op.create_table(
        "abuse_lists",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("network", postgresql.CIDR(), nullable=True),
        sa.Column("domain", sa.Text(), nullable=True),
        sa.Column("address_hash", sa.LargeBinary(), nullable=True),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("action in ('block', 'allow')", name=op.f("ck_abuse_lists_action_known")),
        sa.CheckConstraint(
            "case kind when 'network' then network is not null when 'domain' then domain is not null "
            "when 'address' then address_hash is not null else false end "
            "and num_nonnulls(network, domain, address_hash) = 1",
            name=op.f("ck_abuse_lists_one_value"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_abuse_lists")),
        sa.UniqueConstraint(
            "kind",
            "network",
            "domain",
            "address_hash",
            name=op.f("uq_abuse_lists_kind_network_domain_address_hash"),
            postgresql_nulls_not_distinct=True,
        ),
    )
    for statement in (UUID_AT, CONFIRM, END, QUARANTINE, FORGET):
        op.execute(statement)
    for grant in GRANTS:
        op.execute(f"grant {grant} to haven_internal")


def downgrade() -> None:
    op.execute("drop function forget_origins(uuid, timestamptz, int)")
    op.execute("drop function quarantine_network(bytea, bytea, int, boolean, int)")
    op.execute("drop function uuid_at(timestamptz)")
    op.execute(END_BEFORE)
    op.execute(CONFIRM_BEFORE)
    op.drop_table("abuse_lists")
    op.drop_table("signals")
    for column in ("confirming_releases", "score", "domain_hash", "network_hash"):
        op.drop_column("signatures", column)
