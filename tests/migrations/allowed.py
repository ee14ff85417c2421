"""Every right that a serving login has. A new grant is a new line here, and somebody reads it."""

Columns = tuple[str, ...]
Rights = dict[str, dict[str, Columns]]

WHOLE: Columns = ("*",)
SEE: dict[str, Columns] = {"SELECT": WHOLE}
ADD: dict[str, Columns] = {"SELECT": WHOLE, "INSERT": WHOLE}
QUEUE: dict[str, Columns] = {"SELECT": WHOLE, "INSERT": WHOLE, "DELETE": WHOLE}
ALL: dict[str, Columns] = {**QUEUE, "UPDATE": WHOLE}

PUBLIC_TABLES: Rights = {
    # What anybody may read on the pages.
    "alembic_version": SEE,
    "allocation_shares": SEE,
    "appeal_totals": SEE,
    "appeals": SEE,
    "beneficiaries": SEE,
    "campaigns": SEE,
    "invalidation_counts": SEE,
    "keys": SEE,
    "petition_counts": SEE,
    "petition_text_versions": SEE,
    "petitions": SEE,
    "published_signers": SEE,
    "proof_rules": SEE,
    "tallies": SEE,
    "tally_totals": SEE,
    "wordings": SEE,
    # What it hands in, and cannot look at again.
    "intake": {"INSERT": ("id", "petition_id", "kind", "sealed")},
    "donations": {
        "INSERT": (
            *(
                "id",
                "appeal_id",
                "amount_minor",
                "currency",
                "frequency",
                "wording_id",
                "placement",
                "locale",
            ),
            *("token_hash", "details_sealed", "own_copy"),
        )
    },
    "stripe_events": {"INSERT": ("id", "type", "object_id", "livemode", "api_version", "created")},
    # Hashes alone.
    "idempotency_keys": ADD,
    # Deferring a job.
    "procrastinate_events": {"INSERT": WHOLE},
    "procrastinate_jobs": {
        "SELECT": ("id", "queueing_lock"),
        "INSERT": (
            *("queue_name", "task_name", "priority", "lock", "queueing_lock", "args", "scheduled_at"),
        ),
    },
}
PUBLIC_FUNCTIONS = {
    "amend_signature(bytea,bytea)",
    "attach_checkout(bytea,text)",
    "confirm_signatures(bytea[])",
    "procrastinate_defer_jobs_v1(procrastinate_job_to_defer_v1[])",
    "read_donation(bytea)",
    "read_signature(bytea)",
    "refuse_checkout(bytea,text)",
    "report_process(uuid,text,text,smallint,integer,integer,integer,integer)",
    "spend_challenges(bytea[],timestamp with time zone[])",
    "withdraw_signature(bytea)",
}

INTERNAL_TABLES: Rights = {
    **dict.fromkeys(
        (
            *(
                "alembic_version",
                "allocation_shares",
                "appeal_totals",
                "appeals",
                "beneficiaries",
                "campaigns",
            ),
            *("petition_counts", "petition_text_versions", "petitions", "suppressions", "wordings"),
            *("letterbox_states", "process_states", "invalidation_counts"),
            *("consent_trail", "mail_counts", "tally_totals"),
        ),
        SEE,
    ),
    **dict.fromkeys(
        (
            *("audit_entries", "consents", "keys", "ledger_accounts", "ledger_entries", "ledger_postings"),
            "placements",
        ),
        ADD,
    ),
    **dict.fromkeys(
        (
            *("procrastinate_events", "procrastinate_jobs", "procrastinate_periodic_defers"),
            *("procrastinate_workers", "login_attempts"),
        ),
        ALL,
    ),
    "idempotency_keys": {"SELECT": WHOLE, "DELETE": WHOLE},
    "donations": {
        **SEE,
        "UPDATE": (
            *("state", "stripe_session_id", "stripe_payment_intent_id", "stripe_charge_id", "failure_code"),
            *("refunded_minor", "settled_at", "changed_at"),
        ),
    },
    "intake": {**QUEUE, "UPDATE": ("received_at",)},
    "intake_rejected": QUEUE,
    "answer_sets": {**SEE, "INSERT": ("via", "wordings", "given")},
    "mail_allowances": {**QUEUE, "UPDATE": ("address_hash", "queued_at")},
    "mails": {
        **ADD,
        "UPDATE": ("payload_sealed", "state", "attempts", "next_attempt_at", "last_reply", "ended_at"),
    },
    "published_signers": {**QUEUE, "UPDATE": ("name", "comment", "comment_approved_at")},
    "signatures": {**ADD, "UPDATE": ("name_hash", "place_hash", "details_sealed")},
    "signals": {
        **SEE,
        "INSERT": (
            *("kind", "key_hash", "day", "day_count", "hour_at", "hour_count", "minute_at", "minute_count"),
        ),
        "UPDATE": ("day_count", "hour_at", "hour_count", "hour_before", "minute_at", "minute_count"),
        "DELETE": WHOLE,
    },
    "abuse_lists": {
        **SEE,
        "INSERT": ("action", "kind", "network", "domain", "address_hash", "note"),
        "UPDATE": ("action", "note"),
        "DELETE": WHOLE,
    },
    "proof_rules": {**ADD, "UPDATE": WHOLE},
    "spent_challenges": {"SELECT": WHOLE, "DELETE": WHOLE},
    "sweeps": {
        **SEE,
        "INSERT": (*("id", "petition_id", "action", "reason", "actor", "conditions_sealed", "expected"),),
        "UPDATE": ("done", "reached_id", "finished_at", "undo_at", "undone_at", "conditions_sealed"),
    },
    "staff_accounts": {**SEE, "UPDATE": ("password_hash", "last_login_at", "watch_mail")},
    "watch_reports": {
        **QUEUE,
        "UPDATE": ("signatures", "of_all", "day_before", "unconfirmed", "quarantined"),
    },
    "staff_sessions": {**QUEUE, "UPDATE": ("last_seen_at",)},
    "stripe_cursors": {**ADD, "UPDATE": ("listed_to",)},
    "stripe_events": {**ADD, "UPDATE": ("handled_at", "outcome")},
    "tallies": {
        **SEE,
        "INSERT": ("petition_id", "dimension", "value", "utc_hour", "signed"),
        "UPDATE": ("signed",),
    },
}
INTERNAL_FUNCTIONS = {
    "confirm_signatures(bytea[])",
    "end_signatures(uuid[])",
    "forget_mails(bigint,interval,interval,integer)",
    "forget_origins(uuid,timestamp with time zone,integer)",
    "invalidate_signatures(uuid[],uuid)",
    "lapse_signatures(integer)",
    "quarantine_network(bytea,bytea,integer,boolean,integer)",
    "read_donation(bytea)",
    "read_signature(bytea)",
    "release_signatures(uuid[])",
    "report_process(uuid,text,text,smallint,integer,integer,integer,integer)",
    "restore_signatures(uuid[],uuid)",
    "uuid_at(timestamp with time zone)",
    "withdraw_signature(bytea)",
}
"""Beside procrastinate's own, all of which the worker runs."""

TABLES = {"haven_public": PUBLIC_TABLES, "haven_internal": INTERNAL_TABLES}
FUNCTIONS = {"haven_public": PUBLIC_FUNCTIONS, "haven_internal": INTERNAL_FUNCTIONS}

APPEND_ONLY = {
    *(
        "allocation_shares",
        "answer_sets",
        "audit_entries",
        "consents",
        "ledger_accounts",
        "ledger_entries",
        "ledger_postings",
    ),
    *("petition_text_versions", "wordings"),
}
