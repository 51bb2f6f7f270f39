"""`python -m fogbank.serve serve`: what SageMaker runs in the container. SIGTERM finishes what is in flight and exits 0.
`check` loads the model and its handler as `serve` would, answers the CSV sample on its standard input if there is one, and ends.
`ping` asks the server in the same container whether it is ready: the image's health check.

Exit codes: 0 stopped on request or ready, 1 not ready, 2 wrong usage, 3 the model or its handler cannot be loaded.
"""

from __future__ import annotations

import json
import logging
import os
import sys

from fogbank.contracts.container import ENV_REPORT_FD, PING_TIMEOUT_S, ServeSettings, serve_settings
from fogbank.serve import logs
from fogbank.serve.problems import EXIT_LOAD, EXIT_STOPPED


def main(arguments: list[str]) -> int:
    """Serve until SIGTERM, check, or ping."""
    if arguments not in (["serve"], ["check"], ["ping"]):
        sys.stderr.write("usage: python -m fogbank.serve serve | check | ping\n")
        return 2
    log = logging.getLogger("fogbank.serve")
    try:
        settings = serve_settings(os.environ)
        logs.set_up(settings.log_level, settings.log_format)
    except ValueError as error:
        logs.set_up("INFO", "json")
        log.error("%s", error)
        return EXIT_LOAD
    if arguments == ["ping"]:
        return _ping(settings.port)
    os.environ.update({name: "1" for name in THREADS if name not in os.environ})
    if arguments == ["check"]:
        return _check(settings, log)
    try:
        if settings.multi_model:
            from fogbank.serve.multi_model import serve_models

            return serve_models(settings)
        from fogbank.serve.supervisor import Supervisor

        return Supervisor(settings).run()
    except OSError as error:
        log.error("cannot listen on port %d: %s", settings.port, error)
        return EXIT_LOAD


THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""One thread of each library in a worker: workers are what uses more cores, and threads of several workers only fight."""


def _ping(port: int) -> int:
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PING_TIMEOUT_S)
    try:
        connection.request("GET", "/ping")
        return int(connection.getresponse().status != 200)
    except OSError:
        return 1
    finally:
        connection.close()


def _check(settings: ServeSettings, log: logging.Logger) -> int:
    from fogbank.serve.diagnosis import diagnose

    error = _failure(settings)
    if error is None:
        return EXIT_STOPPED
    code, cause = diagnose(error, settings.code_dir)
    log.error("%s", cause)
    if ENV_REPORT_FD in os.environ:
        os.write(int(os.environ[ENV_REPORT_FD]), json.dumps({"code": code, "cause": cause}).encode())
    return EXIT_LOAD


def _failure(settings: ServeSettings) -> BaseException | None:
    """What the package fails with: on loading, or on the sample."""
    from fogbank.serve.handler import Call, load_handler

    try:
        handler = load_handler(settings)
        sample = b"" if sys.stdin.isatty() else sys.stdin.buffer.read()
        if sample and not handler.is_async and not handler.wants_context:
            handler(Call(sample, "text/csv", "*/*"))
    except Exception as error:  # noqa: BLE001 - the handler is the user's
        return error
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
