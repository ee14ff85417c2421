"""`devtools.run` with stand-ins for Haven's own processes; the first argument is the checkout."""

import os
import sys
from pathlib import Path

from devtools.run.plan import Plan
from devtools.run.say import CannotRun
from devtools.run.supervisor import Supervisor

CHILD = Path(__file__).with_name("run_stub_child.py")


def stub(name: str) -> tuple[str, ...]:
    return (sys.executable, str(CHILD), name)


def plan(*, simulator: bool) -> Plan:
    return Plan(
        once={name: stub(name) for name in ("migrate", "demo")},
        tools={name: stub(name) for name in (("mail", "stripe") if simulator else ("mail",))},
        roles={name: stub(name) for name in ("public", "staff", "worker")},
    )


if __name__ == "__main__":
    try:
        sys.exit(Supervisor(os.environ, root=Path(sys.argv[1]), plan=plan, ready_patience=20).run())
    except CannotRun as error:
        sys.exit(f"{error}")
