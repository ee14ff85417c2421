"""What the database itself refuses to anybody: changed history, changed asks, money from nowhere."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql
from psycopg.types.json import Jsonb

from app.core.logins import SERVING
from tests.factories import World, make_petition
from tests.migrations.allowed import APPEND_ONLY
from tests.migrations.conftest import Server


def test_the_append_only_tables_are_those_written_down(server: Server) -> None:
    with server.as_login("haven_owner") as owner:
        rows = owner.execute("""
            select tgrelid::regclass::text, tgenabled::text, pg_get_triggerdef(oid) from pg_trigger
             where tgname = 'append_only'""").fetchall()
    assert {table for table, _, _ in rows} == APPEND_ONLY
    for table, enabled, definition in rows:
        assert enabled == "O", table
        for verb in ("UPDATE", "DELETE", "TRUNCATE"):
            assert verb in definition, f"{table}: {verb}"


@pytest.mark.parametrize("login", ["haven_owner", *SERVING])
@pytest.mark.parametrize("table", sorted(APPEND_ONLY))
def test_history_cannot_be_changed(server: Server, small_world: World, table: str, login: str) -> None:
    # The owner is stopped by the trigger, the others before it.
    refusal = (
        psycopg.errors.RestrictViolation if login == "haven_owner" else psycopg.errors.InsufficientPrivilege
    )
    with server.as_login(login) as connection:
        column = connection.execute(
            "select attname from pg_attribute where attrelid = %s::regclass and attnum = 1", (table,)
        ).fetchone()
        assert column is not None
        for statement in (
            "update {table} set {column} = {column}",
            "delete from {table}",
            "truncate {table} cascade",
            "merge into {table} t using (select 1) x on true when matched then delete",
        ):
            with pytest.raises(refusal):
                connection.execute(
                    sql.SQL(statement).format(
                        table=sql.Identifier(table), column=sql.Identifier(str(column[0]))
                    )
                )


def _version(connection: psycopg.Connection, petition: int, asks: list[dict[str, str]]) -> None:
    connection.execute(
        "insert into petition_text_versions (petition_id, number, title, body, asks, correction) select "
        "%s, max(number) + 1, '{}', '{}', %s, %s from petition_text_versions where petition_id = %s",
        (petition, Jsonb(asks), Jsonb({"en": "A spelling was mended."}), petition),
    )


def test_asks_of_an_open_petition_are_locked(server: Server, small_world: World) -> None:
    same = [{"en": "Send aid."}, {"en": "Grant refuge."}]
    with server.as_login("haven_owner") as owner:
        _version(owner, small_world.petition_id, same)
        for other in ([{"en": "Send aid."}], [*same, {"en": "And money."}], same[::-1]):
            with pytest.raises(psycopg.errors.RestrictViolation, match="locked"):
                _version(owner, small_world.petition_id, other)
        draft, _ = make_petition(owner, small_world.campaign_id, "a-draft", state="draft")
        _version(owner, draft, [{"en": "Something else."}])


@pytest.fixture
def books(server: Server, small_world: World) -> Iterator[psycopg.Connection]:
    """The worker's login, with accounts in two currencies; the caller commits."""
    with psycopg.connect(server.postgres.internal_url) as connection:
        connection.execute(
            "insert into ledger_accounts (appeal_id, kind, currency) select %s, kind, currency "
            "from (values ('clearing', 'GBP'), ('donations', 'GBP'), ('clearing', 'EUR')) a (kind, currency) "
            "on conflict do nothing",
            (small_world.appeal_id,),
        )
        connection.commit()
        yield connection
        connection.rollback()


def _post(connection: psycopg.Connection, cause: str, *lines: tuple[str, str, int]) -> None:
    posting = connection.execute(
        "insert into ledger_postings (cause_kind, cause_id) values ('test', %s) returning id", (cause,)
    ).fetchone()
    assert posting is not None
    _add(connection, posting[0], *lines)


def _add(connection: psycopg.Connection, posting: int, *lines: tuple[str, str, int]) -> None:
    for kind, currency, amount in lines:
        connection.execute(
            "insert into ledger_entries (posting_id, account_id, amount_minor, currency) "
            "select %s, id, %s, %s from ledger_accounts "
            "where kind = %s and currency = case when %s = 'XXX' then 'GBP' else %s end",
            (posting, amount, currency, kind, currency, currency),
        )


def _cause(server: Server, name: str) -> str:
    return f"{name}-{server.postgres.port}"


def test_a_balanced_posting_is_taken_once(server: Server, books: psycopg.Connection) -> None:
    lines = (("clearing", "GBP", 2500), ("donations", "GBP", -2500))
    _post(books, _cause(server, "balanced"), *lines)
    books.commit()
    with pytest.raises(psycopg.errors.UniqueViolation):
        _post(books, _cause(server, "balanced"), *lines)


def test_an_unbalanced_posting_is_refused_at_the_commit(server: Server, books: psycopg.Connection) -> None:
    _post(books, _cause(server, "short"), ("clearing", "GBP", 2500), ("donations", "GBP", -2499))
    with pytest.raises(psycopg.errors.IntegrityConstraintViolation, match="sum to zero"):
        books.commit()


def test_currencies_do_not_balance_each_other(server: Server, books: psycopg.Connection) -> None:
    _post(books, _cause(server, "mixed"), ("clearing", "EUR", 2500), ("donations", "GBP", -2500))
    with pytest.raises(psycopg.errors.IntegrityConstraintViolation, match="sum to zero"):
        books.commit()


def test_a_posting_without_entries_is_refused(server: Server, books: psycopg.Connection) -> None:
    _post(books, _cause(server, "empty"))
    with pytest.raises(psycopg.errors.IntegrityConstraintViolation, match="no entries"):
        books.commit()


def test_a_line_added_later_must_balance_too(server: Server, books: psycopg.Connection) -> None:
    _post(books, _cause(server, "old"), ("clearing", "GBP", 10), ("donations", "GBP", -10))
    books.commit()
    posting = books.execute(
        "select id from ledger_postings where cause_id = %s", (_cause(server, "old"),)
    ).fetchone()
    assert posting is not None
    _add(books, posting[0], ("clearing", "GBP", 1))
    with pytest.raises(psycopg.errors.IntegrityConstraintViolation, match="sum to zero"):
        books.commit()


def test_an_entry_is_in_the_currency_of_its_account(server: Server, books: psycopg.Connection) -> None:
    with pytest.raises(psycopg.errors.IntegrityConstraintViolation, match="currency of its account"):
        _post(books, _cause(server, "foreign"), ("clearing", "XXX", 5), ("donations", "XXX", -5))


def test_an_entry_of_nothing_is_refused(server: Server, books: psycopg.Connection) -> None:
    with pytest.raises(psycopg.errors.CheckViolation):
        _post(books, _cause(server, "nothing"), ("clearing", "GBP", 0))
