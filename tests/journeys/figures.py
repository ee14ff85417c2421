"""The figures, as readers and as staff see them."""

import csv
import io
import re
from dataclasses import dataclass
from decimal import Decimal

import httpx

CAMPAIGN = PETITION = APPEAL = "refugees-welcome"
REPORT = f"/campaigns/{CAMPAIGN}/report"


@dataclass(frozen=True)
class Placed:
    """What came from one placement."""

    signed: int = 0
    confirmed: int = 0
    donations: int = 0
    given: Decimal = Decimal(0)


class PublicFigures:
    """Count and sum as the API tells everybody."""

    def __init__(self, api: httpx.AsyncClient) -> None:
        self._api = api

    async def count(self) -> int:
        answer = await self._api.get(f"/api/v1/petitions/{PETITION}/count")
        return int(answer.raise_for_status().json()["count"])

    async def raised(self, currency: str = "GBP") -> int:
        """After refunds, in minor units."""
        answer = await self._api.get(f"/api/v1/appeals/{APPEAL}")
        totals = {total["currency"]: total["net"] for total in answer.raise_for_status().json()["totals"]}
        return int(totals.get(currency, 0))


class StaffDesk:
    """Somebody who is logged in on the staff port."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def log_in(self, email: str, password: str) -> httpx.Response:
        return await self._client.post(
            "/login",
            data={"email": email, "password": password, "next": REPORT},
            headers={"origin": str(self._client.base_url).rstrip("/")},
        )

    async def page(self) -> str:
        """The report's page."""
        answer = await self._client.get(REPORT, params={"range": "7"})
        assert answer.status_code == 200, answer.headers
        return answer.text

    async def overview(self) -> str:
        """The first page: campaigns, and how the system does."""
        return (await self._client.get("/")).raise_for_status().text

    async def metrics(self) -> str:
        """What Prometheus reads."""
        return (await self._client.get("/metrics")).raise_for_status().text

    async def shown(self, title: str) -> str:
        """A total as the page shows it."""
        found = re.search(rf"<dt>{title}</dt><dd>([^<]*)</dd>", await self.page())
        assert found, title
        return found[1]

    async def rows(self, table: str) -> list[dict[str, str]]:
        """A table of the report as its CSV holds it."""
        answer = await self._client.get(f"{REPORT}.csv", params={"range": "7", "table": table})
        assert answer.headers["content-type"] == "text/csv; charset=utf-8"
        return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))

    async def today(self) -> dict[str, str]:
        return (await self.rows("days"))[-1]

    async def total(self, column: str) -> Decimal:
        """The sum of a column over the days."""
        return sum((Decimal(row.get(column) or 0) for row in await self.rows("days")), Decimal(0))

    async def placed(self, placement: str, currency: str = "gbp") -> Placed:
        """What a placement brought."""
        for row in await self.rows("placements"):
            if row["placement"] == placement:
                return Placed(
                    int(row["signed"]),
                    int(row["confirmed"]),
                    int(row.get(f"donations_{currency}") or 0),
                    Decimal(row.get(f"given_{currency}") or 0),
                )
        return Placed()
