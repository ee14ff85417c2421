"""`python -m devtools.stripe_sim`: serve the simulator as the environment says."""

from __future__ import annotations

import os

from devtools.stripe_sim.config import Config
from devtools.stripe_sim.server import Simulator, server


def main() -> None:
    """Serve until told to stop (SIGTERM, Ctrl-C)."""
    config = Config.from_environment(os.environ)
    simulator = Simulator(config)
    print(f"Stripe simulator: {simulator.world.base_url} (API {config.api_version})", flush=True)
    server(config, simulator).run()


if __name__ == "__main__":
    main()
