"""Fewer bytes for each signature: hashes of 128 bits, no row for a supporter, one index for links by hash.

A supporter is a keyed hash of an address, and that hash now is the supporter's id in the signature's row. A
table that held nothing else cost 190 bytes a signature. Details that were sealed before stay as they are.

Taken back, supporters are rows again, and nothing is lost but bits: hashes that were cut stay cut, so that
code of that time finds nobody by links that were mailed, and takes who signs again for somebody new.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0015"
down_revision: str | None = "0014"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

DEFINER = "language plpgsql security definer set search_path = pg_catalog, public, pg_temp"


def end(arguments: str, people: str, locked: str, gathered: str, target: str, forgotten: str) -> str:
    """The function that ends signatures; what it did about supporters' rows differs."""
    return f"""
create function end_signatures({arguments}) returns void
{DEFINER} as $$
declare{people}
  counting uuid[];
  pending uuid[];
begin{locked}
  perform from signatures s where s.id = any (ids) order by s.id for update;
  select array_agg(s.id) filter (where s.state = 'confirmed' and s.quarantined_at is null
                                   and s.invalidated_at is null),
         array_agg(s.id) filter (where s.state = 'pending'){gathered}
    into counting, pending{target}
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
         supporter_id = null, details_sealed = null, own_copy = null, name_hash = null, place_hash = null, network_hash = null, domain_hash = null
   where s.id = any (ids) and s.state in ('pending', 'confirmed');{forgotten}
end $$
"""  # noqa: E501 - word for word what was there before


END = end("ids uuid[]", "", "", "", "", "")
END_BEFORE = end(
    "ids uuid[], forget_people boolean",
    "\n  people bigint[];",
    """
  perform from supporters p
    where p.id in (select s.supporter_id from signatures s where s.id = any (ids)) order by p.id for update;""",  # noqa: E501 - as above
    """,
         array_agg(s.supporter_id) filter (where s.supporter_id is not null)""",
    ", people",
    """
  delete from supporters p
   where forget_people and p.id = any (people)
     and not exists (select from signatures s where s.supporter_id = p.id);""",
)


def withdraw(locked: str, further: str) -> str:
    """The function by which a link withdraws."""
    return f"""
create or replace function withdraw_signature(hash bytea) returns text
{DEFINER} as $$
declare
  found_id uuid;
  was text;
begin
  select s.id into found_id from signatures s where s.link_hash = hash;
  if found_id is null then return null; end if;{locked}
  select s.state into was from signatures s where s.id = found_id for update;
  perform end_signatures(array[found_id]{further});
  return was;
end $$
"""


WITHDRAW = withdraw("", "")
WITHDRAW_BEFORE = withdraw(
    """
  perform from supporters p
    where p.id = (select s.supporter_id from signatures s where s.id = found_id) for update;""",
    ", true",
)


# An index of those that wait would be one that each confirmation has to touch, and with it all others.
# Walking on from where the last walk ended looks at each signature once, when its time is over. Those that
# somebody has in hand are come back to.
LAPSE = f"""
create or replace function lapse_signatures(most int) returns int
{DEFINER} as $$
declare
  walked timestamptz;
  due uuid[];
begin
  insert into lapse_walks (number, reached_at) values (1, '-infinity') on conflict do nothing;
  select w.reached_at into walked from lapse_walks w for update skip locked;
  if not found then return 0; end if;
  select array_agg(id) into due from (
    select s.id from signatures s
     where s.state = 'pending' and s.expires_at > walked and s.expires_at <= now()
     order by s.expires_at, s.id limit most for update skip locked) x;
  perform end_signatures(due);
  if coalesce(array_length(due, 1), 0) < most then
    update lapse_walks set reached_at = coalesce(
      (select min(s.expires_at) - interval '1 microsecond' from signatures s
        where s.state = 'pending' and s.expires_at > walked and s.expires_at <= now()), now());
  end if;
  return coalesce(array_length(due, 1), 0);
end $$
"""
LAPSE_BEFORE = f"""
create or replace function lapse_signatures(most int) returns int
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


# For the rewriting of the table alone: a type is changed by an expression, which may look up but not join.
BY_NUMBER = """
create function supporter_by_number(number bigint) returns uuid language sql stable as $$
  select encode(substr(email_hash, 1, 16), 'hex')::uuid from supporters where id = number
$$
"""
BY_HASH = """
create function supporter_by_hash(hash uuid) returns bigint language sql stable as $$
  select id from supporters where email_hash = uuid_send(hash)
$$
"""
CUT = """
alter table signatures
  alter column supporter_id type uuid using supporter_by_number(supporter_id),
  alter column name_hash type bytea using substr(name_hash, 1, 16),
  alter column place_hash type bytea using substr(place_hash, 1, 8),
  alter column link_hash type bytea using substr(link_hash, 1, 16)
"""


def upgrade() -> None:
    op.drop_constraint("fk_signatures_supporter_id_supporters", "signatures")
    op.drop_index("uq_signatures_person", table_name="signatures")
    op.drop_index("ix_signatures_supporter_id", table_name="signatures")
    op.drop_constraint("uq_signatures_link_hash", "signatures")
    op.execute(BY_NUMBER)
    op.execute(CUT)
    op.execute("drop function supporter_by_number(bigint)")
    op.create_index(
        "uq_signatures_person",
        "signatures",
        ["supporter_id", "petition_id", "person_number"],
        unique=True,
        postgresql_where=sa.text("supporter_id is not null"),
    )
    op.create_index("ix_signatures_link", "signatures", ["link_hash"], postgresql_using="hash")
    op.drop_index("ix_signatures_expiring", table_name="signatures")
    op.create_index("ix_signatures_expires_at", "signatures", ["expires_at"])
    op.execute("alter table signatures set (fillfactor = 95)")
    op.create_table(
        "lapse_walks",
        sa.Column("number", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("reached_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("number = 1", name=op.f("ck_lapse_walks_only_one")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_lapse_walks")),
    )
    op.execute("drop function end_signatures(uuid[], boolean)")
    for statement in (END, WITHDRAW, LAPSE):
        op.execute(statement)
    # A thousand ids at once: PostgreSQL 15 would rather read a middle-sized table through than look them up.
    op.execute("alter function end_signatures(uuid[]) set enable_seqscan = off")
    op.execute("grant execute on function end_signatures(uuid[]) to haven_internal")
    op.drop_table("supporters")


def downgrade() -> None:
    op.create_table(
        "supporters",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("email_hash", sa.LargeBinary(), nullable=False),
        sa.Column("key_version", sa.SmallInteger(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name=op.f("fk_supporters_campaign_id_campaigns")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_supporters")),
        sa.UniqueConstraint("campaign_id", "email_hash", name=op.f("uq_supporters_campaign_id_email_hash")),
    )
    op.execute(
        "insert into supporters (campaign_id, email_hash, key_version, created_at) "
        "select p.campaign_id, uuid_send(s.supporter_id), min(s.key_version), min(s.signed_at) "
        "from signatures s join petitions p on p.id = s.petition_id where s.supporter_id is not null "
        "group by 1, 2"
    )
    op.drop_table("lapse_walks")
    op.execute("alter table signatures set (fillfactor = 85)")
    op.drop_index("ix_signatures_expires_at", table_name="signatures")
    op.create_index(
        "ix_signatures_expiring",
        "signatures",
        ["expires_at"],
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.drop_index("ix_signatures_link", table_name="signatures")
    op.drop_index("uq_signatures_person", table_name="signatures")
    op.execute(BY_HASH)
    # Without an index of its own on the hash for so long, each row would read all supporters.
    op.execute("create index supporters_for_now on supporters (email_hash)")
    op.execute(
        "alter table signatures alter column supporter_id type bigint using supporter_by_hash(supporter_id)"
    )
    op.execute("drop index supporters_for_now")
    op.execute("drop function supporter_by_hash(uuid)")
    op.create_foreign_key(
        op.f("fk_signatures_supporter_id_supporters"), "signatures", "supporters", ["supporter_id"], ["id"]
    )
    op.create_unique_constraint(op.f("uq_signatures_link_hash"), "signatures", ["link_hash"])
    op.create_index(
        "uq_signatures_person",
        "signatures",
        ["petition_id", "supporter_id", "person_number"],
        unique=True,
        postgresql_where=sa.text("supporter_id is not null"),
    )
    op.create_index(
        "ix_signatures_supporter_id",
        "signatures",
        ["supporter_id"],
        postgresql_where=sa.text("supporter_id is not null"),
    )
    op.execute("drop function end_signatures(uuid[])")
    for statement in (END_BEFORE, WITHDRAW_BEFORE, LAPSE_BEFORE):
        op.execute(statement)
    op.execute("grant execute on function end_signatures(uuid[], boolean) to haven_internal")
    op.execute("grant select, insert, delete on supporters to haven_internal")
    op.execute("grant update (id) on supporters to haven_internal")
    op.execute("grant usage on sequence supporters_id_seq to haven_internal")
