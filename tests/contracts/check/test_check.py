"""Packages that would fail on SageMaker: each kind is found here, and told apart by its name, its cause and its fix."""

from __future__ import annotations

import io
import json
import os
import platform
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import joblib
import pytest
import sklearn
from sklearn.linear_model import LogisticRegression

from fogbank.check import Conditions, Report, check_artifact
from fogbank.check.findings import FIXES
from fogbank.contracts.config import running_python
from fogbank.contracts.dependencies import Target, host_platform
from fogbank.pack import build, read_trained
from fogbank.project.packaging.checking import CheckOptions, package_report
from fogbank.project.workplace.environments import python_for
from tests.fakes.probe import Probe
from tests.packages import signed
from tests.projects import BASELINE, small_project

GOOD = "def model_fn(d): return 2.0\ndef predict_fn(data, model): return data * model\n"
CONDITIONS = Conditions(
    target=Target(platform=host_platform(), python=running_python()), startup_limit_s=90, stop_limit_s=10
)
SAMPLE = "1,2\n3,4\n"
MODEL = LogisticRegression().fit([[0.0, 0.0], [1.0, 1.0]], [0, 1])


def here(_: Sequence[str], __: Path) -> Path:
    """This environment, for packages that need nothing else."""
    return Path(sys.executable)


def archive(folder: Path, files: dict[str, bytes | str], name: str = "model.tar.gz") -> Path:
    path = folder / name
    with tarfile.open(path, "w:gz") as tar:
        for place, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            member = tarfile.TarInfo(place)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return path


def script(folder: Path, code: str, **more: bytes | str) -> Path:
    """A script-mode archive; a keyword `a__b` is the file a.b."""
    return archive(
        folder, {"code/inference.py": code, **{name.replace("__", "."): data for name, data in more.items()}}
    )


def dumped(model: Any) -> bytes:
    out = io.BytesIO()
    joblib.dump(model, out)
    return out.getvalue()


def packed(folder: Path, model: bytes, code: str | None = None, **changes: Any) -> Path:
    """An archive with a manifest, and a model that the server loads itself."""
    python = changes.pop("python", running_python())
    root = signed(folder / "p", code, model=("model.joblib", model), **changes).model_dir
    files = {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}
    manifest = json.loads(files["fogbank.json"])
    manifest["python"] = python
    files["fogbank.json"] = (json.dumps(manifest, sort_keys=True, indent=2, ensure_ascii=False) + "\n").encode()
    return archive(folder, dict(files))


def elf(machine: int) -> bytes:
    return b"\x7fELF\x02\x01\x01" + bytes(11) + machine.to_bytes(2, "little")


FOREIGN = elf(183 if platform.machine() == "x86_64" else 62)


def _written(folder: Path, data: bytes) -> Path:
    (folder / "bad.tar.gz").write_bytes(data)
    return folder / "bad.tar.gz"


def _gzip(data: bytes) -> bytes:
    import gzip

    return gzip.compress(data)


def _linked(folder: Path, kind: bytes, name: str = "w", to: str = "") -> Path:
    """An archive whose last member is no plain file."""
    path = folder / "linked.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        for place, data in (("code/inference.py", GOOD.encode()), ("a", b"1")):
            member = tarfile.TarInfo(place)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
        member = tarfile.TarInfo(name)
        member.type, member.linkname = kind, to
        tar.addfile(member)
    return path


def _changed(folder: Path) -> Path:
    path = packed(folder, dumped(MODEL))
    with tarfile.open(path) as tar:
        files = {member.name: tar.extractfile(member).read() for member in tar if member.isreg()}  # type: ignore[union-attr]  # a regular member has a stream
    return archive(folder, {**files, "model.joblib": files["model.joblib"] + b"x"})


def _foreign_pickle() -> bytes:
    return b"cmodule_of_training\nModel\n."


def _of_another_version() -> bytes:
    data = dumped(MODEL)
    assert data.count(sklearn.__version__.encode()) == 1
    return data.replace(sklearn.__version__.encode(), b"0" * len(sklearn.__version__))


def _hog() -> str:
    return GOOD.replace("return 2.0", "global X; X = bytearray(b'1' * (400 << 20)); import time; time.sleep(30)")


def _hog_on_request() -> str:
    """It takes the memory for the answer, and has given it back when the answer is there."""
    return GOOD.replace(
        "return data",
        "import time; x = bytearray(b'1' * (400 << 20)); time.sleep(1); del x; return data",
    )


def _caller() -> str:
    return GOOD.replace("return 2.0", "import socket; socket.create_connection(('192.0.2.1', 80), 5)")


def _writer() -> str:
    return GOOD.replace("return 2.0", "open(d + '/cache', 'w')")


def _three() -> Any:
    from fogbank.contracts.manifest import Column, Schema

    return Schema(columns=(Column(name="a"), Column(name="b"), Column(name="c")))


def _one() -> Any:
    from fogbank.contracts.manifest import Column, Schema

    return Schema(columns=(Column(name="a"),))


Make = Callable[[Path], Path]
BROKEN: dict[str, tuple[str, Make, str]] = {
    "not gzip": ("archive-not-gzip", lambda f: _written(f, b"PK\x03\x04"), "does not begin as gzip"),
    "not a tar": ("archive-not-tar", lambda f: _written(f, _gzip(b"text" * 500)), "no tar"),
    "cut short": ("archive-truncated", lambda f: _written(f, script(f, GOOD).read_bytes()[:-9]), "cut short"),
    "escapes": ("archive-escapes", lambda f: archive(f, {"../x": "x"}), "outside of the folder"),
    "links out": ("archive-link-out", lambda f: _linked(f, tarfile.SYMTYPE, to="/etc/passwd"), "w links to /etc/passwd"),
    "holds a pipe": ("archive-device", lambda f: _linked(f, tarfile.FIFOTYPE), "w is a device, a pipe"),
    "a file that is a folder": ("archive-unwritable", lambda f: _linked(f, tarfile.DIRTYPE, "a/b"), "cannot be unpacked"),
    "nested": ("archive-nested", lambda f: archive(f, {"model/code/inference.py": GOOD}), "below model/"),
    "code at the top": ("code-outside-code", lambda f: archive(f, {"inference.py": GOOD, "w.bin": "1"}), "lies at inference.py"),
    "no handler": ("handler-missing", lambda f: archive(f, {"w.bin": "1", "code/other.py": ""}), "no code/inference.py"),
    "changed since": ("file-differs", _changed, "model.joblib is not the file that was packed"),
    "another Python": ("python-differs", lambda f: packed(f, dumped(MODEL), python="3.2"), "packed with Python 3.2"),
    "another machine": ("wrong-architecture", lambda f: script(f, GOOD, lib__so=FOREIGN), "lib.so is for"),
    "missing dependency": ("dependency-missing", lambda f: script(f, "import nothing_of_this_name\n" + GOOD), "nothing_of_this_name"),
    "missing in the pickle": ("dependency-missing", lambda f: packed(f, _foreign_pickle()), "module_of_training"),
    "syntax": ("handler-syntax", lambda f: script(f, "def model_fn(:\n"), "line 1: def model_fn(:"),
    "fails at import": ("handler-import-error", lambda f: script(f, GOOD + "{}['key']\n"), "line 3: {}['key']: KeyError"),
    "half a contract": ("handler-contract", lambda f: script(f, "def predict_fn(d, m): return d\n"), "no model_fn"),
    "both contracts": ("handler-contract", lambda f: script(f, GOOD + "def transform_fn(m, d, c, a): return d\n"), "takes the place"),
    "model_fn fails": ("model-fn-error", lambda f: script(f, "def model_fn(d): return open(d + '/w.bin')\n"), "No such file"),
    "half a pickle": ("model-unreadable", lambda f: packed(f, dumped(MODEL)[:50]), "the model does not load"),
    "another version": ("model-version-differs", lambda f: packed(f, _of_another_version()), "LogisticRegression from version"),
    "slow start": ("slow-start", lambda f: script(f, "import time\ndef model_fn(d): time.sleep(60)\n"), "within 1 s"),
    "too much memory": ("memory-exceeded", lambda f: script(f, _hog()), "may hold 300 MiB"),
    "too much memory for an answer": ("memory-exceeded", lambda f: script(f, _hog_on_request()), "may hold 300 MiB"),
    "asks the network": ("needs-network", lambda f: script(f, _caller()), "model_fn failed"),
    "writes to the model": ("model-dir-read-only", lambda f: script(f, _writer()), "Read-only file system"),
    "refuses the sample": ("sample-refused", lambda f: packed(f, dumped(MODEL), schema=_three()), "the schema has 3"),
    "fails on the sample": ("sample-failed", lambda f: script(f, GOOD.replace("data * model", "data.nothing")), "nothing"),
    "slow answer": ("sample-slow", lambda f: script(f, "import time\n" + GOOD.replace("return data", "time.sleep(9); return data")), ""),
    "dies while it loads": ("server-died", lambda f: script(f, "import os\ndef model_fn(d): os.kill(os.getpid(), 9)\n"), "before it answered"),
    "dies on the sample": ("server-died", lambda f: script(f, "import os\n" + GOOD.replace("return data", "os._exit(1); return data")), ""),
    "loses rows": ("answer-rows", lambda f: script(f, GOOD.replace("data * model", "data[:1]")), "2 row(s), and its answer 1"),
    "answers more columns": ("answer-columns", lambda f: packed(f, dumped(MODEL), method="predict_proba", output=_one()), "1 column(s) of output (a), "),
}  # fmt: skip
ONLY_FOR: dict[str, dict[str, Any]] = {
    "slow start": {"startup_limit_s": 1.0},
    "too much memory": {"memory_bytes": 300 << 20},
    "too much memory for an answer": {"memory_bytes": 300 << 20},
    "slow answer": {"answer_limit_s": 1.0},
}


def checked(path: Path, **changes: Any) -> Report:
    return check_artifact(path, SAMPLE, replace(CONDITIONS, **changes), here)


def test_a_good_package_passes_and_the_report_says_what_was_seen(tmp_path: Path) -> None:
    report = checked(script(tmp_path, GOOD))

    assert report.findings == ()
    assert report.unchecked == (), "this machine has namespaces"
    assert 0 < (report.ready_s or 0) < 20
    assert 0 < (report.answer_s or 0) < 5
    assert 10 << 20 < report.peak_bytes < 1 << 30
    assert report.document()["passed"] is True


@pytest.mark.parametrize("name", BROKEN)
def test_every_kind_of_broken_package_is_told_apart_by_name(tmp_path: Path, name: str) -> None:
    code, make, said = BROKEN[name]

    report = checked(make(tmp_path), **ONLY_FOR.get(name, {}))

    assert [item.code for item in report.findings] == [code], report
    assert said in report.findings[0].cause
    assert report.findings[0].fix == FIXES[code]


def test_a_sample_may_have_a_header(tmp_path: Path) -> None:
    """pandas writes one unless it is told not to."""
    report = check_artifact(packed(tmp_path, dumped(MODEL), output=_one()), f"a,b\n{SAMPLE}", CONDITIONS, here)

    assert report.findings == ()


def test_a_server_on_another_port_is_found_and_both_are_named(tmp_path: Path) -> None:
    report = checked(script(tmp_path, GOOD), environment={"SAGEMAKER_BIND_TO_PORT": "9000"})

    assert [item.code for item in report.findings] == ["wrong-port"]
    assert report.findings[0].cause == "it listens on 9000, and SageMaker asks on 8080"


def test_a_server_that_does_not_stop_is_found(tmp_path: Path) -> None:
    stops_its_parent = GOOD.replace("return data", "import os; os.kill(os.getppid(), 19); return data")

    report = checked(script(tmp_path, stops_its_parent), stop_limit_s=0.5)

    assert [item.code for item in report.findings] == ["stop-slow"]


def test_a_server_that_leaves_ping_unanswered_while_it_computes_is_found(tmp_path: Path) -> None:
    """`sum` over a range is one call in C: nothing else of the process gets a turn."""
    holds = GOOD.replace("return data", "sum(range(10**9)); return data")

    report = checked(script(tmp_path, holds), environment={"SAGEMAKER_MODEL_SERVER_WORKERS": "1"})

    assert [item.code for item in report.findings] == ["ping-slow"]


def test_a_wheel_that_the_clouds_platform_lacks_is_found_before_anything_runs(tmp_path: Path) -> None:
    config = small_project(tmp_path / "project", settings='platform = "linux/arm64"\n')
    manifest = build(config, read_trained(config.trained), BASELINE, Probe())
    lock = config.root / "uv.lock"
    lock.write_text(lock.read_text().replace("aarch64", "ppc64le"))

    report = package_report(config, manifest, CheckOptions())

    assert [item.code for item in report.findings] == ["wheel-missing"]
    assert "linux/arm64" in report.findings[0].cause


def test_a_requirement_that_cannot_be_had_is_found(tmp_path: Path) -> None:
    path = archive(tmp_path, {"code/inference.py": GOOD, "code/requirements.txt": "no-distribution-has-this-name==1\n"})

    report = check_artifact(path, SAMPLE, CONDITIONS, python_for)

    assert [item.code for item in report.findings] == ["dependency-uninstallable"]
    assert "no-distribution-has-this-name" in report.findings[0].cause


SETUP = """
import os
open({marker!r}, "w").write(repr(dict(os.environ)))
from setuptools import setup
setup(name="x", version="1", py_modules=[])
"""


@pytest.mark.parametrize(
    "line", ["x @ file://{folder}", "-e {folder}", "{folder}", "--index-url {index}\nx==1", "x @ {index}/x-1.tar.gz"]
)
def test_nothing_of_a_package_runs_before_its_server_does(tmp_path: Path, line: str) -> None:
    folder, marker = tmp_path / "x", tmp_path / "ran"
    folder.mkdir()
    (folder / "setup.py").write_text(SETUP.format(marker=str(marker)))
    text = line.format(folder=folder, index="http://127.0.0.1:1/simple")
    path = archive(tmp_path, {"code/inference.py": GOOD, "code/requirements.txt": text})

    report = check_artifact(path, SAMPLE, CONDITIONS, python_for)

    assert [item.code for item in report.findings] == ["dependency-uninstallable"]
    assert "is not followed" in report.findings[0].cause
    assert not marker.exists()


LOOKS = """
import os, pathlib
def model_fn(d):
    seen = dict(os.environ)
    for near in pathlib.Path("/proc").iterdir():
        if near.name.isdecimal():
            try:
                seen[near.name] = (near / "environ").read_text()
            except OSError:
                pass
    assert "very-secret" not in repr(seen), "a secret is in reach"
    assert os.environ["HOME"].startswith(os.environ["SAGEMAKER_BASE_DIR"]), os.environ["HOME"]
    return 2.0
def predict_fn(data, model): return data * model
"""


def test_the_package_finds_nothing_of_the_callers_environment_nor_a_home_that_others_write_to(tmp_path: Path) -> None:
    path = script(tmp_path, LOOKS)
    os.environ["AWS_SECRET_ACCESS_KEY"] = "very-secret"
    try:
        report = check_artifact(path, SAMPLE, CONDITIONS, here)
    finally:
        del os.environ["AWS_SECRET_ACCESS_KEY"]

    assert report.findings == ()


def test_a_plain_requirements_file_brings_what_its_distributions_need(tmp_path: Path) -> None:
    """`python-dateutil` needs six, and nobody names it."""
    code = "import dateutil.parser\n" + GOOD
    path = archive(tmp_path, {"code/inference.py": code, "code/requirements.txt": "python-dateutil==2.9.0.post0\n"})

    assert check_artifact(path, SAMPLE, CONDITIONS, python_for).findings == ()


def test_the_package_meets_its_own_environment_not_this_one(tmp_path: Path) -> None:
    path = archive(tmp_path, {"code/inference.py": "import boto3\n" + GOOD, "code/requirements.txt": ""})

    report = check_artifact(path, SAMPLE, CONDITIONS, python_for)

    assert [item.code for item in report.findings] == ["dependency-missing"]


def test_nothing_is_left_behind(tmp_path: Path) -> None:
    marker = f"fogbank-check-{time.time_ns()}"
    checked(script(tmp_path, GOOD + f"NAME = {marker!r}\n"), environment={"MARKER": marker})

    found = subprocess.run(["ps", "axeww"], capture_output=True, text=True, check=True).stdout
    assert marker not in found


@pytest.mark.skipif(os.getuid() != 0, reason="another user is taken on by root alone")
def test_an_ordinary_user_gets_the_same_conditions() -> None:
    """In a user namespace: root, to whom all is permitted, would not notice what is missing."""
    code = """
import ctypes, json, os, socket, sys
from pathlib import Path
from fogbank.check.isolate import isolate
os.setgid(65534); os.setuid(65534)
ctypes.CDLL(None).prctl(4, 1)  # PR_SET_DUMPABLE: as after an exec, /proc/self is this user's own
unchecked = isolate(Path(sys.argv[1]))
said = []
for attempt in (lambda: (Path(sys.argv[1]) / "x").write_text(""), lambda: socket.socket().connect(("192.0.2.1", 80))):
    try:
        attempt()
    except OSError as error:
        said.append(error.strerror)
print(json.dumps([unchecked, said]))
"""
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path)}
    with tempfile.TemporaryDirectory() as folder:  # tmp_path lies below folders that are root's alone
        Path(folder).chmod(0o777)
        done = subprocess.run(
            [sys.executable, "-c", code, folder], env=env, capture_output=True, text=True, check=False
        )

    assert json.loads(done.stdout) == [[], ["Read-only file system", "Network is unreachable"]], done.stderr


def test_with_the_network_a_package_may_reach_it(tmp_path: Path) -> None:
    code = GOOD.replace("return 2.0", "import socket; socket.create_server(('127.0.0.1', 0)); return 2.0")

    assert checked(script(tmp_path, code), network=True).passed


TESTS_OF_THEIR_OWN = {
    "wrong-port": test_a_server_on_another_port_is_found_and_both_are_named,
    "stop-slow": test_a_server_that_does_not_stop_is_found,
    "ping-slow": test_a_server_that_leaves_ping_unanswered_while_it_computes_is_found,
    "wheel-missing": test_a_wheel_that_the_clouds_platform_lacks_is_found_before_anything_runs,
    "dependency-uninstallable": test_a_requirement_that_cannot_be_had_is_found,
}
NOT_HERE = {
    "archive-bomb": "check lets an archive grow to a gigabyte: tests/unit/ground/test_archive.py has smaller ones",
    "check-failed": "a fault of the rehearsal itself, for which there is no package",
    "load-failed": "what a load's failure is called when no other word fits",
}


def test_every_kind_of_finding_has_a_package_that_is_told_by_it() -> None:
    here_ = {code for code, _, _ in BROKEN.values()} | set(TESTS_OF_THEIR_OWN)

    assert here_.isdisjoint(NOT_HERE)
    assert here_ | set(NOT_HERE) == set(FIXES)
