"""Polars (object_store, in Rust): parquet and csv written and scanned lazily, with what can be pushed down."""

import json
import sys

import polars as pl

url, bucket = sys.argv[1:]
options = {"aws_endpoint_url": url, "aws_region": "us-east-1", "aws_allow_http": "true"}
frame = pl.DataFrame({"x": range(100_000), "s": [f"ü{i % 7}" for i in range(100_000)]})
frame.write_parquet(f"s3://{bucket}/a b/x.parquet", storage_options=options)
frame.lazy().filter(pl.col("x") < 10).sink_csv(f"s3://{bucket}/ten.csv", storage_options=options)
for part in range(3):
    frame.slice(part * 10, 10).write_parquet(f"s3://{bucket}/parts/{part}.parquet", storage_options=options)
lazy = pl.scan_parquet(f"s3://{bucket}/a b/x.parquet", storage_options=options)
json.dump(
    {
        "sum": lazy.filter(pl.col("s") == "ü3").select(pl.col("x").sum()).collect().item(),
        "csv": pl.read_csv(f"s3://{bucket}/ten.csv", storage_options=options).height,
        "parts": pl.scan_parquet(f"s3://{bucket}/parts/*.parquet", storage_options=options).collect().height,
    },
    sys.stdout,
)
