"""How long the tool itself takes: help, version, env, status, outputs, and a second `up` that changes nothing.

`python benchmarks/bench_cli.py [N]` writes a project into a temporary folder, deploys it, and runs each verb N times (5): median and least.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TIMES = int(sys.argv[1]) if len(sys.argv) > 1 else 5
AIMS = {
    ("--help",): 0.2,
    ("--version",): 0.2,
    ("env",): 0.2,
    ("cloud", "status"): 0.2,
    ("outputs",): 1.0,
    ("invoke", "live", ".fogbank/trained/sample.csv"): None,
    ("up",): 2.5,
}


def fogbank(folder: Path, *arguments: str) -> float:
    """Seconds of one run, which must end well."""
    started = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "fogbank", *arguments],
        cwd=folder, env={**os.environ, "FOGBANK_PORT": "0"}, check=True, capture_output=True,
    )  # fmt: skip
    return time.perf_counter() - started


def main() -> None:
    """Print a table."""
    with tempfile.TemporaryDirectory() as temporary:
        fogbank(Path(temporary), "new", "churn")
        folder = Path(temporary) / "churn"
        print(f"first up: {fogbank(folder, 'up'):.2f} s; load {os.getloadavg()[0]:.1f}")
        try:
            print(f"{'verb':<44}{'median':>8}{'least':>8}{'aim':>8}")
            for arguments, aim in AIMS.items():
                seconds = [fogbank(folder, *arguments) for _ in range(TIMES)]
                aimed = f"{aim:.1f} s" if aim else ""
                print(f"{' '.join(arguments):<44}{statistics.median(seconds):>6.2f} s{min(seconds):>6.2f} s{aimed:>8}")
        finally:
            fogbank(folder, "cloud", "stop")


if __name__ == "__main__":
    main()
