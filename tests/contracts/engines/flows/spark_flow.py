"""Run by tests/contracts/engines: Spark with two executors that are processes of their own."""

import json
import os
import sys
from pathlib import Path

import pandas as pd
from pyspark.sql import SparkSession

from fogbank.contracts.manifest import Manifest, decode_package
from fogbank.direct.files import Work
from fogbank.direct.scorer import Packed
from fogbank.monitor.dataset import DatasetError
from fogbank.spark import score_file, statistics, transform, udf

told = json.load(sys.stdin)
builder = SparkSession.builder.master("local-cluster[2,1,1024]").config("spark.ui.enabled", "false")
spark = builder.getOrCreate()
work = Work(**{**told["work"], "package": Packed(**told["package"])})
score_file(spark, work, Path(told["target"]))
pids = spark.sparkContext.parallelize(range(8), 8).map(lambda _: os.getpid()).distinct().count()

folder = Path(told["package"]["artifact"]).parent
inner = next((folder / "made" / "model").glob("*.json")).read_bytes()
given = {key: value for key, value in told["manifest"].items() if key not in {"package", "folder"}}
manifest = Manifest(**given, package=decode_package(inner), folder=folder)
frame = spark.createDataFrame(
    pd.DataFrame({"a": [100.0 + n for n in range(100)], "b": [101.0 + 2 * n for n in range(100)], "id": range(100)})
)
made = transform(frame, manifest)
rows = [[row["id"], row["total"]] for row in made.orderBy("id").collect()]
call = udf(spark, manifest)
same = frame.select("id", call(frame["a"], frame["b"]).alias("p")).select("id", "p.total").orderBy("id").collect()
assert [[row["id"], row["total"]] for row in same] == rows
found, constraints = statistics(frame.selectExpr("a", "id", "case when id < 90 then 'x' end as s").repartition(5))
empty = ""
try:
    statistics(frame.limit(0))
except DatasetError as error:
    empty = str(error)
failure = ""
try:
    transform(frame.selectExpr("cast(13 as double) as a", "b"), manifest).collect()
except Exception as error:  # noqa: BLE001 - whatever the engine makes of it
    failure = str(error)
spark.stop()
told = {"statistics": found, "constraints": constraints, "empty": empty}
print(json.dumps({"processes": pids, "rows": rows, "columns": made.columns, "failure": failure, **told}))
