"""Packages on Spark: a DataFrame with predictions beside its columns, a column function, and a transform job's file by an application;
and the statistics of a DataFrame, a baseline for a monitor.

The package goes to the executors with the application (`addFile`) and is loaded once in each of their Python workers, whose Python is the
model's: it has the package's requirements, pyarrow and this fogbank. `pip install fogbank[spark]` brings PySpark; it needs a Java.

>>> from fogbank.spark import transform                                  # doctest: +SKIP
>>> transform(spark.read.parquet("rows"), ".fogbank/package").show()     # doctest: +SKIP
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fogbank.contracts.manifest import Manifest, load_manifest
from fogbank.contracts.monitoring import NO_DATA
from fogbank.contracts.transform import TransformRequest
from fogbank.direct.files import Task, Work, tasks, write
from fogbank.direct.scorer import Packed
from fogbank.direct.tables import predictions
from fogbank.monitor.dataset import DatasetError, chunk_rows
from fogbank.monitor.files import add_batch
from fogbank.monitor.profile import Profile

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructType

__all__ = ["score", "score_file", "statistics", "transform", "udf"]
TYPES = {"float": "double", "integer": "long", "boolean": "boolean"}
"""A column's dtype to Spark's; any other is a string."""


def transform(frame: DataFrame, package: str | Path | Manifest) -> DataFrame:
    """The frame's rows with the package's output columns after its own. Rows are scored as they are partitioned; none moves.

    The frame has the model's columns, by name, and any others. Raises DataError where a row is refused.
    """
    manifest = package if isinstance(package, Manifest) else load_manifest(Path(package))
    packed = _shipped(frame.sparkSession, Packed.of(manifest))
    names = list(manifest.package.input.names)
    types = [f"`{column.name}` {TYPES.get(column.dtype, 'string')}" for column in manifest.package.output.columns]

    def scored(batches: Iterator[Any]) -> Iterator[Any]:
        import pyarrow as pa

        for batch in batches:
            table = pa.Table.from_batches([batch])
            made = predictions(_here(packed), table.select(names))
            for name in made.column_names:
                table = table.append_column(name, made.column(name))
            yield from table.to_batches()

    schema = frame.schema.simpleString().removeprefix("struct<").removesuffix(">")
    return frame.mapInArrow(scored, ", ".join([*_fields(frame.schema), *types]) if schema else ", ".join(types))


def udf(spark: SparkSession, package: str | Path | Manifest) -> Any:
    """A column function of the model's columns, in the schema's order: a struct of the package's output columns."""
    from pyspark.sql.functions import pandas_udf

    manifest = package if isinstance(package, Manifest) else load_manifest(Path(package))
    packed = _shipped(spark, Packed.of(manifest))
    names = list(manifest.package.input.names)
    types = [f"`{column.name}`: {TYPES.get(column.dtype, 'string')}" for column in manifest.package.output.columns]

    def scored(*columns):  # type: ignore[no-untyped-def]  # PySpark reads annotations, and knows its own alone
        import pyarrow as pa

        table = pa.table({name: pa.array(column) for name, column in zip(names, columns, strict=True)})
        return predictions(_here(packed), table).to_pandas()

    return pandas_udf(scored, f"struct<{', '.join(types)}>")


def statistics(frame: DataFrame) -> tuple[dict[str, Any], dict[str, Any]]:
    """statistics.json and constraints.json of a frame, as the monitor's analyzer makes them of files: a baseline out of Spark.

    Each partition is profiled where it is, and the profiles merge in the partitions' order: no row moves. Raises DatasetError where there
    is no row, and what PySpark makes of one for a nested column.
    """
    from fogbank.monitor.constraints import suggest_constraints

    parts = frame.mapInArrow(_profiled, "part int, profile binary").collect()
    whole = Profile()
    for part in sorted(parts, key=lambda row: row["part"]):
        whole.merge(pickle.loads(part["profile"]))  # noqa: S301 - of the application's own executors
    if not whole.rows:
        raise DatasetError(NO_DATA)
    found = whole.document()
    return found, suggest_constraints(found)


def _profiled(batches: Iterator[Any]) -> Iterator[Any]:
    """A partition's number and profile, as one row."""
    import pyarrow as pa
    from pyspark import TaskContext

    profile = Profile()
    for batch in batches:
        for start in range(0, batch.num_rows, rows := chunk_rows(batch.num_columns)):
            add_batch(profile, batch.slice(start, rows))
    context = TaskContext.get()
    number = context.partitionId() if context else 0
    yield pa.RecordBatch.from_pydict({"part": pa.array([number], pa.int32()), "profile": [pickle.dumps(profile)]})


def score_file(spark: SparkSession, work: Work, target: Path) -> None:
    """A transform job's output of a file that every executor can read. Raises DataError."""
    shipped = replace(work, package=_shipped(spark, work.package))
    todo = list(tasks(Path(work.file), TransformRequest.from_json(work.request)))
    context = spark.sparkContext
    slices = max(1, min(len(todo), 4 * context.defaultParallelism))
    outputs = context.parallelize(todo, slices).map(partial(_run, shipped))
    write(outputs.toLocalIterator(prefetchPartitions=True), target)


def score(work: Work, target: Path) -> None:
    """The same by an application of its own, where `spark.master` is not said on this machine's cores."""
    from pyspark.sql import SparkSession

    spark = SparkSession.builder.appName("fogbank").getOrCreate()
    try:
        score_file(spark, work, target)
    finally:
        spark.stop()


def _run(work: Work, task: Task) -> bytes:
    return replace(work, package=_here(work.package))(task)


def _fields(schema: StructType) -> list[str]:
    return [f"`{field.name}` {field.dataType.simpleString()}" for field in schema.fields]


def _shipped(spark: SparkSession, package: Packed) -> Packed:
    """The package on its way to the executors, by the name of its file."""
    spark.sparkContext.addFile(package.artifact)
    return package.at(Path(package.artifact).name)


def _here(package: Packed) -> Packed:
    """The package as it has come to this executor."""
    from pyspark import SparkFiles

    return package.at(SparkFiles.get(package.artifact))
