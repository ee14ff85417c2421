"""`/metrics`, on the staff port alone: what waits, what failed, and the surge ladder, for Prometheus."""

from dataclasses import asdict

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest

from app.http.context import Staff
from app.reports.surges import ProcessOnLadder, Surge, read_surge
from app.reports.system import read_health

router = APIRouter(include_in_schema=False)
_OF_A_PROCESS = {
    "surge_step": "Step of the surge ladder, 0 (calm) to 5 (signing refused)",
    "surge_step_seconds": "Seconds since that step was taken",
    "letterbox_waiting": "Letters in memory that wait for their transaction",
    "letterbox_capacity": "Letters in memory that may wait",
    "letterbox_commit_seconds": "Slowest of the last transactions",
}


@router.get("/metrics")
async def metrics(role: Staff) -> Response:
    """Every queue's length now, and each process's step; numbers only, nobody's data."""
    async with role.database.begin() as session:
        health, surge = await read_health(session), await read_surge(session)
    registry = CollectorRegistry()
    for name, value in asdict(health).items():
        Gauge(f"haven_{name}", name.replace("_", " ").capitalize(), registry=registry).set(value)
    _add_surge(registry, surge)
    return Response(
        generate_latest(registry), media_type=CONTENT_TYPE_LATEST, headers={"Cache-Control": "no-store"}
    )


def _add_surge(registry: CollectorRegistry, surge: Surge) -> None:
    Gauge("haven_letters_backlog", "Letters that no worker has resolved", registry=registry).set(
        surge.letters
    )
    Gauge("haven_letters_backlog_oldest_seconds", "Age of the oldest of them", registry=registry).set(
        surge.oldest_seconds
    )
    gauges = {
        name: Gauge(f"haven_{name}", says, ["role", "process"], registry=registry)
        for name, says in _OF_A_PROCESS.items()
    }
    for process in surge.processes:
        for name, value in _figures(process).items():
            gauges[name].labels(process.role, process.name).set(value)


def _figures(process: ProcessOnLadder) -> dict[str, float]:
    """What there is to say of one; a worker has a step, and no letterbox."""
    steps = {"surge_step": float(process.step), "surge_step_seconds": process.seconds_on_step}
    if not process.capacity:
        return steps
    return steps | {
        "letterbox_waiting": process.waiting,
        "letterbox_capacity": process.capacity,
        "letterbox_commit_seconds": process.commit_ms / 1000,
    }
