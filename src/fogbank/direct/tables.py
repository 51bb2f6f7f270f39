"""Arrow tables through a package: the model's columns in, its output columns out, by the server's own reader and writer of parquet."""

from __future__ import annotations

import io
from functools import lru_cache
from typing import Any

from fogbank.contracts.errors import DataError
from fogbank.contracts.transform import TransformInput, TransformOutput, TransformRequest, TransformResources
from fogbank.direct.scorer import Packed, Scorer, failed, loaded

PARQUET = "application/x-parquet"


def predictions(package: Packed, table: Any) -> Any:
    """A table of a row for each row. Raises DataError (`transform-failed`), DigestError, LoadError."""
    import pyarrow.parquet as pq

    if not table.num_rows:
        return table.select([])
    out = io.BytesIO()
    pq.write_table(table, out)
    reply = _scorer(package).ask(out.getvalue(), PARQUET, PARQUET)
    body = reply.body if isinstance(reply.body, bytes) else b""
    if reply.status != 200:
        raise failed(f"{reply.status}: {body.decode(errors='replace')[:500]}")
    made = pq.read_table(io.BytesIO(body))
    if made.num_rows != table.num_rows:
        raise DataError(
            "transform-failed",
            f"the model answered {table.num_rows} rows with {made.num_rows}",
            "score whole files instead",
        )
    return made


@lru_cache(maxsize=4)
def _scorer(package: Packed) -> Scorer:
    request = TransformRequest(
        job="table", model="table", source=TransformInput(data_type="S3Prefix", uri="s3://table/"),
        target=TransformOutput(uri="s3://table"), resources=TransformResources(instance_type="local", instance_count=1),
    )  # fmt: skip
    return Scorer(loaded(package), request)
