"""Which commands a run consists of."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass

from devtools.run.ports import Ports, near


@dataclass(frozen=True)
class Plan:
    """Command lines by name: those that run once, one after the other, and those that keep running."""

    once: Mapping[str, tuple[str, ...]]
    tools: Mapping[str, tuple[str, ...]]
    roles: Mapping[str, tuple[str, ...]]


def haven(*arguments: str) -> tuple[str, ...]:
    """A `haven` command with this Python."""
    return (sys.executable, "-m", "app.cli.main", *arguments)


def usual_plan(*, simulator: bool) -> Plan:
    """What `make run` runs."""
    tools = {"mail": (sys.executable, "-m", "devtools.mail_catcher")}
    if simulator:
        tools["stripe"] = (sys.executable, "-m", "devtools.stripe_sim")
    return Plan(
        once={"migrate": haven("migrate"), "demo": haven("demo")},
        tools=tools,
        roles={
            "public": haven("serve", "--role", "public"),
            "staff": haven("serve", "--role", "staff"),
            "worker": haven("worker"),
        },
    )


def ready_urls(ports: Ports, host: str) -> dict[str, str]:
    """Where each running part says that it is ready."""
    return {
        "public": f"http://{near(host)}:{ports.public}/readyz",
        "staff": f"http://{near(host)}:{ports.staff}/readyz",
        "worker": f"http://{near(host)}:{ports.worker}/readyz",
        "mail": f"http://{near(host)}:{ports.mail}/healthz",
        "stripe": f"http://{near(host)}:{ports.stripe}/healthz",
    }
