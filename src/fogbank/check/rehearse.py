"""`python -m fogbank.check.rehearse`: start the package's server under SageMaker's conditions, and be its client.

In: an `Order` as JSON on standard input; out: its findings and what it saw, as JSON. It is a process of its own because it takes the
network away from itself.
"""

from __future__ import annotations

import http.client
import json
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from fogbank.check.answer import rows_of, unlike
from fogbank.check.diagnose import diagnose
from fogbank.check.isolate import ALONE, NETWORK, READ_ONLY, go_on_alone, isolate
from fogbank.contracts.container import (
    DEFAULT_PORT,
    ENV_PARENT_FD,
    INVOCATION_LIMIT_S,
    PING_TIMEOUT_S,
    STOP_GRACE_S,
)
from fogbank.ground import processes
from fogbank.ground.ports import free_port
from fogbank.ground.processes import Lifeline, bare_environment

POLL_S = 0.02
WATCH_S = 0.1
"""How often memory and ports are looked at."""
PATIENCE_S = 1.0
"""How long a server may listen elsewhere before that is what is wrong with it."""
DIAGNOSIS_LIMIT_S = 60
TAIL_LINES = 6
PORT = "SAGEMAKER_BIND_TO_PORT"


@dataclass(frozen=True, kw_only=True)
class Order:
    """What to rehearse. `base_dir` stands for /opt/ml, `python` has the package's dependencies; `sample` is CSV, empty for none;
    `output` are the columns that its answer must have, by name and dtype, where the package declares some.

    `port` is where the server must listen: SageMaker's own where the rehearsal has a network of its own, else any free one.
    """

    python: str
    base_dir: str
    environment: dict[str, str]
    sample: str
    rows: int
    output: Sequence[tuple[str, str]] = ()
    startup_limit_s: float
    answer_limit_s: float = INVOCATION_LIMIT_S
    stop_limit_s: float = STOP_GRACE_S
    memory_bytes: int
    port: int = DEFAULT_PORT
    network: bool = False


class FindingError(Exception):
    """A finding that ends the rehearsal."""

    def __init__(self, code: str, cause: str) -> None:
        super().__init__(cause)
        self.code, self.cause = code, cause


@dataclass
class Seen:
    """What the rehearsal has seen so far."""

    findings: list[dict[str, str]] = field(default_factory=list)
    ready_s: float | None = None
    answer_s: float | None = None
    peak_bytes: int = 0
    unchecked: list[str] = field(default_factory=list)


class Rehearsal:
    """One server, from its start to its stop."""

    def __init__(self, order: Order, seen: Seen) -> None:
        self._order, self._seen = order, seen
        self._log = Path(order.base_dir) / "server.log"
        self._watched = 0.0
        self._elsewhere_since = 0.0
        self._lifeline = Lifeline()
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [order.python, "-P", "-m", "fogbank.serve", "serve"],
                env=_environment(order) | {ENV_PARENT_FD: str(self._lifeline.inherited)},
                pass_fds=(self._lifeline.inherited,),
                cwd=order.base_dir,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self._lifeline.handed_over()

    def run(self) -> None:
        """Start, ping, ask the sample, stop. Raises FindingError."""
        started = time.monotonic()
        while not self._ready():
            self._watch()
            if self._process.poll() is not None:
                raise FindingError(*self._why_it_ended())
            if time.monotonic() - started > self._order.startup_limit_s:
                raise FindingError(
                    "slow-start", f"/ping did not answer 200 within {self._order.startup_limit_s:g} s: {self._tail()}"
                )
            time.sleep(POLL_S)
        self._seen.ready_s = time.monotonic() - started
        self._warned()
        if self._order.sample:
            with ThreadPoolExecutor(1) as client:
                asked = client.submit(self._ask)
                while not asked.done():
                    self._watch_while(client)
                    time.sleep(POLL_S)
            asked.result()
        self._watch(now=True)
        self._ping()
        self._stop()

    def close(self) -> None:
        """Leave no process behind."""
        self._lifeline.cut()
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()

    def _ready(self) -> bool:
        """Whether /ping answers 200; while it starts, a server may be slow to."""
        try:
            return self._status(WATCH_S) == 200
        except TimeoutError:
            return False

    def _ping(self) -> None:
        """As SageMaker does for as long as the container runs. Raises FindingError."""
        try:
            self._status(PING_TIMEOUT_S)
        except TimeoutError:
            raise FindingError(
                "ping-slow", f"/ping was not answered within {PING_TIMEOUT_S:g} s: {self._tail()}"
            ) from None

    def _status(self, limit_s: float) -> int:
        """What /ping answers, 0 where nobody does. Raises TimeoutError."""
        connection = http.client.HTTPConnection("127.0.0.1", self._order.port, timeout=limit_s)
        try:
            connection.request("GET", "/ping")
            return connection.getresponse().status
        except TimeoutError:
            raise
        except (OSError, http.client.HTTPException):
            return 0
        finally:
            connection.close()

    def _watch(self, *, now: bool = False) -> None:
        """Memory and ports, every now and then. Raises FindingError."""
        if not now and time.monotonic() - self._watched < WATCH_S:
            return
        self._watched = time.monotonic()
        held = processes.memory(self._process.pid)
        self._seen.peak_bytes = max(self._seen.peak_bytes, held)
        if held > self._order.memory_bytes:
            raise FindingError(
                "memory-exceeded", f"it holds {held >> 20} MiB, and may hold {self._order.memory_bytes >> 20} MiB"
            )
        ports = processes.listening(self._process.pid)
        if not ports or self._order.port in ports:
            self._elsewhere_since = 0.0
        elif not self._elsewhere_since:
            self._elsewhere_since = time.monotonic()
        elif time.monotonic() - self._elsewhere_since > PATIENCE_S:
            raise FindingError(
                "wrong-port",
                f"it listens on {', '.join(map(str, sorted(ports)))}, and SageMaker asks on {self._order.port}",
            )

    def _watch_while(self, client: ThreadPoolExecutor) -> None:
        """As `_watch`, and /ping; a server that is found out is ended, so that its client is too. Raises FindingError."""
        try:
            self._watch()
            self._ping()
        except FindingError:
            self._process.kill()
            client.shutdown()
            raise

    def _ask(self) -> None:
        """Send the sample, as an endpoint would. Raises FindingError."""
        connection = http.client.HTTPConnection("127.0.0.1", self._order.port, timeout=self._order.answer_limit_s)
        started = time.monotonic()
        try:
            connection.request(
                "POST", "/invocations", self._order.sample.encode(), {"Content-Type": "text/csv", "Accept": "text/csv"}
            )
            answer = connection.getresponse()
            body = answer.read().decode(errors="replace")
        except TimeoutError:
            raise FindingError(
                "sample-slow", f"the sample was not answered in {self._order.answer_limit_s:g} s"
            ) from None
        except (OSError, http.client.HTTPException) as error:
            self._process.wait(1) if self._process.poll() is not None else None
            raise FindingError(
                "server-died", f"the server broke off while it answered the sample ({error}): {self._tail()}"
            ) from error
        finally:
            connection.close()
        self._seen.answer_s = time.monotonic() - started
        if answer.status == 504:
            raise FindingError("sample-slow", body)
        if answer.status >= 400:
            raise FindingError(
                *(self._diagnosed() or ("sample-refused" if answer.status < 500 else "sample-failed", body))
            )
        rows = rows_of(body)
        if answer.status == 200 and rows != self._order.rows:
            raise FindingError("answer-rows", f"the sample has {self._order.rows} row(s), and its answer {rows}")
        if answer.status == 200 and self._order.output and (how := unlike(body, self._order.output)):
            raise FindingError("answer-columns", how)

    def _stop(self) -> None:
        """SIGTERM, as SageMaker stops a container. Raises FindingError."""
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(self._order.stop_limit_s)
        except subprocess.TimeoutExpired:
            raise FindingError("stop-slow", f"it still ran {self._order.stop_limit_s:g} s after SIGTERM") from None

    def _warned(self) -> None:
        """A model of another version: scikit-learn warns of it, and answers wrongly without an error."""
        for line in self._log.read_text(errors="replace").split("\n"):
            if "InconsistentVersionWarning" in line:
                try:
                    warning = str(json.loads(line)["message"])
                except (ValueError, KeyError):
                    warning = line
                raise FindingError("model-version-differs", warning.partition("Warning: ")[2].partition(". ")[0])

    def _why_it_ended(self) -> tuple[str, str]:
        status = self._process.returncode
        diagnosis = self._diagnosed()
        if diagnosis:
            return diagnosis
        ended = f"was killed by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
        return "server-died", f"the server {ended} before it answered /ping: {self._tail()}"

    def _diagnosed(self) -> tuple[str, str] | None:
        """What the server itself says of the package, loading it once more; None where it does not fail that way."""
        order = self._order
        try:
            diagnosis = diagnose(
                order.python, Path(order.base_dir), _environment(order), order.sample, DIAGNOSIS_LIMIT_S
            )
        except TimeoutError:
            return None
        return (diagnosis.code, diagnosis.cause) if diagnosis.code else None

    def _tail(self) -> str:
        """The end of the server's log, its JSON lines as their messages."""
        lines = []
        for line in self._log.read_text(errors="replace").rstrip("\n").split("\n")[-TAIL_LINES:]:
            try:
                lines.append(str(json.loads(line)["message"]))
            except (ValueError, KeyError, TypeError):
                lines.append(line)
        return "\n".join(lines) or "it printed nothing"


def _environment(order: Order) -> dict[str, str]:
    """What a container would have: nothing of this machine's own."""
    port = {} if order.port == DEFAULT_PORT else {PORT: str(order.port)}
    return {
        **bare_environment(Path(order.base_dir) / "home"),
        "PYTHONDONTWRITEBYTECODE": "1",
        **port,
        **order.environment,
        "SAGEMAKER_BASE_DIR": order.base_dir,
    }


def rehearse(order: Order) -> Seen:
    """Take the conditions on, and run the server through."""
    seen = Seen()
    seen.unchecked = [] if order.network else isolate(Path(order.base_dir) / "model")
    if not order.network and (READ_ONLY in seen.unchecked or not go_on_alone()):
        seen.unchecked.append(ALONE)
    if order.network or NETWORK in seen.unchecked:
        order = _on_a_free_port(order)
    rehearsal = Rehearsal(order, seen)
    try:
        rehearsal.run()
    except FindingError as error:
        seen.findings.append({"code": error.code, "cause": error.cause[:2000]})
    finally:
        rehearsal.close()
    return seen


def _on_a_free_port(order: Order) -> Order:
    """This machine's own port 8080 may be taken."""
    return replace(order, port=free_port())


def main() -> int:
    """Rehearse an order."""
    order: dict[str, Any] = json.load(sys.stdin)
    sys.stdout.write(json.dumps(asdict(rehearse(Order(**order)))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
