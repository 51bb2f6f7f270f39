"""A streamed answer's pieces, whichever kind of generator the handler returned, as one asynchronous iterator of bytes."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from typing import Any

from fogbank.contracts.container import STREAM_LIMIT_S
from fogbank.serve.protocol import piece_bytes
from fogbank.serve.runner import Runner

END = object()


async def pieces(body: Any, runner: Runner) -> AsyncGenerator[bytes]:
    """Each piece as bytes; a plain generator goes on in the model's thread, between other calls.

    Raises TimeoutError where the whole takes longer than SageMaker allows, and whatever the generator raises.
    """
    until = time.monotonic() + STREAM_LIMIT_S
    try:
        while True:
            if hasattr(body, "__anext__"):
                piece = await anext(body, END)
            else:
                piece = await runner.in_thread(next, body, END)
            if piece is END:
                return
            yield piece_bytes(piece)
            if time.monotonic() > until:
                raise TimeoutError(f"a streamed answer may take {STREAM_LIMIT_S:g} s")
    finally:
        if hasattr(body, "aclose"):
            await body.aclose()
        elif hasattr(body, "close"):
            await runner.in_thread(body.close)
