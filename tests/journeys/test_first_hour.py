"""What confused in a first hour with fogbank, friction by friction (docs/first-hour.md): one project, live, as a newcomer meets it."""

from __future__ import annotations

import json
import os
import pty
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fogbank.contracts.config import ProjectConfig

Fogbank = Callable[..., subprocess.CompletedProcess[str]]
SAMPLE = ".fogbank/trained/sample.csv"


def run(folder: Path, *command: str, stdin: str = "", **env: str) -> subprocess.CompletedProcess[str]:
    beside = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return subprocess.run(
        command, cwd=folder, env={**os.environ, "PATH": beside, **env}, input=stdin, capture_output=True, text=True,
        check=False, timeout=300,
    )  # fmt: skip


def verb(folder: Path, *arguments: str, stdin: str = "", **env: str) -> subprocess.CompletedProcess[str]:
    return run(folder, "fogbank", *arguments, stdin=stdin, **env)


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory, fogbank_project: ProjectConfig) -> Iterator[tuple[Path, str]]:
    """A project whose first `up` is done, and what that printed."""
    folder = tmp_path_factory.mktemp("hour")
    assert verb(folder, "new", "churn").returncode == 0
    root = folder / "churn"
    settings = root / "pyproject.toml"
    settings.write_text(settings.read_text().replace("[tool.fogbank]\n", "[tool.fogbank]\nport = 0\n"))
    shutil.copytree(fogbank_project.trained, root / ".fogbank" / "trained", copy_function=shutil.copy)
    done = verb(root, "up", "-q")
    assert (done.returncode, done.stderr) == (0, "")
    yield root, done.stdout
    verb(root, "cloud", "stop")


def test_f18_up_ends_with_lines_that_work_as_they_are_printed(live: tuple[Path, str]) -> None:
    root, printed = live
    rows = (root / SAMPLE).read_text().count("\n")
    ways = dict(line.split(maxsplit=1) for line in printed.splitlines() if line.startswith("  "))

    assert "churn-live answers at http://127.0.0.1:" in printed
    assert set(ways) == {"fogbank", "curl", "python"}
    answers = {name: run(root, "bash", "-c", line) for name, line in ways.items()}
    assert {done.returncode for done in answers.values()} == {0}, answers
    assert len({done.stdout.strip() for done in answers.values()}) == 1, "all of them have the same answer"
    assert len(answers["curl"].stdout.strip().splitlines()) == rows


def test_f20_invoke_takes_what_is_at_hand(live: tuple[Path, str], tmp_path: Path) -> None:
    root, _ = live
    line = (root / SAMPLE).read_text().splitlines()[0]
    as_json = f"[[{line}]]"

    assert (
        verb(root, "invoke", "live", line).stdout == verb(root, "invoke", "live", "-", stdin=f"{line}\n").stdout != ""
    )
    assert json.loads(verb(root, "invoke", "live", as_json).stdout) == json.loads(
        verb(root, "invoke", "live", stdin=as_json).stdout
    )
    (tmp_path / "rows").write_text(as_json)
    assert json.loads(verb(root, "invoke", "live", f"@{tmp_path / 'rows'}").stdout)
    told = json.loads(verb(root, "invoke", "live", as_json, "--json").stdout)
    assert told["content_type"].startswith("application/json")
    assert (told["variant"], len(told["body"])) == ("AllTraffic", 1)
    headers = verb(root, "invoke", "live", line, "-i").stdout
    assert headers.startswith("HTTP/1.1 200 OK\n")
    assert "x-amzn-invoked-production-variant: AllTraffic" in headers
    for name, kind in (("a.png", "image/png"), ("a.txt", "text/plain")):
        (tmp_path / name).write_bytes(b"\x89PNG\r\n\x1a\n")
        refused = verb(root, "invoke", "live", str(tmp_path / name))
        assert refused.returncode == 7
        assert kind in refused.stderr, "the model says what it does not take"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("invoke", "liev", "1,2"), 7, "did you mean 'live'? There is live"),
        (("transform", "nightl", SAMPLE), 7, "did you mean 'nightly'? There is nightly"),
        (("monitor", "show", "qualty"), 7, "did you mean 'quality'? There is quality"),
        (("monitor", "run", "nope"), 7, "there is quality"),
        (("logs", "nope"), 6, "logs there are: churn-live"),
        (("outputs", "endpont"), 2, "no output 'endpont'; there are"),
        (("upp",), 2, "No such command 'upp'; did you mean 'up'?"),
        (("cloud", "stat"), 2, "did you mean 'start' or 'status'?"),
    ],
)  # fmt: skip
def test_f21_a_wrong_name_is_answered_with_the_right_ones(
    live: tuple[Path, str], arguments: tuple[str, ...], code: int, said: str
) -> None:
    done = verb(live[0], *arguments)

    assert done.returncode == code, done.stderr
    assert said in done.stderr


def test_f17_runs_without_data_are_one_line_and_hide_no_verdict(live: tuple[Path, str]) -> None:
    root, _ = live
    assert verb(root, "invoke", "live", SAMPLE).returncode == 0
    first = verb(root, "monitor", "run", "quality")
    assert first.returncode in {0, 8}, first.stderr

    fired = verb(root, "cloud", "advance", "1d").stdout.splitlines()

    assert sum("run(s) found no data" in line for line in fired) == 2
    assert len(fired) <= 3, "the hour in which the request was sent is looked at once more by its own run"
    shown = verb(root, "monitor", "show", "quality")
    assert (shown.returncode, shown.stdout.startswith("Completed")) == (first.returncode, True), shown.stderr
    assert "later run(s) found no data" in shown.stderr


def test_f23_a_shell_completes_verbs_options_and_names(live: tuple[Path, str]) -> None:
    root, _ = live

    def completed(*words: str) -> list[str]:
        typed = {"COMP_WORDS": shlex.join(("fogbank", *words)), "COMP_CWORD": str(len(words))}
        done = verb(root, _FOGBANK_COMPLETE="bash_complete", **typed)
        return [line.partition(",")[2] for line in done.stdout.splitlines()]

    assert completed("inv") == ["invoke"]
    assert completed("invoke", "l") == ["live"]
    assert completed("transform", "") == ["nightly"]
    assert completed("monitor", "run", "q") == ["quality"]
    assert completed("logs", "") == ["live", "nightly", "quality"]
    assert completed("up", "-s", "") == ["aws", "local"]
    assert "keras" in completed("new", "--example", "")
    assert "endpoint" in completed("outputs", "e")
    assert "_FOGBANK_COMPLETE=bash_complete" in verb(root, "completion", "bash").stdout
    assert completed("invoke", "nope") == [""]


def test_f19_a_port_that_was_chosen_stays_and_one_that_is_taken_is_told_first(live: tuple[Path, str]) -> None:
    root, printed = live
    url = printed.partition("answers at ")[2].partition("/endpoints")[0]
    assert verb(root, "cloud", "stop").returncode == 0

    with socket.create_server(("127.0.0.1", 0)) as held:
        taken = verb(root, "up", FOGBANK_PORT=str(held.getsockname()[1]))

    assert taken.returncode == 5
    assert taken.stderr.startswith("error port-in-use"), "before anything was trained, packed or checked"
    settings = root / "pyproject.toml"
    text = settings.read_text()
    settings.write_text(text.replace("port = 0", "port = 4999"))
    assert verb(root, "cloud", "start", "--port", "0").stdout.strip() == url
    assert verb(root, "cloud", "stop").returncode == 0
    assert verb(root, "cloud", "start").stdout.strip() == url, "the one that was chosen, not the project's"
    settings.write_text(text)


def test_f24_a_step_that_is_done_leaves_nothing_of_its_spinner(live: tuple[Path, str]) -> None:
    """On a terminal: what the line held is cleared before the step's own line is written."""
    root, _ = live
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "fogbank", "check"], cwd=root, stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    seen = b""
    while chunk := _read(ours):
        seen += chunk
    assert process.wait() == 0
    for line in seen.decode().split("\n"):
        shown = line.rsplit("\r\x1b[K", 1)[-1]
        assert not any(frame in shown for frame in "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"), line


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # Linux's way to say that the other end is closed
        return b""


def test_errors_are_json_too_where_json_is_asked_for(live: tuple[Path, str]) -> None:
    done = verb(live[0], "invoke", "liev", "1,2", "--json")

    told = json.loads(done.stdout)["error"]
    assert (told["code"], told["exit_code"], done.returncode) == ("ValidationError", 7, 7)
    assert f"error {told['code']}: {told['cause']}" in done.stderr


def test_f16_what_is_kept_is_shown_and_pruned(live: tuple[Path, str], tmp_path: Path) -> None:
    root, _ = live
    kept = json.loads(verb(root, "cache", "show", "--json").stdout)
    assert any("numpy" in item["holds"] for item in kept if item["kind"] == "environment")
    assert "environment(s) in" in verb(root, "doctor").stdout
    assert verb(root, "cache", "prune", FOGBANK_CACHE=str(tmp_path)).stdout == "0 environment(s), 0 MiB\n"


def test_upgrade_shows_the_difference_and_changes_nothing_that_nobody_agreed_to(tmp_path: Path) -> None:
    assert verb(tmp_path, "new", "churn").returncode == 0
    root = tmp_path / "churn"
    settings = root / "pyproject.toml"
    settings.write_text(settings.read_text().replace("fogbank>=0.1.0", "fogbank>=0.0.9"))
    before = settings.read_text()

    asked = verb(root, "upgrade")
    assert asked.returncode == 2, "nobody answered"
    assert '+dependencies = ["fogbank>=0.1.0"' in asked.stdout
    assert settings.read_text() == before
    assert verb(root, "upgrade", "--yes").returncode == 0
    assert "fogbank>=0.1.0" in settings.read_text()
    assert "nothing to change" in verb(root, "upgrade").stderr
    assert verb(root, "upgrade", "--show", "infra/serving.py").stdout == (root / "infra" / "serving.py").read_text()
