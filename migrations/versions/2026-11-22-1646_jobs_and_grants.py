"""procrastinate's tables, and what each login may do: as little as its role needs.

`haven_public` never reads a person's row; `haven_internal` never changes history; neither owns a table,
so neither can switch off a trigger. Deferring a job takes four small rights, found by trying: among them to
see the queueing locks (ids of ours), or PostgreSQL does not say which one clashed, and procrastinate then
takes the clash for a fault of its own.
"""

from collections.abc import Sequence

from alembic import op
from procrastinate.schema import SchemaManager

revision: str = "0007"
down_revision: str | None = "0006"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

PUBLIC = """
select on campaigns, petitions, petition_text_versions, wordings, appeals, beneficiaries, allocation_shares,
  keys, tallies, petition_counts, published_signers, appeal_totals, alembic_version;
insert (id, petition_id, kind, sealed) on intake;
insert (id, appeal_id, amount_minor, currency, frequency, wording_id, placement, locale, token_hash,
  details_sealed, own_copy) on donations;
select, insert on idempotency_keys;
insert (id, type, object_id, livemode, api_version, created) on stripe_events;
execute on function confirm_signatures(bytea[]), read_signature(bytea), amend_signature(bytea, bytea),
  withdraw_signature(bytea), read_donation(bytea), attach_checkout(bytea, text), refuse_checkout(bytea, text);
insert (queue_name, task_name, priority, lock, queueing_lock, args, scheduled_at) on procrastinate_jobs;
select (id, queueing_lock) on procrastinate_jobs;
insert on procrastinate_events;
usage on sequence procrastinate_jobs_id_seq, procrastinate_events_id_seq;
execute on function procrastinate_defer_jobs_v1(procrastinate_job_to_defer_v1[])
"""
# Counters, states and what was agreed or paid move by the functions above or not at all: of a row that is
# history, only the columns that a serving role has to move are granted.
INTERNAL = """
select on all tables in schema public;
insert on placements, supporters, consents, signatures, published_signers, mails, mail_allowances, intake,
  intake_rejected, ledger_accounts, ledger_postings, ledger_entries, audit_entries, staff_sessions, keys,
  stripe_events, stripe_cursors, login_attempts;
insert (petition_id, dimension, value, utc_hour, signed), update (signed) on tallies;
update (details_sealed, name_hash, place_hash) on signatures;
update (name, comment, comment_approved_at) on published_signers;
update (state, attempts, next_attempt_at, payload_sealed, last_reply, ended_at) on mails;
update (state, stripe_session_id, stripe_payment_intent_id, stripe_charge_id, failure_code, refunded_minor,
  settled_at, changed_at) on donations;
update (last_seen_at) on staff_sessions;
update (address_hash, queued_at) on mail_allowances;
update on login_attempts;
update (id) on supporters;
update (received_at) on intake;
update (handled_at, outcome) on stripe_events;
update (listed_to) on stripe_cursors;
update (last_login_at, password_hash) on staff_accounts;
delete on intake, intake_rejected, supporters, published_signers, mail_allowances, staff_sessions,
  idempotency_keys, login_attempts;
execute on function confirm_signatures(bytea[]), read_signature(bytea), withdraw_signature(bytea),
  lapse_signatures(int), end_signatures(uuid[], boolean), read_donation(bytea);
insert, update, delete on procrastinate_jobs, procrastinate_events, procrastinate_periodic_defers,
  procrastinate_workers;
usage on all sequences in schema public
"""

GRANT_JOB_FUNCTIONS = """
do $$
declare f regprocedure;
begin
  for f in select p.oid::regprocedure from pg_proc p join pg_namespace n on n.oid = p.pronamespace
            where n.nspname = 'public' and p.proname like 'procrastinate\\_%'
              and p.prorettype <> 'trigger'::regtype
  loop execute format('grant execute on function %s to haven_internal', f); end loop;
end $$
"""

DROP_JOBS = """
do $$
declare o record;
begin
  for o in select p.oid::regprocedure::text as name
             from pg_proc p join pg_namespace n on n.oid = p.pronamespace
            where n.nspname = 'public' and p.proname like 'procrastinate\\_%'
  loop execute format('drop function %s cascade', o.name); end loop;
  for o in select tablename as name from pg_tables
            where schemaname = 'public' and tablename like 'procrastinate\\_%'
  loop execute format('drop table %I cascade', o.name); end loop;
  for o in select t.typname as name from pg_type t join pg_namespace n on n.oid = t.typnamespace
            where n.nspname = 'public' and t.typname like 'procrastinate\\_%' and t.typtype in ('e', 'c')
  loop execute format('drop type %I cascade', o.name); end loop;
end $$
"""


def upgrade() -> None:
    # Many statements at once: psycopg takes them only without parameters, so past SQLAlchemy.
    op.get_bind().connection.cursor().execute(SchemaManager.get_schema())
    op.execute("revoke all on schema public from public")
    op.execute("revoke all on all tables in schema public from public")
    op.execute("revoke execute on all functions in schema public from public")
    op.execute("grant usage on schema public to haven_public, haven_internal")
    for privilege in PUBLIC.split(";"):
        op.execute(f"grant {privilege} to haven_public")
    for privilege in INTERNAL.split(";"):
        op.execute(f"grant {privilege} to haven_internal")
    op.execute(GRANT_JOB_FUNCTIONS)


def downgrade() -> None:
    for login in ("haven_public", "haven_internal"):
        for kind in ("tables", "sequences", "functions"):
            op.execute(f"revoke all on all {kind} in schema public from {login}")
        op.execute(f"revoke usage on schema public from {login}")
    op.execute(DROP_JOBS)
