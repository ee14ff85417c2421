"""`haven selfcheck`: open the database and run every check."""

from app.core.db import Database
from app.http.wiring import secret
from app.reports.checking import Finding, run_checks
from app.settings import ConfigurationRefused, Settings


async def selfcheck(settings: Settings) -> list[Finding]:
    """Every invariant and how many rows break it. Raises ConfigurationRefused without a login."""
    url = settings.database.internal_database_url or settings.database.database_url
    if url is None:
        raise ConfigurationRefused(
            ["Set HAVEN_INTERNAL_DATABASE_URL: selfcheck reads as the internal login."]
        )
    database = Database(secret(url), pool_size=1, name="haven-selfcheck")
    try:
        async with database.begin() as session:
            return await run_checks(session)
    finally:
        await database.close()
