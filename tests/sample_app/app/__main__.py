"""Start the service: ``python3 -m app``."""

# mypy: disable-error-code="import-not-found, untyped-decorator, no-any-return"
# The libraries come from Debian packages inside the image; where the type check runs they are missing.

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator

from aiohttp import web

from . import routes
from .logs import set_up_logs
from .middleware import LOG, SWITCHES, observe
from .settings import Settings, read_settings
from .stores import Stores
from .switches import Switches, read_switches

PORT = 3000
STOP_SECONDS = 4.5  # aiohttp waits this long twice for a request, and Docker's patience is 10 seconds


async def _life(app: web.Application) -> AsyncIterator[None]:
    """Wrap the life of the service. The delay is here, where SIGTERM already ends it."""
    await asyncio.sleep(app[SWITCHES].start_delay_seconds)
    await app[routes.STORES].open()
    LOG.info("started version %s", app[routes.SETTINGS].version)
    yield
    await app[routes.STORES].close()
    LOG.info("stopped")


async def create(settings: Settings, switches: Switches, switchable: bool) -> web.Application:
    """Return the service, not yet listening."""
    app = web.Application(middlewares=[observe])
    app[routes.SETTINGS] = settings
    app[routes.STORES] = Stores(settings)
    app[routes.SOCKETS] = set()
    app[SWITCHES] = switches
    app.add_routes(routes.TABLE)
    if switchable:
        app.router.add_post("/switch", routes.switch)
    app.cleanup_ctx.append(_life)
    app.on_shutdown.append(routes.close_sockets)
    return app


def main() -> None:
    """Listen until SIGTERM, then finish the requests under way."""
    try:
        settings = read_settings(os.environ)
        switches = read_switches(os.environ)
    except ValueError as error:
        sys.exit(f"sample-app: {error}")
    set_up_logs(settings.log_level)
    app = create(settings, switches, os.environ.get("APP_SWITCHES") == "1")
    web.run_app(app, port=PORT, shutdown_timeout=STOP_SECONDS, access_log=None, print=None)


if __name__ == "__main__":
    main()
