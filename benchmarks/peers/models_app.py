"""FastAPI by hand, as many write it: no checks, the model called for each request."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request
from models import answer

app = FastAPI()


@app.post("/invocations")
async def invocations(request: Request) -> Any:
    return answer(await request.json())
