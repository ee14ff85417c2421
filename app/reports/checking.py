"""Prove the invariants on a live database: what `haven selfcheck` runs."""

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession


@dataclass(frozen=True, slots=True)
class Finding:
    """One invariant and how many rows break it; 0 is well."""

    name: str
    violations: int


CHECKS: dict[str, str] = {
    "counter = confirmed rows": """
        select count(*) from petitions p
          left join petition_counts k on k.petition_id = p.id
         where coalesce(k.counted, 0) <> (select count(*) from signatures s
                                            where s.petition_id = p.id and state = 'confirmed'
                                              and quarantined_at is null and invalidated_at is null)""",
    "counter = tallies": """
        select count(*) from petitions p
          left join petition_counts k on k.petition_id = p.id
         where coalesce(k.counted, 0) <> (select coalesce(sum(confirmed - withdrawn - invalidated), 0)
                                            from tallies t
                                           where t.petition_id = p.id and dimension = 'all')""",
    "invalidated by reason = invalidated rows": """
        select count(*) from
          (select s.petition_id, w.reason, count(*) as signatures,
                  count(*) filter (where s.invalidated_counting) as counted
             from signatures s join sweeps w on w.id = s.sweep_id
            where s.invalidated_at is not null group by 1, 2) r
          full join invalidation_counts c using (petition_id, reason)
         where (coalesce(r.signatures, 0), coalesce(r.counted, 0))
               is distinct from (coalesce(c.signatures, 0), coalesce(c.counted, 0))""",
    "invalidated by reason = tallies": """
        select count(*) from petitions p
         where (select coalesce(sum(c.counted), 0) from invalidation_counts c where c.petition_id = p.id) <>
               (select coalesce(sum(t.invalidated), 0) from tallies t
                 where t.petition_id = p.id and dimension = 'all')""",
    "tallies by country and locale sum to all": """
        select count(*) from (
          select t.petition_id, t.utc_hour
            from tallies t cross join (values ('country'), ('locale')) part (dimension)
           where t.dimension in ('all', part.dimension)
           group by t.petition_id, t.utc_hour, part.dimension
          having (sum(signed) filter (where t.dimension = 'all'),
                  sum(confirmed) filter (where t.dimension = 'all'),
                  sum(withdrawn) filter (where t.dimension = 'all'),
                  sum(invalidated) filter (where t.dimension = 'all'),
                  sum(lapsed) filter (where t.dimension = 'all')) is distinct from
                 (sum(signed) filter (where t.dimension <> 'all'),
                  sum(confirmed) filter (where t.dimension <> 'all'),
                  sum(withdrawn) filter (where t.dimension <> 'all'),
                  sum(invalidated) filter (where t.dimension <> 'all'),
                  sum(lapsed) filter (where t.dimension <> 'all'))) x""",
    "totals = tallies": """
        select count(*) from tally_totals o full join (
          select petition_id, dimension, value, sum(signed) as signed, sum(confirmed) as confirmed,
                 sum(withdrawn) as withdrawn, sum(invalidated) as invalidated, sum(lapsed) as lapsed
            from tallies group by 1, 2, 3) t using (petition_id, dimension, value)
         where (coalesce(o.signed, 0), coalesce(o.confirmed, 0), coalesce(o.withdrawn, 0),
                coalesce(o.invalidated, 0), coalesce(o.lapsed, 0)) is distinct from
               (coalesce(t.signed, 0), coalesce(t.confirmed, 0), coalesce(t.withdrawn, 0),
                coalesce(t.invalidated, 0), coalesce(t.lapsed, 0))""",
    "signed = pending + confirmed + withdrawn + lapsed": """
        select count(*) from petitions p
         where (select count(*) from signatures s where s.petition_id = p.id) <>
               (select coalesce(sum(signed), 0) from tallies t
                 where t.petition_id = p.id and dimension = 'all')""",
    "ended signatures hold nothing personal": """
        select count(*) from signatures
         where state in ('withdrawn', 'lapsed')
           and num_nonnulls(supporter_id, details_sealed, own_copy, name_hash, place_hash, network_hash,
                            domain_hash) > 0""",
    "only living signatures are shown": """
        select count(*) from published_signers p join signatures s on s.id = p.signature_id
         where s.state <> 'confirmed'
            or p.shown <> (s.quarantined_at is null and s.invalidated_at is null)""",
    "no orphan mail": """
        select count(*) from mails m
         where m.kind in ('confirm_signature', 'already_signed', 'mailbox_full')
           and not exists (select from signatures s where s.id = m.subject_id)""",
    "ledger sums to zero": """
        select count(*) from (
          select posting_id from ledger_entries
           group by posting_id, currency having sum(amount_minor) <> 0) x""",
    "every posting has entries": """
        select count(*) from ledger_postings p
         where not exists (select from ledger_entries e where e.posting_id = p.id)""",
    "refunds ≤ captured": "select count(*) from donations where refunded_minor > amount_minor",
    "settled donations are in the ledger": """
        select count(*) from donations d
         where d.state in ('succeeded', 'partially_refunded', 'refunded', 'disputed', 'dispute_won',
                           'dispute_lost')
           and not exists (select from ledger_postings p
                            where p.cause_id in (d.stripe_charge_id, d.id::text))""",
    "no letter waits for more than five minutes": """
        select count(*) from intake where received_at < now() - interval '5 minutes'""",
    "no Stripe event waits for more than an hour": """
        select count(*) from stripe_events
         where handled_at is null and received_at < now() - interval '1 hour'""",
    "no mail is overdue": """
        select count(*) from mails
         where state in ('queued', 'sending')
           and next_attempt_at < now() - case when yields then interval '1 day'
                                              else interval '5 minutes' end""",
}


async def run_checks(session: AsyncSession) -> list[Finding]:
    """Run every check in one snapshot, so that writes meanwhile cannot make two figures differ."""
    await session.execute(text("set transaction isolation level repeatable read, read only"))
    return [Finding(name, int(await session.scalar(text(query)) or 0)) for name, query in CHECKS.items()]
