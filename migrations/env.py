"""Alembic's entry: one connection of the owner's, short lock waits, procrastinate's tables left alone."""

import os
from importlib import import_module
from pkgutil import walk_packages

from alembic import context
from sqlalchemy import Connection, create_engine, pool, text
from sqlalchemy.sql.schema import SchemaItem

import app
from app.core.db import Base, async_url

for module in walk_packages(app.__path__, "app."):
    if module.name.endswith("models"):
        import_module(module.name)


def include_object(
    _item: SchemaItem, name: str | None, kind: str, _reflected: bool, _other: SchemaItem | None
) -> bool:
    """Whether autogenerate may look: procrastinate keeps its own tables."""
    return not (kind == "table" and name is not None and name.startswith("procrastinate_"))


def run(connection: Connection) -> None:
    """Run the migrations on a connection; a lock that is not had in 5 seconds fails the migration."""
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        include_object=include_object,
        compare_server_default=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        connection.execute(text("set local lock_timeout = '5s'"))
        context.run_migrations()


given: Connection | None = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    engine = create_engine(async_url(os.environ["HAVEN_DATABASE_URL"]), poolclass=pool.NullPool)
    with engine.connect() as opened:
        run(opened)
