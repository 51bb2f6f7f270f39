"""`python -m fogbank.serve serve`: what SageMaker runs in the container. SIGTERM finishes what is in flight and exits 0.
`check` loads the model and its handler as `serve` would, and ends.

Exit codes: 0 stopped on request, 2 wrong usage, 3 the model or its handler cannot be loaded.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading

import uvicorn

from fogbank.contracts.container import ENV_PARENT_FD, STOP_GRACE_S, serve_settings
from fogbank.serve.app import ServeApp
from fogbank.serve.handler import load_handler
from fogbank.serve.problems import LoadError


def main(arguments: list[str]) -> int:
    """Load the model, then serve until SIGTERM."""
    if arguments not in (["serve"], ["check"]):
        sys.stderr.write("usage: python -m fogbank.serve serve | check\n")
        return 2
    logging.basicConfig(level="INFO", format="%(asctime)s %(levelname)s %(name)s %(message)s", stream=sys.stderr)
    try:
        settings = serve_settings(os.environ)
        logging.getLogger().setLevel(settings.log_level)
        _follow_parent()
        handler = load_handler(settings)
        if arguments == ["check"]:
            return 0
    except (LoadError, ValueError) as error:
        logging.getLogger("fogbank.serve").error("%s", error)
        return 3
    config = uvicorn.Config(
        ServeApp(handler, settings.payload_limit),
        host="127.0.0.1" if ENV_PARENT_FD in os.environ else "0.0.0.0",  # noqa: S104 - in a container the port is the platform's
        port=settings.port,
        access_log=False,
        log_config=None,
        log_level="warning",
        timeout_graceful_shutdown=int(STOP_GRACE_S) - 5,
        server_header=False,
        date_header=False,
    )
    signal.signal(
        signal.SIGTERM, lambda *_: None
    )  # uvicorn drains, then raises the signal again: an ordered stop exits 0
    server = uvicorn.Server(config)
    server.run()
    return 0 if server.started else 3


def _follow_parent() -> None:
    """Stop when the process that started this one is gone: it holds the other end of a pipe. Off in a container."""
    descriptor = os.environ.get(ENV_PARENT_FD)
    if not descriptor:
        return

    def watch() -> None:
        os.read(int(descriptor), 1)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="parent", daemon=True).start()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
