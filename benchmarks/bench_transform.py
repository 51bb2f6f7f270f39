"""A million rows of 21 cells through the compiled logistic pipeline: by a package without a server, plain, and with filters and the join.

`python benchmarks/bench_transform.py [ROWS]`: rows a second by one and by all cores, beside PyArrow with scikit-learn in one process and
beside what SageMaker's scikit-learn image runs, over the wire in 6 MB posts. Figures of one run on one machine: use the ratios.
"""

from __future__ import annotations

import http.client
import io
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from measure import ratio
from side_by_side import FEATURES, SAGEMAKER, Model, PeerError, running, train

from fogbank.contracts.manifest import INNER_NAME
from fogbank.contracts.transform import (
    DataProcessing,
    TransformInput,
    TransformOutput,
    TransformRequest,
    TransformResources,
)
from fogbank.direct.files import Work, score, tasks
from fogbank.direct.scorer import Packed
from fogbank.ground.digest import sha256_file

ROUNDS = 3


def main() -> None:
    """Every way, the rounds interleaved."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "models").mkdir()
        model = train(folder / "models")["lr"]
        plain, full = written(folder, rows)
        package = packed(model, folder)
        jobs = {
            "direct, one process": (request(), plain, 1),
            "direct, all cores": (request(), plain, 0),
            "direct, filters and join, all cores": (request(DataProcessing(input_filter="$[1:]", output_filter="$[0,-1]", join_source="Input")), full, 0),
        }  # fmt: skip
        ways: dict[str, Callable[[], None]] = {
            "pandas and scikit-learn, one process": lambda: by_hand(model, plain, folder / "hand"),
            **{
                way: lambda asked=asked, file=file, count=count: score(  # type: ignore[misc]  # bound now
                    Work(package=package, request=asked.to_json(), file=str(file)), folder / "out", count
                )
                for way, (asked, file, count) in jobs.items()
            },
        }
        seconds: dict[str, list[float]] = {way: [] for way in ways}
        try:
            with running(SAGEMAKER, model, 1) as peer:
                posts = rows // 10
                started = time.perf_counter()
                over_the_wire(peer.port, plain, posts)
                print(
                    f"{'SageMaker image stack, 1 worker, a tenth of the rows':<58} {posts / (time.perf_counter() - started):12,.0f} rows/s"
                )
        except PeerError as error:
            print(f"SageMaker image stack is left out: {error}")
        for _ in range(ROUNDS):
            for way, work in ways.items():
                started = time.perf_counter()
                work()
                seconds[way].append(time.perf_counter() - started)
        for way, took in seconds.items():
            print(f"{way:<58} {rows / sorted(took)[len(took) // 2]:12,.0f} rows/s")
        all_cores, joined = seconds["direct, all cores"], seconds["direct, filters and join, all cores"]
        ratio(
            "filters and join: share of the plain rate (aim 0.5)",
            [a / b for a, b in zip(all_cores, joined, strict=True)],
        )


def request(processing: DataProcessing | None = None) -> TransformRequest:
    """A job over rows of text/csv."""
    return TransformRequest(
        job="j", model="m",
        source=TransformInput(data_type="S3Prefix", uri="s3://b/in", content_type="text/csv", split_type="Line"),
        target=TransformOutput(uri="s3://b/out", accept="text/csv", assemble_with="Line"),
        resources=TransformResources(instance_type="local", instance_count=1), processing=processing,
    )  # fmt: skip


def written(folder: Path, rows: int) -> tuple[Path, Path]:
    """A file of the model's columns, and one with an id before them."""
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(rows, FEATURES)).round(6))
    frame.to_csv(folder / "plain.csv", index=False, header=False)
    frame.insert(0, "id", range(rows))
    frame.to_csv(folder / "full.csv", index=False, header=False)
    return folder / "plain.csv", folder / "full.csv"


def packed(model: Model, folder: Path) -> Packed:
    """The compiled package as an archive."""
    artifact = folder / "model.tar.gz"
    with tarfile.open(artifact, "w:gz") as tar:
        tar.add(model.compiled / "model", ".")
    inner = model.compiled / "model" / INNER_NAME
    return Packed(artifact=str(artifact), sha256=sha256_file(artifact), package_sha256=sha256_file(inner))


def by_hand(model: Model, file: Path, target: Path) -> None:
    """What one would write without any of this."""
    estimator = joblib.load(model.joblib)
    rows = pd.read_csv(file, header=None)
    pd.DataFrame(estimator.predict_proba(rows.to_numpy())).to_csv(target, index=False, header=False)


def over_the_wire(port: int, file: Path, rows: int) -> None:
    """Posts of at most 6 MB, one after another."""
    with file.open("rb") as source:
        head = io.BytesIO(b"".join(next(source) for _ in range(rows)))
    (file.parent / "head.csv").write_bytes(head.getvalue())
    body = head.getvalue()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
    for task in tasks(file.parent / "head.csv", request()):
        connection.request(
            "POST",
            "/invocations",
            body[task.start : task.start + task.size],
            {"Content-Type": "text/csv", "Accept": "text/csv"},
        )
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise PeerError(f"it answered {answer.status}")


if __name__ == "__main__":
    main()
