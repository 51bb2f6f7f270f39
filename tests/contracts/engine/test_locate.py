"""The engine, found by two processes at once. `go` is a script here."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from fogbank.engine.build import VERSION

GO = """#!/bin/sh
case "$1" in
  version) echo "go version go1.26.8 linux/amd64" ;;
  list) echo "$FAKE_SDK" ;;
  build)
    while [ "$1" != "-o" ]; do shift; done
    printf '#!/bin/sh\\necho v3.250.0\\n' > "$2"
    chmod +x "$2"
    echo "$2" >> "$FAKE_SDK/built" ;;
esac
"""


FIND = "import os, pathlib, sys; from fogbank.engine.locate import find; print(find(os.environ, pathlib.Path(sys.argv[1]), lambda _: None).command)"


def test_two_processes_at_once_and_one_that_was_killed(tmp_path: Path) -> None:
    """A half-built engine is no engine; two processes that build get one engine between them. `go` is a script here."""
    home, sdk, tools = tmp_path / "cache" / "pulumi", tmp_path / "sdk", tmp_path / "tools"
    (home / "building-999999" / "bin").mkdir(parents=True)
    (home / "building-999999" / "bin" / "pulumi").write_text("half of it")
    (sdk / "python" / "cmd").mkdir(parents=True)
    (sdk / "python" / "cmd" / "pulumi-language-python-exec").touch()
    (sdk / "python" / "dist").mkdir()
    (sdk / "python" / "dist" / "pulumi-resource-pulumi-python").touch()
    tools.mkdir()
    (tools / "go").write_text(GO)
    (tools / "go").chmod(0o755)
    for part in ("cli", "language"):
        (tmp_path / part).mkdir()
        (tmp_path / part / "go.mod").touch()
    nowhere = "http://127.0.0.1:9"  # the official installer finds no network
    env = {
        **os.environ, "PATH": f"{tools}:/usr/bin:/bin", "FOGBANK_CACHE": str(tmp_path / "cache"), "FAKE_SDK": str(sdk),
        "https_proxy": nowhere, "HTTPS_PROXY": nowhere,
    }  # fmt: skip

    both = [
        subprocess.Popen([sys.executable, "-c", FIND, str(tmp_path)], stdout=subprocess.PIPE, text=True, env=env)
        for _ in range(2)
    ]
    said = [process.communicate(timeout=60)[0].strip() for process in both]

    assert said == [str(home / VERSION / "bin" / "pulumi")] * 2
    assert len((sdk / "built").read_text().splitlines()) == 2  # the CLI and the language host, once each
    assert sorted(path.name for path in home.iterdir()) == [VERSION, "lock"]
