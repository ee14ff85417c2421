"""What each serving login may do with each table: the whole of it, read back from the database."""

from collections.abc import Sequence

import psycopg

VERBS = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")
_BY_COLUMN = ("SELECT", "INSERT", "UPDATE", "REFERENCES")

Rights = dict[str, dict[str, tuple[str, ...]]]
"""By table, then verb: `("*",)` for the whole table, else the columns."""


def tables(connection: psycopg.Connection) -> dict[str, list[str]]:
    """Every table and view of the schema with its columns."""
    rows = connection.execute("""
        select c.relname, array_agg(a.attname::text order by a.attnum)
          from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
         where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'f')
         group by 1 order by 1""").fetchall()
    return {str(name): list(columns) for name, columns in rows}


def rights_of(connection: psycopg.Connection, login: str) -> Rights:
    """The login's rights, by asking the database."""
    found: Rights = {}
    for table, columns in tables(connection).items():
        for verb in VERBS:
            if allowed := _allowed(connection, login, table, columns, verb):
                found.setdefault(table, {})[verb] = allowed
    return found


def functions_of(connection: psycopg.Connection, login: str) -> set[str]:
    """The functions of the schema that the login may call."""
    rows = connection.execute(
        """
        select p.oid::regprocedure::text from pg_proc p
         where p.pronamespace = 'public'::regnamespace and p.prorettype <> 'trigger'::regtype
           and has_function_privilege(%s, p.oid, 'EXECUTE')""",
        (login,),
    ).fetchall()
    return {str(name) for (name,) in rows}


def _allowed(
    connection: psycopg.Connection, login: str, table: str, columns: Sequence[str], verb: str
) -> tuple[str, ...]:
    if _holds(connection, "select has_table_privilege(%s, %s, %s)", login, f"public.{table}", verb):
        return ("*",)
    if verb not in _BY_COLUMN:
        return ()
    query = "select has_column_privilege(%s, %s, %s, %s)"
    return tuple(c for c in columns if _holds(connection, query, login, f"public.{table}", c, verb))


def _holds(connection: psycopg.Connection, query: str, *values: str) -> bool:
    row = connection.execute(query.encode(), values).fetchone()
    return row is not None and bool(row[0])
