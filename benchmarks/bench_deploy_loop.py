"""Seconds from `fogbank up` on a changed handler to the first answer of the new version. Aim: under 6 s."""

from __future__ import annotations

from pathlib import Path

from measure import fogbank, project, tell, timed


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


def main() -> None:
    """Measure and print."""
    with project() as root:
        fogbank(root, "up")
        seconds = []
        for version in range(10, 15):
            change(root, version)
            seconds.append(timed(deploy, root, version))
    tell("changed handler: `fogbank up` to the new version's answer", seconds, 6.0)


if __name__ == "__main__":
    main()
