"""Seconds from `fogbank up` on a changed handler to the first answer of the new version. Aim: under 6 s.

The limit, in the same run: the engine alone, a plain `pulumi up` of the same stack that changes nothing.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from measure import fogbank, project, ratio, tell, timed


def change(root: Path, version: int) -> None:
    """A handler that says its version in the answer's second column."""
    handler = root / "handlers" / "inference.py"
    text = handler.read_text()
    start = text.index("    return [[")
    handler.write_text(
        text[:start] + f"    return [[{version}, p] for p in model.predict_proba(data)[:, 1].tolist()]\n"
    )


def deploy(root: Path, version: int) -> None:
    """`fogbank up`, then one request whose answer must be the new version's."""
    fogbank(root, "up")
    answer = fogbank(root, "invoke", "live", ".fogbank/trained/sample.csv")
    if not answer.startswith(f"{version},"):
        raise SystemExit(f"the answer is not version {version}'s: {answer!r}")


def engine_alone(root: Path) -> None:
    """Plain `pulumi up` with nothing to do."""
    lines = fogbank(root, "env")
    script = f"{lines}\npulumi up -s local --yes --skip-preview --non-interactive >/dev/null"
    subprocess.run(["bash", "-c", script], cwd=root, check=True)


def main() -> None:
    """Measure and print."""
    with project() as root:
        fogbank(root, "up")
        pairs = []
        for version in range(10, 15):
            change(root, version)
            pairs.append((timed(deploy, root, version), timed(engine_alone, root)))
    tell("changed handler: `fogbank up` to the new version's answer", [ours for ours, _ in pairs], 6.0)
    ratio("the same, to a plain `pulumi up` that changes nothing", [ours / limit for ours, limit in pairs])


if __name__ == "__main__":
    main()
