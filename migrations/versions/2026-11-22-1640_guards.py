"""What the database itself refuses: changed history, changed asks, postings that do not sum to zero."""

from collections.abc import Sequence

from alembic import op

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

APPEND_ONLY = (
    "wordings",
    "petition_text_versions",
    "consents",
    "allocation_shares",
    "ledger_accounts",
    "ledger_postings",
    "ledger_entries",
    "audit_entries",
)

REFUSE_CHANGE = """
create function refuse_change() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  raise exception '% is append-only', tg_table_name using errcode = 'restrict_violation';
end $$
"""

ASKS_LOCKED = """
create function refuse_changed_asks() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  before jsonb;
begin
  perform from petitions where id = new.petition_id for no key update;
  select asks into before from petition_text_versions
   where petition_id = new.petition_id order by number desc limit 1;
  if before is distinct from new.asks and before is not null
     and (select state from petitions where id = new.petition_id) <> 'draft' then
    raise exception 'the asks of an open petition are locked' using errcode = 'restrict_violation';
  end if;
  return new;
end $$
"""

# A deferred constraint trigger: lines arrive one by one, the sum is judged when the transaction commits.
POSTING_BALANCED = """
create function refuse_unbalanced_posting() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  posting bigint;
begin
  if tg_table_name = 'ledger_postings' then posting := new.id; else posting := new.posting_id; end if;
  if not exists (select from ledger_entries e where e.posting_id = posting) then
    raise exception 'posting % has no entries', posting using errcode = 'integrity_constraint_violation';
  end if;
  if exists (select from ledger_entries e where e.posting_id = posting
             group by e.currency having sum(e.amount_minor) <> 0) then
    raise exception 'posting % does not sum to zero', posting
      using errcode = 'integrity_constraint_violation';
  end if;
  return null;
end $$
"""

ENTRY_CURRENCY = """
create function refuse_foreign_entry() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  if new.currency <> (select a.currency from ledger_accounts a where a.id = new.account_id) then
    raise exception 'entry is not in the currency of its account'
      using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end $$
"""

FUNCTIONS = ("refuse_change", "refuse_changed_asks", "refuse_unbalanced_posting", "refuse_foreign_entry")


def upgrade() -> None:
    # From here on, nobody may call a function unless it is granted to them.
    op.execute("alter default privileges revoke execute on functions from public")
    for statement in (REFUSE_CHANGE, ASKS_LOCKED, POSTING_BALANCED, ENTRY_CURRENCY):
        op.execute(statement)
    for table in APPEND_ONLY:
        op.execute(
            f"create trigger append_only before update or delete or truncate on {table} "
            "for each statement execute function refuse_change()"
        )
    op.execute(
        "create trigger asks_locked before insert on petition_text_versions "
        "for each row execute function refuse_changed_asks()"
    )
    op.execute(
        "create trigger same_currency before insert on ledger_entries "
        "for each row execute function refuse_foreign_entry()"
    )
    for table in ("ledger_entries", "ledger_postings"):
        op.execute(
            f"create constraint trigger balanced after insert on {table} deferrable initially deferred "
            "for each row execute function refuse_unbalanced_posting()"
        )


def downgrade() -> None:
    for table in ("ledger_entries", "ledger_postings"):
        op.execute(f"drop trigger balanced on {table}")
    op.execute("drop trigger same_currency on ledger_entries")
    op.execute("drop trigger asks_locked on petition_text_versions")
    for table in APPEND_ONLY:
        op.execute(f"drop trigger append_only on {table}")
    for function in FUNCTIONS:
        op.execute(f"drop function {function}()")
    op.execute("alter default privileges grant execute on functions to public")
