"""A million rows of 21 cells through the compiled logistic pipeline: by a package without a server, by jobs of a local cloud, plain and with
filters and the join, and by others.

`python benchmarks/bench_transform.py [ROWS] [ROUNDS]`: rows a second, and rows for each second of a processor, beside pandas with scikit-learn,
Polars and DuckDB with the model as an expression, Spark's own pandas UDF, and what SageMaker's scikit-learn image runs, over the wire in 6 MB
posts. Figures of one run on one machine: use the ratios. What starts with a run is in it, but for Spark's session, which is in its processor's.
"""

from __future__ import annotations

import http.client
import io
import os
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from batch_ways import Took, coefficients, here, jobs, peer
from measure import ratio
from side_by_side import FEATURES, SAGEMAKER, Model, PeerError, running, train

from fogbank.contracts.container import ENV_BATCH_HTTP
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
from fogbank.ground.machine import usable_cores

ROUNDS = 3
FILTERS = {"InputFilter": "$[1:]", "JoinSource": "Input", "OutputFilter": "$[0,-1]"}


def main() -> None:
    """Every way, the rounds interleaved."""
    rows, rounds = (int(given) for given in [*sys.argv[1:3], *("1000000", ROUNDS)[len(sys.argv[1:3]) :]])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "models").mkdir()
        model = train(folder / "models")["lr"]
        plain, full = written(folder, rows)
        package, weights = packed(model, folder), coefficients(model)
        jobs_ = {
            "direct, one process": (request(), plain, 1),
            "direct, all cores": (request(), plain, 0),
            "direct, filters and join, all cores": (request(DataProcessing(input_filter="$[1:]", output_filter="$[0,-1]", join_source="Input")), full, 0),
        }  # fmt: skip
        ways: dict[str, Callable[[], Took]] = {
            "pandas and scikit-learn, one process": lambda: here(lambda: by_hand(model, plain, folder / "hand")),
            **{
                way: lambda asked=asked, file=file, count=count: here(  # type: ignore[misc]  # bound now
                    lambda: score(Work(package=package, request=asked.to_json(), file=str(file)), folder / "out", count)
                )
                for way, (asked, file, count) in jobs_.items()
            },
            "Polars, the model as an expression": lambda: peer("batch_polars", plain, folder / "p", weights),
            "DuckDB, the model as an expression": lambda: peer("batch_duckdb", plain, folder / "d", weights),
            "Spark, its pandas UDF": lambda: peer("batch_spark", plain, folder / "s", str(model.joblib)),
        }
        try:
            with running(SAGEMAKER, model, 1) as stack:
                posts = rows // 10
                started = time.perf_counter()
                over_the_wire(stack.port, plain, posts)
                seconds = time.perf_counter() - started
                print(f"{'SageMaker image stack, 1 worker, a tenth of the rows':<58} {posts / seconds:12,.0f} rows/s")
        except PeerError as error:
            print(f"SageMaker image stack is left out: {error}")
        with jobs(model, folder, {"plain.csv": plain, "full.csv": full}) as cloud:
            ways |= {
                "job of the local cloud": lambda: cloud.run("plain.csv", {}, {}),
                "job of the local cloud, filters and join": lambda: cloud.run("full.csv", {}, FILTERS),
                "job of the local cloud, over HTTP": lambda: cloud.run("plain.csv", {ENV_BATCH_HTTP: "true"}, {}),
            }
            measured(ways, rows, rounds)


def measured(ways: Mapping[str, Callable[[], Took]], rows: int, rounds: int) -> None:
    """Every way in turn, some rounds; one that cannot be taken is left out, and it is said why."""
    took: dict[str, list[Took]] = {way: [] for way in ways}
    for _ in range(rounds):
        for way, work in ways.items():
            try:
                if way in took:
                    took[way].append(work())
            except PeerError as error:
                print(f"{way} is left out: {error}")
                del took[way]
    print(
        f"load of the machine {os.getloadavg()[0]:.1f} on {usable_cores()} cores; medians of {rounds} rounds, {rows:,} rows"
    )
    for way, runs in took.items():
        wall, processor = (
            sorted(getattr(run, what) for run in runs)[len(runs) // 2] for what in ("seconds", "processor")
        )
        print(f"{way:<58} {rows / wall:12,.0f} rows/s {rows / processor:12,.0f} a second of processor")
    shares = zip(took["direct, all cores"], took["direct, filters and join, all cores"], strict=True)
    ratio(
        "filters and join: share of the plain rate (aim 0.5)",
        [plain.processor / full.processor for plain, full in shares],
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
