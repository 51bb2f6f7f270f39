"""Packages on Ray: a dataset with predictions beside its columns, and a transform job's file by a cluster's workers.

Each worker loads the package once. Its Python is the model's: it has the package's requirements, pyarrow and this fogbank; the package
itself lies where every node can read it. `pip install fogbank[ray]` brings Ray Data.

>>> from fogbank.ray import transform                                    # doctest: +SKIP
>>> transform(ray.data.read_parquet("rows"), ".fogbank/package").show()  # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fogbank.contracts.manifest import Manifest, load_manifest
from fogbank.contracts.transform import TransformRequest
from fogbank.direct.files import Task, Work, tasks, write
from fogbank.direct.scorer import Packed
from fogbank.direct.tables import predictions

if TYPE_CHECKING:
    from ray.data import Dataset

__all__ = ["score", "score_file", "transform"]


def transform(dataset: Dataset, package: str | Path | Manifest, **options: Any) -> Dataset:
    """The dataset's rows with the package's output columns after its own; `options` are map_batches'. Raises DataError by Ray's."""
    manifest = package if isinstance(package, Manifest) else load_manifest(Path(package))
    work = partial(_with_predictions, Packed.of(manifest), list(manifest.package.input.names))
    return dataset.map_batches(work, batch_format="pyarrow", **options)


def score_file(work: Work, target: Path) -> None:
    """A transform job's output of a file that every node can read. Raises DataError."""
    import ray.data

    context = ray.data.DataContext.get_current()
    context.execution_options.preserve_order = True
    todo = [asdict(task) for task in tasks(Path(work.file), TransformRequest.from_json(work.request))]
    if not todo:
        write([], target)
        return
    scored = ray.data.from_items(todo).map_batches(partial(_outputs, work), batch_format="pyarrow", batch_size=1)
    write(_bodies(scored), target)


def score(work: Work, target: Path) -> None:
    """The same on the cluster of RAY_ADDRESS, or on this machine's cores."""
    import ray

    ray.init(log_to_driver=False)
    try:
        score_file(work, target)
    finally:
        ray.shutdown()


def _bodies(scored: Dataset) -> Iterator[bytes]:
    for batch in scored.iter_batches(batch_format="pyarrow", batch_size=None):
        yield from batch.column("output").to_pylist()


def _outputs(work: Work, batch: Any) -> Any:
    import pyarrow as pa

    outputs = [work(Task(**row)) for row in batch.to_pylist()]
    return pa.table({"output": pa.array(outputs, pa.large_binary())})


def _with_predictions(package: Packed, names: list[str], table: Any) -> Any:
    made = predictions(package, table.select(names))
    for name in made.column_names:
        table = table.append_column(name, made.column(name))
    return table
