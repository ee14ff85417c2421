"""What each login may do: read back from the database, and tried."""

from collections.abc import Mapping
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql

from app.core.logins import SERVING
from tests.migrations.allowed import FUNCTIONS, TABLES
from tests.migrations.conftest import Server, migrate_to
from tests.migrations.rights import functions_of, rights_of, tables

TRIED = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE")
serving = pytest.mark.parametrize("login", SERVING)


@serving
def test_a_login_has_the_rights_written_down_and_no_other(server: Server, login: str) -> None:
    with server.as_login("haven_owner") as owner:
        found = rights_of(owner, login)
    written = {
        table: {verb: tuple(sorted(c)) for verb, c in rights.items()}
        for table, rights in TABLES[login].items()
    }
    assert {
        table: {verb: tuple(sorted(c)) for verb, c in rights.items()} for table, rights in found.items()
    } == written


@serving
def test_a_login_may_call_the_functions_written_down_and_no_other(server: Server, login: str) -> None:
    with server.as_login("haven_owner") as owner:
        found = functions_of(owner, login)
    jobs = {name for name in found if name.startswith("procrastinate_")}
    expected = FUNCTIONS[login] if login == "haven_public" else FUNCTIONS[login] | jobs
    assert found == expected


@serving
@pytest.mark.parametrize("verb", TRIED)
def test_every_table_refuses_what_is_not_written_down(server: Server, login: str, verb: str) -> None:
    with server.as_login("haven_owner") as owner:
        columns = tables(owner)
    wrong = []
    with server.as_login(login) as connection:
        for table, names in columns.items():
            allowed = TABLES[login].get(table, {}).get(verb, ())
            for column in names if verb in ("SELECT", "INSERT", "UPDATE") else [""]:
                expected = bool(allowed) and (allowed == ("*",) or column in allowed)
                if _may(connection, verb, table, column) != expected:
                    wrong.append(f"{login} {verb} {table}.{column}: expected {expected}")
    assert not wrong


STATEMENTS = {
    "SELECT": "select {column} from {table} where false",
    # The value has to be of the column's type; identity columns take none unless overridden.
    "INSERT": "insert into {table} ({column}) overriding system value select null::text::{type} where false",
    "UPDATE": "update {table} set {column} = default where false",
    "DELETE": "delete from {table} where false",
    "TRUNCATE": "truncate {table}",
}


def _may(connection: psycopg.Connection, verb: str, table: str, column: str) -> bool:
    kind = connection.execute(
        "select format_type(atttypid, atttypmod) from pg_attribute "
        "where attrelid = format('public.%%I', %s::text)::regclass and attname = %s",
        (table, column),
    ).fetchone()
    statement = sql.SQL(STATEMENTS[verb]).format(
        table=sql.Identifier(table),
        column=sql.Identifier(column or "none"),
        type=sql.SQL(kind[0] if kind else "text"),
    )
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(statement)
    except psycopg.errors.InsufficientPrivilege:
        return False
    except (psycopg.errors.ObjectNotInPrerequisiteState, psycopg.errors.WrongObjectType):
        return False  # a view of sums cannot be written to, by anybody
    return True


REFUSED_TO_ALL = {
    "another login": "set role haven_owner",
    "the superuser": "set role postgres",
    "another session": "set session authorization postgres",
    "a trigger switched off": "alter table consents disable trigger append_only",
    "all triggers switched off": "alter table ledger_entries disable trigger all",
    "triggers skipped as a replica": "set session_replication_role = replica",
    "a trigger dropped": "drop trigger append_only on audit_entries",
    "a table dropped": "drop table tallies",
    "a table made": "create table mine (id int)",
    "a temporary table": "create temporary table mine (id int)",
    "a view": "create view mine as select 1",
    "a function": "create function mine() returns int language sql as 'select 1'",
    "a schema": "create schema mine",
    "a language dropped": "drop extension plpgsql",
    "a function replaced": "create or replace function refuse_change() returns trigger language plpgsql "
    "as 'begin return null; end'",
    "a policy": "alter table signatures enable row level security",
    "a comment": "comment on table signatures is 'mine'",
    "a program": "copy (select 1) to program 'true'",
    "a file written": "copy (select 1) to '/tmp/mine'",
    "a file read": "create table mine (t text); copy mine from '/etc/passwd'",
    "a server's file": "select pg_read_file('/etc/passwd')",
    "a server's folder": "select pg_ls_dir('.')",
    "a large object from a file": "select lo_import('/etc/passwd')",
    "a large object to a file": "select lo_export(1, '/tmp/mine')",
    "passwords": "select rolpassword from pg_authid",
    "passwords by another name": "select passwd from pg_shadow",
    "its own power": "alter role current_user superuser",
    "its own replication": "alter role current_user replication",
    "a new login": "create role mine login",
    "membership": "grant haven_owner to current_user",
    "the server's settings": "alter system set fsync = off",
    "the database": "alter database haven rename to mine",
    "an own database": "create database mine",
    "somebody's connection": "select pg_terminate_backend(pid) from pg_stat_activity "
    "where usename = 'haven_owner'",
    "default rights of others": "alter default privileges for role haven_owner grant all on tables to public",
    "another slot": "select pg_create_physical_replication_slot('mine')",
}
REFUSED = {
    "haven_public": REFUSED_TO_ALL
    | {
        "ending anybody": "select end_signatures(array[]::uuid[])",
        "lapsing": "select lapse_signatures(1)",
        "whom it counts": "select * from tally_dimensions(array[]::uuid[])",
        "what jobs were told": "select args from procrastinate_jobs",
        "a job taken": "select * from procrastinate_fetch_job_v2(null, 1)",
        "what was signed": "select count(*) from signatures",
        "letters": "select count(*) from intake",
        "a letter of its own": "insert into intake (id, petition_id, kind, sealed) "
        "values (gen_random_uuid(), 1, 'sign', '') returning received_at",
        "a donation by its id": "select state from donations where id = gen_random_uuid()",
        "a settled donation": "insert into donations (id, state) values (gen_random_uuid(), 'succeeded')",
        "the counter": "update petition_counts set counted = 1",
        "a total": "update tally_totals set confirmed = 1",
        "an event marked as handled": "update stripe_events set handled_at = now()",
    },
    "haven_internal": REFUSED_TO_ALL
    | {
        "the counter": "update petition_counts set counted = 1",
        "a tally of confirmations": "update tallies set confirmed = 1",
        "a total": "update tally_totals set confirmed = 1",
        "a signature's state": "update signatures set state = 'confirmed'",
        "a signature deleted": "delete from signatures",
        "the amount of a donation": "update donations set amount_minor = 1",
        "a consent changed": "update consents set given = true",
        "answers exchanged": "update signatures set answers_id = 1",
        "answers changed": "update answer_sets set given = '{}'",
        "an own staff account": "insert into staff_accounts (email, name, roles, password_hash) "
        "values ('a@example.org', 'A', '{admin}', 'x')",
        "its own roles": "update staff_accounts set roles = '{admin}'",
        "the asks": "insert into petition_text_versions (petition_id, number, title, body, asks) "
        "values (1, 2, '{}', '{}', '[]')",
        "a wording": "update wordings set required = false",
    },
}
TRIES = [(login, what) for login in SERVING for what in REFUSED[login]]


@pytest.mark.parametrize(("login", "what"), TRIES)
def test_a_serving_login_cannot(server: Server, login: str, what: str) -> None:
    # The owner is connected, so that there is somebody whose connection could be ended.
    with (
        server.as_login("haven_owner"),
        server.as_login(login) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(REFUSED[login][what].encode())


@serving
def test_other_databases_are_closed(server: Server, login: str) -> None:
    for database in ("postgres", "template1"):
        url = urlsplit(server.urls[login])._replace(path=f"/{database}").geturl()
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            psycopg.connect(url)


@serving
def test_what_others_ask_the_server_is_hidden(server: Server, login: str) -> None:
    with server.as_login("haven_owner") as owner, server.as_login(login) as connection:
        owner.execute("select 'something personal'")
        rows = connection.execute(
            "select query from pg_stat_activity where usename = 'haven_owner' and datname = 'haven'"
        ).fetchall()
    assert {query for (query,) in rows} == {"<insufficient privilege>"}


@serving
def test_a_serving_login_is_nobody_special(server: Server, login: str) -> None:
    with server.as_login("haven_owner") as owner:
        powers = owner.execute(
            "select rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls from pg_roles "
            "where rolname = %s",
            (login,),
        ).fetchone()
        member_of = owner.execute(
            "select count(*) from pg_auth_members where member = %s::regrole", (login,)
        ).fetchone()
        owns = owner.execute(
            "select count(*) from pg_class where relowner = %s::regrole", (login,)
        ).fetchone()
        passes_on = owner.execute(
            "select count(*) from pg_class c, aclexplode(c.relacl) a "
            "where a.grantee = %s::regrole and a.is_grantable",
            (login,),
        ).fetchone()
    assert powers == (False,) * 5
    assert member_of == (0,)
    assert owns == (0,)
    assert passes_on == (0,)


DEFINED_HERE: Mapping[str, bool] = {
    "amend_signature": True,
    "attach_checkout": True,
    "confirm_signatures": True,
    "end_signatures": True,
    "forget_mails": True,
    "forget_origins": True,
    "invalidate_signatures": True,
    "lapse_signatures": True,
    "quarantine_network": True,
    "move_totals": True,
    "read_donation": True,
    "read_signature": True,
    "refuse_change": False,
    "refuse_changed_asks": True,
    "refuse_checkout": True,
    "refuse_foreign_entry": True,
    "refuse_unbalanced_posting": True,
    "refuse_unknown_wordings": True,
    "release_signatures": True,
    "report_process": True,
    "restore_signatures": True,
    "spend_challenges": True,
    "tally_dimensions": False,
    "uuid_at": False,
    "withdraw_signature": True,
}
"""Our functions, and whether they run with the owner's rights."""


def test_functions_with_the_owners_rights_pin_their_search_path(server: Server) -> None:
    with server.as_login("haven_owner") as owner:
        rows = owner.execute("""
            select p.proname, p.prosecdef, coalesce(p.proconfig, '{}'), p.proowner::regrole::text
              from pg_proc p where p.pronamespace = 'public'::regnamespace""").fetchall()
    ours = {name: definer for name, definer, _, _ in rows if not name.startswith("procrastinate_")}
    assert ours == DEFINED_HERE
    assert not [name for name, definer, _, _ in rows if definer and name not in ours]
    assert {owner_name for _, _, _, owner_name in rows} == {"haven_owner"}
    for name, _, settings, _ in rows:
        if name in ours:
            [path] = [s.removeprefix("search_path=") for s in settings if s.startswith("search_path=")]
            # Whoever can make temporary tables must not be able to put theirs before ours.
            assert path.startswith("pg_catalog"), name
            assert path.endswith("pg_temp"), name


def test_the_public_has_no_right_to_anything(server: Server) -> None:
    with server.as_login("haven_owner") as owner:
        found = owner.execute("""
            select 'function ' || p.oid::regprocedure::text, a.privilege_type
              from pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
             where p.pronamespace = 'public'::regnamespace and a.grantee = 0
            union all
            select 'relation ' || c.relname, a.privilege_type
              from pg_class c,
                   aclexplode(coalesce(c.relacl,
                     acldefault(case c.relkind when 'S' then 's' else 'r' end::"char", c.relowner))) a
             where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
               and a.grantee = 0
            union all
            select 'column ' || c.relname || '.' || t.attname, a.privilege_type
              from pg_class c join pg_attribute t on t.attrelid = c.oid, aclexplode(t.attacl) a
             where c.relnamespace = 'public'::regnamespace and a.grantee = 0
            union all
            select 'schema', a.privilege_type
              from pg_namespace n, aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a
             where n.nspname = 'public' and a.grantee = 0
            union all
            select 'database', a.privilege_type
              from pg_database d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a
             where d.datname = current_database() and a.grantee = 0""").fetchall()
    assert found == []


def test_a_function_made_later_is_closed_to_the_public(server: Server) -> None:
    with server.scratch("later") as owner_url:
        migrate_to(owner_url, "head")
        with psycopg.connect(owner_url) as owner:
            owner.execute("create function later() returns int language sql as 'select 1'")
            row = owner.execute(
                "select has_function_privilege('haven_public', 'later()', 'execute')"
            ).fetchone()
    assert row == (False,)
