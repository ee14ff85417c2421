"""`python -m devtools.run`: everything on this machine, until Ctrl-C."""

import os
import sys

from devtools.run.say import CannotRun
from devtools.run.supervisor import Supervisor


def main() -> int:
    """Run, or say on standard error why not."""
    try:
        return Supervisor(os.environ).run()
    except CannotRun as error:
        sys.stderr.write(f"{error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
