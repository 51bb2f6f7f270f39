"""DuckDB's httpfs: parquet and csv, written by COPY and queried with globs and pushed-down columns."""

import json
import sys
from pathlib import Path

import duckdb
import duckdb_extension_httpfs

url, bucket = sys.argv[1:]
[extension] = Path(duckdb_extension_httpfs.__path__[0]).rglob(
    "httpfs.duckdb_extension"
)  # where INSTALL would download it
db = duckdb.connect()
db.execute(f"LOAD '{extension}'")
db.execute(
    f"CREATE SECRET (TYPE s3, KEY_ID 'test', SECRET 'test', REGION 'us-east-1', ENDPOINT '{url.removeprefix('http://')}', URL_STYLE 'path', USE_SSL false)"
)
db.execute("CREATE TABLE t AS SELECT range AS x, range % 7 AS k, 'ü' || (range % 3) AS s FROM range(100000)")
db.execute(f"COPY t TO 's3://{bucket}/t.parquet'")
db.execute(f"COPY t TO 's3://{bucket}/by k' (FORMAT parquet, PARTITION_BY (k))")
db.execute(f"COPY (SELECT * FROM t LIMIT 10) TO 's3://{bucket}/ten.csv' (HEADER)")
one = lambda query: db.execute(query).fetchone()[0]  # noqa: E731
json.dump(
    {
        "sum": one(f"SELECT sum(x) FROM 's3://{bucket}/t.parquet' WHERE s = 'ü1'"),
        "parts": one(
            f"SELECT count(*) FROM read_parquet('s3://{bucket}/by k/*/*.parquet', hive_partitioning = true) WHERE k = 3"
        ),
        "csv": one(f"SELECT count(*) FROM 's3://{bucket}/ten.csv'"),
        "glob": len(db.execute(f"SELECT * FROM glob('s3://{bucket}/by k/**')").fetchall()) >= 7,
    },
    sys.stdout,
)
