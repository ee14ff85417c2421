"""Write invented donations and book them: lines as of a charge or a refund, with a cause of their own."""

from collections.abc import Sequence
from datetime import datetime

import psycopg

from app.cli.demo.loading import Loaded
from app.cli.demo.making import Donated, Made

CAUSE = "demo"
"""The kind of the postings' causes: no charge of Stripe's stands behind them."""

_COLUMNS = (
    "id, appeal_id, state, amount_minor, currency, wording_id, placement, locale, token_hash, "
    "details_sealed, own_copy, failure_code, refunded_minor, settled_at, changed_at, created_at"
)
_ACCOUNTS = """
    insert into ledger_accounts (appeal_id, kind, currency)
    select %s, k, c from unnest(array['clearing', 'donations', 'refunds']) k, unnest(%s::text[]) c
    on conflict do nothing
"""

_Movement = tuple[str, datetime, str, str, Donated]


def write_donations(connection: psycopg.Connection, loaded: Loaded, people: Sequence[Made]) -> None:
    """The donations of a batch of people, with their postings; inside the caller's transaction."""
    given = [(made, made.donated) for made in people if made.donated is not None]
    if not given:
        return
    with (
        connection.cursor() as cursor,
        cursor.copy(f"copy donations ({_COLUMNS}) from stdin".encode()) as copying,
    ):
        for made, donated in given:
            copying.write_row(_donation(loaded, made, donated))
    _book(connection, loaded.appeal_id, [move for _, donated in given for move in _movements(donated)])


def _donation(loaded: Loaded, made: Made, donated: Donated) -> Sequence[object]:
    gift, signer = donated.gift, made.signer
    return (
        *(donated.id, loaded.appeal_id, gift.state, gift.amount_minor, gift.currency),
        *(loaded.wording_ids["donation"], signer.placement, signer.locale),
        *(donated.token_hash, donated.details_sealed, donated.own_copy),
        "card_declined" if gift.state == "failed" else None,
        gift.amount_minor if gift.state == "refunded" else 0,
        *(gift.settled_at, gift.ended_at, gift.created_at),
    )


def _movements(donated: Donated) -> list[_Movement]:
    """Cause, moment, the account debited, the account credited."""
    gift, moves = donated.gift, list[_Movement]()
    if gift.settled_at is not None:
        moves.append((str(donated.id), gift.settled_at, "clearing", "donations", donated))
    if gift.state == "refunded":
        moves.append((f"{donated.id}:refund", gift.ended_at, "refunds", "clearing", donated))
    return moves


def _book(connection: psycopg.Connection, appeal_id: int, moves: Sequence[_Movement]) -> None:
    if not moves:
        return
    accounts = _open_accounts(connection, appeal_id, sorted({move[4].gift.currency for move in moves}))
    query = "select nextval(pg_get_serial_sequence('ledger_postings', 'id')) from generate_series(1, %s)"
    numbers = [int(number) for (number,) in connection.execute(query, [len(moves)])]
    with connection.cursor() as cursor:
        with cursor.copy(
            b"copy ledger_postings (id, cause_kind, cause_id, occurred_at) from stdin"
        ) as copying:
            for number, (cause, at, *_) in zip(numbers, moves, strict=True):
                copying.write_row((number, CAUSE, cause, at))
        with cursor.copy(
            b"copy ledger_entries (posting_id, account_id, amount_minor, currency) from stdin"
        ) as copying:
            for number, (_, _, debited, credited, donated) in zip(numbers, moves, strict=True):
                amount, currency = donated.gift.amount_minor, donated.gift.currency
                copying.write_row((number, accounts[debited, currency], amount, currency))
                copying.write_row((number, accounts[credited, currency], -amount, currency))


def _open_accounts(
    connection: psycopg.Connection, appeal_id: int, currencies: Sequence[str]
) -> dict[tuple[str, str], int]:
    connection.execute(_ACCOUNTS, [appeal_id, list(currencies)])
    query = "select kind, currency, id from ledger_accounts where appeal_id = %s"
    return {
        (str(kind), str(currency)): int(i) for kind, currency, i in connection.execute(query, [appeal_id])
    }
