"""What the serving benchmark runs: the models, the servers side by side in environments of their own, and wrk."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fogbank.contracts.manifest import INNER_NAME, Column, Compilation, ModelKind, PackageManifest, Schema
from fogbank.contracts.method import Method
from fogbank.ground.digest import sha256_file
from fogbank.pack.proof import Wish, prove

ROOT = Path(__file__).parent
ENVIRONMENTS = ROOT.parent / ".tools" / "peers"
FEATURES = 20
SKLEARN = [f"{name}=={metadata.version(name)}" for name in ("scikit-learn", "numpy", "joblib")]
FAST = ["httptools", "uvloop"]
NGINX = """
daemon off; pid {folder}/nginx.pid; error_log /dev/null crit; worker_processes auto;
events {{ worker_connections 2048; }}
http {{
  access_log off; client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
  upstream gunicorn {{ server unix:{folder}/gunicorn.sock; }}
  server {{ listen 127.0.0.1:{port} deferred; client_max_body_size 0; keepalive_timeout 3;
    location ~ ^/(ping|invocations) {{
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header Host $http_host; proxy_redirect off;
      proxy_read_timeout 60s; proxy_pass http://gunicorn; }} }} }}
"""


@dataclass(frozen=True)
class Asked:
    """A model's file, a request to it, and the last number of the right answer to that."""

    name: str
    joblib: Path
    json_body: str
    expected: float


@dataclass(frozen=True)
class Model:
    """A trained model as every server takes it: joblib, and packages of fogbank's, compiled and native."""

    name: str
    joblib: Path
    compiled: Path
    native: Path
    row: tuple[float, ...]
    expected: float

    @property
    def json_body(self) -> str:
        return json.dumps([self.row])

    @property
    def csv_body(self) -> str:
        return ",".join(map(repr, self.row)) + "\n"


@dataclass(frozen=True)
class Server:
    """One way to serve: `commands` gives its processes for a model, a port and a number of workers."""

    name: str
    packages: Sequence[str]
    commands: Callable[[Any, int, int, Path], Sequence[Sequence[str]]]
    environment: Callable[[Any, int], Mapping[str, str]]
    reads_csv: bool = True


def train(folder: Path) -> dict[str, Model]:
    """The 20-feature logistic pipeline and the 100-tree forest of depth 10, on 20,000 synthetic rows."""
    x, y = make_classification(20_000, FEATURES, n_informative=10, random_state=0)
    fitted = {
        "lr": make_pipeline(StandardScaler(), LogisticRegression()).fit(x, y),
        "rf": RandomForestClassifier(100, max_depth=10, random_state=0).fit(x, y),
    }
    return {name: _model(folder / name, name, estimator, x) for name, estimator in fitted.items()}


def _model(folder: Path, name: str, estimator: Any, x: Any) -> Model:
    folder.mkdir()
    joblib.dump(estimator, folder / "model.joblib")
    outcome = prove(estimator, x[:2000], Wish(tolerance=1e-6))
    if outcome.onnx is None:
        raise SystemExit(f"{name} does not compile: {outcome.compilation.reason}")
    (folder / "model.onnx").write_bytes(outcome.onnx)
    told = outcome.compilation
    print(
        f"{name}: compiled in {told.precision} precision, labels identical, scores within {told.max_difference:.1e}, batches exact: {told.batch_exact}"
    )
    return Model(
        name,
        folder / "model.joblib",
        _package(folder / "compiled", folder / "model.onnx", "onnx", told),
        _package(folder / "native", folder / "model.joblib", "joblib", Compilation(compiled=False)),
        tuple(x[0].tolist()),
        float(estimator.predict_proba(x[:1])[0, 1]),
    )


def _package(base: Path, model: Path, kind: ModelKind, compilation: Compilation) -> Path:
    columns = Schema(columns=tuple(Column(name=f"f{i}") for i in range(FEATURES)))
    return packaged(base, model, kind, columns, "predict_proba", compilation)


def packaged(
    base: Path, model: Path, kind: ModelKind, schema: Schema, method: Method, compilation: Compilation, file: str = ""
) -> Path:
    """A package of a model, unpacked below `base`, which stands for /opt/ml."""
    folder = base / "model"
    folder.mkdir(parents=True)
    file = file or model.name
    shutil.copy(model, folder / file)
    manifest = PackageManifest(
        name="bench",
        model_file=file,
        handler=None,
        python="3",
        requirements=(),
        input=schema,
        output=Schema(columns=(Column(name="p0"), Column(name="p1"))),
        metrics={},
        files={file: sha256_file(model)},
        kind=kind,
        method=method,
        compilation=compilation,
    )
    (folder / INNER_NAME).write_bytes(manifest.encode())
    return base


def python_of(name: str, packages: Sequence[str]) -> str:
    """The Python of a peer's own environment, made once."""
    home = ENVIRONMENTS / name
    if not (home / "ready").exists():
        from uv import find_uv_bin

        uv = find_uv_bin()
        subprocess.run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(home)], check=True)
        install = [uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", str(home / "bin" / "python")]
        subprocess.run([*install, *packages], check=True)
        (home / "ready").touch()
    return str(home / "bin" / "python")


def fogbank_server(name: str, package: Callable[[Any], Path], **settings: str) -> Server:
    """fogbank's own server, with validation, metrics and its log of every request on."""
    return Server(
        name,
        (),
        lambda *_: [[sys.executable, "-P", "-m", "fogbank.serve", "serve"]],
        lambda model, workers: {
            "SAGEMAKER_BASE_DIR": str(package(model)),
            "SAGEMAKER_MODEL_SERVER_WORKERS": str(workers),
            **settings,
        },
    )


def uvicorn(
    environment: str, packages: Sequence[str], module: str
) -> Callable[[Any, int, int, Path], Sequence[Sequence[str]]]:
    """The commands of an application behind uvicorn."""

    def commands(model: Any, port: int, workers: int, folder: Path) -> Sequence[Sequence[str]]:
        del model, folder
        python = python_of(environment, packages)
        options = ["--port", str(port), "--workers", str(workers), "--no-access-log", "--log-level", "warning"]
        return [[python, "-m", "uvicorn", f"{module}:app", *options]]

    return commands


def sagemaker_stack(
    environment: str, packages: Sequence[str], module: str
) -> Callable[[Any, int, int, Path], Sequence[Sequence[str]]]:
    """The commands of an application behind gunicorn and, where it is installed, nginx."""
    return lambda _, port, workers, folder: _gunicorn(python_of(environment, packages), module, port, workers, folder)


def _gunicorn(python: str, module: str, port: int, workers: int, folder: Path) -> Sequence[Sequence[str]]:
    """nginx before gunicorn where nginx is installed; else gunicorn alone, which does the peer no harm."""
    nginx = shutil.which("nginx") or shutil.which("/usr/sbin/nginx")
    bind = f"unix:{folder}/gunicorn.sock" if nginx else f"127.0.0.1:{port}"
    options = [
        "--timeout",
        "60",
        "-k",
        "gevent",
        "-b",
        bind,
        "--worker-connections",
        str(1000 * workers),
        "-w",
        str(workers),
    ]
    gunicorn = [python, "-m", "gunicorn", *options, "--log-level", "error", f"{module}:app"]
    if not nginx:
        return [gunicorn]
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=port))
    return [gunicorn, [nginx, "-c", str(folder / "nginx.conf")]]


def _litserve(model: Model, port: int, workers: int, folder: Path) -> Sequence[Sequence[str]]:
    del model, folder
    return [
        [
            python_of("litserve", [*SKLEARN, "litserve"]),
            str(ROOT / "peers" / "litserve_app.py"),
            str(port),
            str(workers),
        ]
    ]


def _joblib(model: Model, workers: int) -> Mapping[str, str]:
    del workers
    return {"MODEL": str(model.joblib), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


SAGEMAKER_PACKAGES = [*SKLEARN, "flask", "gunicorn", "gevent", "packaging"]
CONSTANT = Server("bare ASGI server, a constant", (), uvicorn("constant", ["uvicorn", *FAST], "constant"), _joblib)
SAGEMAKER = Server(
    "SageMaker scikit-learn image's stack",
    (),
    sagemaker_stack("sagemaker", SAGEMAKER_PACKAGES, "sagemaker_app"),
    _joblib,
)
FASTAPI = Server(
    "FastAPI by hand", (), uvicorn("fastapi", [*SKLEARN, "fastapi", "uvicorn", *FAST], "fastapi_app"), _joblib
)
LITSERVE = Server("LitServe", (), _litserve, _joblib, reads_csv=False)
COMPILED = fogbank_server("fogbank, compiled", lambda model: model.compiled)
ONE_BY_ONE = fogbank_server("fogbank, compiled, one by one", lambda model: model.compiled, FOGBANK_BATCH_SIZE="1")
NATIVE = fogbank_server("fogbank, native", lambda model: model.native)
NATIVE_BATCHED = fogbank_server("fogbank, native, micro-batches", lambda model: model.native, FOGBANK_BATCH_SIZE="32")
SERVERS = (CONSTANT, SAGEMAKER, FASTAPI, LITSERVE, COMPILED, ONE_BY_ONE, NATIVE, NATIVE_BATCHED)


@dataclass(frozen=True)
class Running:
    """A started server."""

    port: int
    ready_s: float
    processes: Sequence[subprocess.Popen[bytes]]

    def memory_mb(self) -> float:
        """Megabytes of all its processes, shared pages counted by their share (PSS)."""
        waiting = [process.pid for process in self.processes]
        total = 0
        while waiting:
            pid = waiting.pop()
            waiting += [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
            total += next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
        return total / 1024


class PeerError(Exception):
    """A peer that does not start here, or answers late or wrong under load."""


@contextmanager
def running(server: Server, model: Model | Asked, workers: int) -> Iterator[Running]:
    """The server, from its first right answer on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        commands = server.commands(model, port, workers, Path(folder))
        environment = {**os.environ, **server.environment(model, workers), "SAGEMAKER_BIND_TO_PORT": str(port)}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        with (Path(folder) / "log").open("wb") as log:
            started = time.perf_counter()
            processes = [
                subprocess.Popen(c, env=environment, cwd=ROOT / "peers", stdout=log, stderr=log, start_new_session=True)
                for c in commands
            ]
        try:
            while not right(server, model, port):
                if time.perf_counter() - started > 60 or any(process.poll() is not None for process in processes):
                    raise PeerError(f"it did not start: {(Path(folder) / 'log').read_text()[-500:]!r}")
                time.sleep(0.005)
            yield Running(port, time.perf_counter() - started, processes)
        finally:
            for process in processes:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGTERM)
            for process in processes:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(10)
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)  # LitServe leaves workers behind, which spin
                process.wait()


def right(server: Server, model: Model | Asked, port: int) -> bool:
    """Whether the server answers, and answers right."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        connection.request("POST", "/invocations", model.json_body, headers)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            return False
    except OSError:
        return False
    finally:
        connection.close()
    if server.name.startswith("fogbank") and not _ready(port):
        return False
    if server is not CONSTANT and abs(np.ravel(json.loads(body))[-1] - model.expected) > 1e-5:
        raise SystemExit(f"{server.name} answers {body!r}; right is {model.expected}")
    return True


def _ready(port: int) -> bool:
    """Whether every worker has its model."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request("GET", "/ping")
    status = connection.getresponse().status
    connection.close()
    return status == 200


@dataclass(frozen=True)
class Load:
    """What wrk saw: requests a second, and latencies in milliseconds."""

    rate: float
    p50: float
    p99: float


UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3}


def load(port: int, body: str, content_type: str, connections: int, seconds: int, folder: Path) -> Load:
    """Drive one server with wrk on one thread."""
    script = folder / "post.lua"
    lines = ['wrk.method = "POST"', f"wrk.body = [==[{body}]==]"]
    lines += [f'wrk.headers["{name}"] = "{content_type}"' for name in ("Content-Type", "Accept")]
    script.write_text("\n".join(lines))
    command = [
        "wrk",
        "-t1",
        f"-c{connections}",
        f"-d{seconds}s",
        "--latency",
        "-s",
        str(script),
        f"http://127.0.0.1:{port}/invocations",
    ]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    if "Non-2xx" in said or "Socket errors" in said:
        told = [line.strip() for line in said.splitlines() if "Non-2xx" in line or "Socket errors" in line]
        raise PeerError(f"at {connections} connections not every answer came, or was right ({'; '.join(told)})")
    found = {
        name: float(value) * UNITS[unit] for name, value, unit in re.findall(r"(50|99)%\s+([\d.]+)(us|ms|s)", said)
    }
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
    return Load(float(rate[1]) if rate else 0.0, found["50"], found["99"])


def csv_rows_per_second(port: int, posts: int = 8, before: int = 4) -> float:
    """Rows a second of 6 MB posts of CSV on one connection, as a batch transform sends them, after some to warm up."""
    rows = np.random.default_rng(0).normal(size=(16_000, FEATURES)).tolist()
    body = "\n".join(",".join(map(repr, row)) for row in rows).encode() + b"\n"
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    headers = {"Content-Type": "text/csv", "Accept": "text/csv"}
    seconds = []
    for _ in range(before + posts):
        started = time.perf_counter()
        connection.request("POST", "/invocations", body, headers)
        answer = connection.getresponse().read()
        seconds.append(time.perf_counter() - started)
        if answer.count(b"\n") != len(rows):
            raise PeerError(f"an answer of {len(answer)} bytes is not a line for each of {len(rows)} rows")
    connection.close()
    return len(rows) / sorted(seconds[before:])[posts // 2]
