"""What the public role may do with a donation's token, and the view that money totals come from."""

from collections.abc import Sequence

from alembic import op

revision: str = "0006"
down_revision: str | None = "0005"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

DEFINER = "language plpgsql security definer set search_path = pg_catalog, public, pg_temp"

READ = f"""
create function read_donation(hash bytea)
returns table (id uuid, appeal_id int, state text, amount_minor bigint, currency char(3), frequency text,
               wording_id int, placement text, locale text, own_copy bytea, stripe_session_id text,
               failure_code text, refunded_minor bigint, settled_at timestamptz, created_at timestamptz)
{DEFINER} stable as $$
begin
  return query
    select d.id, d.appeal_id, d.state, d.amount_minor, d.currency, d.frequency, d.wording_id, d.placement,
           d.locale, d.own_copy, d.stripe_session_id, d.failure_code, d.refunded_minor, d.settled_at,
           d.created_at
      from donations d where d.token_hash = hash;
end $$
"""

# Settlement may have come first: a webhook can outrun the answer to the call that caused it.
ATTACH = f"""
create function attach_checkout(hash bytea, session_id text) returns text
{DEFINER} as $$
declare
  now_state text;
begin
  update donations d
     set stripe_session_id = session_id, changed_at = now(),
         state = case d.state when 'created' then 'pending' else d.state end
   where d.token_hash = hash and (d.stripe_session_id is null or d.stripe_session_id = session_id)
  returning d.state into now_state;
  return now_state;
end $$
"""

# Only what Stripe has refused in so many words, and only before there is a page to pay on.
REFUSE = f"""
create function refuse_checkout(hash bytea, code text) returns text
{DEFINER} as $$
declare
  now_state text;
begin
  update donations d set state = 'failed', failure_code = code, changed_at = now()
   where d.token_hash = hash and d.state = 'created' and d.stripe_session_id is null
  returning d.state into now_state;
  return now_state;
end $$
"""

# Credits are negative: what was raised is what the donations account owes its name to.
TOTALS = """
create view appeal_totals as
  select a.appeal_id, a.currency,
         coalesce(-sum(e.amount_minor) filter (where a.kind = 'donations'), 0)::bigint as raised_minor,
         coalesce(sum(e.amount_minor) filter (where a.kind = 'refunds'), 0)::bigint as refunded_minor,
         coalesce(-sum(e.amount_minor) filter (where a.kind in ('donations', 'refunds')), 0)::bigint
           as net_minor
    from ledger_accounts a left join ledger_entries e on e.account_id = a.id
   group by a.appeal_id, a.currency
"""


def upgrade() -> None:
    for statement in (READ, ATTACH, REFUSE, TOTALS):
        op.execute(statement)


def downgrade() -> None:
    op.execute("drop view appeal_totals")
    op.execute("drop function refuse_checkout(bytea, text)")
    op.execute("drop function attach_checkout(bytea, text)")
    op.execute("drop function read_donation(bytea)")
