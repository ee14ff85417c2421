"""What a reader may do at once with a token: confirm, look, change, withdraw. And how signatures end.

`SECURITY DEFINER` functions that take a token's hash are the public role's only way to signatures
(design §2). Everybody locks in one order, so that nobody waits in a circle: supporters by id, signatures
by id, the counter, tallies in key order. The worker keeps to it (`app/petitions/recording.py`).
"""

from collections.abc import Sequence

from alembic import op

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

DEFINER = "language plpgsql security definer set search_path = pg_catalog, public, pg_temp"

DIMENSIONS = """
create function tally_dimensions(ids uuid[])
returns table (petition_id int, dimension text, value text, events bigint)
language sql stable set search_path = pg_catalog, public, pg_temp as $$
  select s.petition_id, d.dimension, d.value, count(*)
    from signatures s left join placements p on p.id = s.placement_id
   cross join lateral (values ('all', ''), ('country', s.country), ('region', s.region),
                              ('placement', p.slug), ('locale', s.locale)) d (dimension, value)
   where s.id = any (ids) and d.value is not null
   group by 1, 2, 3 order by 1, 2, 3
$$
"""

CONFIRM = f"""
create function confirm_signatures(hashes bytea[])
returns table (link_hash bytea, outcome text)
{DEFINER} as $$
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
                else s.state end
      from signatures s where s.link_hash = any (hashes);
end $$
"""

END = f"""
create function end_signatures(ids uuid[], forget_people boolean) returns void
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
         supporter_id = null, details_sealed = null, own_copy = null, name_hash = null, place_hash = null
   where s.id = any (ids) and s.state in ('pending', 'confirmed');
  delete from supporters p
   where forget_people and p.id = any (people)
     and not exists (select from signatures s where s.supporter_id = p.id);
end $$
"""

WITHDRAW = f"""
create function withdraw_signature(hash bytea) returns text
{DEFINER} as $$
declare
  found_id uuid;
  was text;
begin
  select s.id into found_id from signatures s where s.link_hash = hash;
  if found_id is null then return null; end if;
  perform from supporters p
    where p.id = (select s.supporter_id from signatures s where s.id = found_id) for update;
  select s.state into was from signatures s where s.id = found_id for update;
  perform end_signatures(array[found_id], true);
  return was;
end $$
"""

LAPSE = f"""
create function lapse_signatures(most int) returns int
{DEFINER} as $$
declare
  due uuid[];
begin
  select array_agg(id) into due from (
    select s.id from signatures s join supporters p on p.id = s.supporter_id
     where s.state = 'pending' and s.expires_at <= now()
     order by s.id limit most for update of p, s skip locked) x;
  perform end_signatures(due, true);
  return coalesce(array_length(due, 1), 0);
end $$
"""

READ = f"""
create function read_signature(hash bytea)
returns table (petition_id int, state text, country char(2), locale text, own_copy bytea,
               signed_at timestamptz, expires_at timestamptz, confirmed_at timestamptz, ended_at timestamptz,
               shown_name text, shown_comment text, comment_approved_at timestamptz, consents jsonb,
               text_version int, placement text, region text)
{DEFINER} stable as $$
begin
  return query
    select s.petition_id, s.state, s.country, s.locale, s.own_copy, s.signed_at, s.expires_at,
           s.confirmed_at, s.ended_at, p.name, p.comment, p.comment_approved_at,
           (select coalesce(jsonb_agg(jsonb_build_object('wording_id', l.wording_id, 'purpose', l.purpose,
                     'version', l.version, 'text', l.text, 'given', l.given,
                     'recorded_at', l.recorded_at)), '[]')
              from (select distinct on (w.purpose) c.wording_id, w.purpose, w.version, w.text, c.given,
                           c.recorded_at
                      from consents c join wordings w on w.id = c.wording_id
                     where c.supporter_id = s.supporter_id and c.subject_id = s.id
                     order by w.purpose, c.id desc) l),
           v.number, q.slug, s.region
      from signatures s
      join petition_text_versions v on v.id = s.text_version_id
      left join placements q on q.id = s.placement_id
      left join published_signers p on p.signature_id = s.id
     where s.link_hash = hash;
end $$
"""

AMEND = f"""
create function amend_signature(hash bytea, copy bytea) returns boolean
{DEFINER} as $$
begin
  update signatures s set own_copy = copy where s.link_hash = hash and s.state in ('pending', 'confirmed');
  return found;
end $$
"""

SIGNATURES = (
    "amend_signature(bytea, bytea)",
    "read_signature(bytea)",
    "lapse_signatures(int)",
    "withdraw_signature(bytea)",
    "end_signatures(uuid[], boolean)",
    "confirm_signatures(bytea[])",
    "tally_dimensions(uuid[])",
)


def upgrade() -> None:
    for statement in (DIMENSIONS, CONFIRM, END, WITHDRAW, LAPSE, READ, AMEND):
        op.execute(statement)


def downgrade() -> None:
    for signature in SIGNATURES:
        op.execute(f"drop function {signature}")
