"""`/metrics`, on the staff port alone: counts of what waits and what failed, for Prometheus."""

from dataclasses import asdict

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest

from app.http.context import Staff
from app.reports.system import read_health

router = APIRouter(include_in_schema=False)


@router.get("/metrics")
async def metrics(role: Staff) -> Response:
    """Every queue's length now; numbers only, nobody's data."""
    async with role.database.begin() as session:
        health = await read_health(session)
    registry = CollectorRegistry()
    for name, value in asdict(health).items():
        Gauge(f"haven_{name}", name.replace("_", " ").capitalize(), registry=registry).set(value)
    return Response(
        generate_latest(registry), media_type=CONTENT_TYPE_LATEST, headers={"Cache-Control": "no-store"}
    )
