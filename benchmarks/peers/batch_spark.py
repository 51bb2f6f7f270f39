"""Spark's own pandas UDF with scikit-learn over a CSV file, on all cores. In: file, target, the pipeline's joblib; out: seconds, and of processor.

The seconds are the job's, after the session is there; the processor's are those of everything, Java's start too.
"""

from __future__ import annotations

import json
import resource
import sys
import time

import joblib
import pandas as pd
from pyspark.sql import SparkSession
from pyspark.sql.functions import pandas_udf


def main() -> None:
    """One line of JSON."""
    file, target, pipeline = sys.argv[1:4]
    spark = SparkSession.builder.master("local[*]").config("spark.ui.enabled", "false").getOrCreate()
    model = spark.sparkContext.broadcast(joblib.load(pipeline))

    def scored(*columns):  # type: ignore[no-untyped-def]  # PySpark reads annotations
        made = model.value.predict_proba(pd.concat(columns, axis=1).to_numpy())
        return pd.DataFrame({"p0": made[:, 0], "p1": made[:, 1]})

    names = [f"c{number}" for number in range(20)]
    wall = time.perf_counter()
    rows = spark.read.csv(file, schema=", ".join(f"{name} double" for name in names))
    rows.select(pandas_udf(scored, "p0 double, p1 double")(*names).alias("p")).select("p.*").write.csv(target)
    seconds = time.perf_counter() - wall
    spark.stop()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(json.dumps({"seconds": seconds, "processor": used.ru_utime + used.ru_stime + time.process_time()}))


main()
