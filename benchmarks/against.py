"""This working tree beside another revision, in one run: `python benchmarks/against.py REF [SCRIPT ...] [--rounds N]`.

The other revision lies in a temporary folder with an environment of its own, as its lock says. Each script of both is run in turn,
each revision's own copy of it, so that both meet the same machine; what is printed is the ratio of each figure that both told.
Exit code 1 where something is slower.
"""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import tarfile
import tempfile
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from uv import find_uv_bin

ROOT = Path(__file__).parents[1]
SCRIPTS = ("bench_cloud_start.py", "bench_deploy_loop.py", "bench_demo.py", "bench_image.py", "bench_serve.py")
ROUNDS = 3
TOLERANCE = 1.10
"""A ratio that is this far on the wrong side, in the median of the rounds, is slower; less is the machine's own noise."""


@dataclass(frozen=True)
class Figure:
    """What a line of a script says: seconds, milliseconds and megabytes are better when they are less, rates when they are more."""

    what: str
    value: float
    unit: str

    @property
    def more_is_better(self) -> bool:
        """Whether it is a rate."""
        return self.unit.endswith("a_second")


FORMS = (
    re.compile(r"(?P<what>\S.*?)\s+median\s+(?P<s>[\d.]+) s "),
    re.compile(
        r"(?P<what>fogbank.*?)\s+(?P<a_second>[\d.]+)/s\s+p50\s+(?P<p50_ms>[\d.]+) ms\s+p99\s+(?P<p99_ms>[\d.]+) ms"
    ),
    re.compile(
        r"(?P<what>fogbank.*?) ready (?P<ready_s>[\d.]+) s\s+memory (?P<MB>[\d.]+) MB(\s+(?P<rows_a_second>[\d.]+) rows/s)?"
    ),
)
"""The lines of `measure.tell` and of `bench_serve`; a peer's own lines say nothing about us."""


def figures(output: str) -> dict[str, Figure]:
    """The figures of a script's output, by what they are."""
    told = {}
    for line in output.splitlines():
        match = next((match for form in FORMS if (match := form.match(line))), None)
        values = match.groupdict() if match else {}
        what = " ".join(values.pop("what", "").split())
        for unit, value in values.items():
            if value is not None:
                told[f"{what}, {unit.replace('_', ' ')}"] = Figure(what, float(value), unit)
    return told


@dataclass(frozen=True)
class Ratio:
    """A figure of both, in each round. Above 1 the working tree is worse."""

    name: str
    ours: Sequence[Figure]
    theirs: Sequence[Figure]

    @property
    def worse(self) -> list[float]:
        """How many times worse we are, round by round."""
        pairs = zip(self.ours, self.theirs, strict=True)
        return [b.value / a.value if a.more_is_better else a.value / b.value for a, b in pairs]

    @property
    def slower(self) -> bool:
        """Whether the median is beyond what noise does."""
        return statistics.median(self.worse) > TOLERANCE

    def line(self) -> str:
        """For a person."""
        ours, theirs = (statistics.median(figure.value for figure in side) for side in (self.ours, self.theirs))
        worse = self.worse
        return (
            f"{self.name:<72} {theirs:>10.2f} -> {ours:>10.2f}  {statistics.median(worse):5.2f} x "
            f"({min(worse):.2f}-{max(worse):.2f}){'  SLOWER' if self.slower else ''}"
        )


def ratios(ours: Sequence[Mapping[str, Figure]], theirs: Sequence[Mapping[str, Figure]]) -> list[Ratio]:
    """Of what both told in every round."""
    names = [name for name in ours[0] if all(name in told for told in (*ours, *theirs))]
    return [Ratio(name, [told[name] for told in ours], [told[name] for told in theirs]) for name in names]


def checked_out(ref: str, folder: Path) -> Path:
    """A revision's files in a folder, with the environment of its own lock; its Python."""
    archive = subprocess.run(["git", "archive", "--format=tar", ref], cwd=ROOT, check=True, capture_output=True).stdout
    with tarfile.open(fileobj=BytesIO(archive)) as tar:
        tar.extractall(folder, filter="data")
    command = [find_uv_bin(), "sync", "--frozen", "--quiet", "--python", sys.executable]
    own = {name: value for name, value in os.environ.items() if name not in {"VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT"}}
    subprocess.run(command, cwd=folder, check=True, env=own)
    return folder / ".venv" / "bin" / "python"


def run(python: Path, root: Path, script: str) -> dict[str, Figure]:
    """One revision's copy of a script; what it told."""
    command = [str(python), str(root / "benchmarks" / script)]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    told = figures(done.stdout)
    if done.returncode != 0 or not told:
        trouble = "failed" if done.returncode != 0 else "told no figure"
        raise SystemExit(f"{script} of {root} {trouble}:\n{done.stdout[-1000:]}{done.stderr[-3000:]}")
    return told


def side_by_side(scripts: Iterable[str], other: Path, python: Path, rounds: int) -> Iterator[Ratio]:
    """Both revisions' copies of each script, in turn, the first of a round changing."""
    sides = ((Path(sys.executable), ROOT), (python, other))
    for script in scripts:
        if not all((root / "benchmarks" / script).is_file() for _, root in sides):
            print(f"{script}: not in both revisions")
            continue
        told: tuple[list[dict[str, Figure]], list[dict[str, Figure]]] = ([], [])
        for turn in range(rounds):
            for side in (0, 1) if turn % 2 == 0 else (1, 0):
                told[side].append(run(*sides[side], script))
        yield from ratios(*told)


def main() -> int:
    """Compare and print."""
    parser = ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("ref", help="the other revision: a branch, a tag or a commit")
    parser.add_argument("scripts", nargs="*", default=SCRIPTS, help="scripts of benchmarks/; all where none is named")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fogbank-against-") as folder:
        python = checked_out(asked.ref, Path(folder))
        print(
            f"{'':<72} {asked.ref[:10]:>10} -> {'here':>10}  how many times worse (range, {asked.rounds} rounds)",
            flush=True,
        )
        slower = 0
        for ratio in side_by_side(map(_script, asked.scripts), Path(folder), python, asked.rounds):
            print(ratio.line(), flush=True)
            slower += ratio.slower
    return 1 if slower else 0


def _script(name: str) -> str:
    """A script by its file's name, or by what it measures: `bench_image.py`, `image`."""
    return name if name.endswith(".py") else f"bench_{name}.py"


if __name__ == "__main__":
    sys.exit(main())
