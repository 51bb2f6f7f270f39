"""FastAPI by hand, as many write it: no checks, the model called for each request."""

from __future__ import annotations

import io
import os
from typing import Any

import joblib
import numpy as np
from fastapi import FastAPI, Request, Response

app = FastAPI()
model = joblib.load(os.environ["MODEL"])


@app.get("/ping")
def ping() -> dict[str, str]:
    return {"status": "ok"}


@app.post("/invocations")
async def invocations(request: Request) -> Any:
    body = await request.body()
    if request.headers["content-type"] == "text/csv":
        rows = np.loadtxt(io.BytesIO(body), delimiter=",", ndmin=2)
        out = "\n".join(",".join(map(repr, row)) for row in model.predict_proba(rows).tolist())
        return Response(out + "\n", media_type="text/csv")
    return model.predict_proba(np.array(await request.json())).tolist()
