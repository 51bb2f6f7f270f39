"""The connections to a model's own server."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any, cast

from fogbank.serve.model_process import ModelProcess

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


class Ended:
    """A process that is not there any more, and its lifeline."""

    returncode = 0

    def cut(self) -> None:
        pass


async def _twice(path: Path) -> list[bytes]:
    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(ANSWER)
        await writer.drain()
        writer.close()
        left.set()

    left = asyncio.Event()
    nobody = cast("Any", Ended())
    async with await asyncio.start_unix_server(once, path):
        model = ModelProcess(nobody, "m", path, nobody, os.open(path.parent, os.O_RDONLY))
        bodies = []
        for _ in range(2):
            left.clear()
            reply = await model.send("GET", "/ping", {}, b"")
            bodies.append(cast("bytes", reply.body))
            await left.wait()
            for _ in range(3):  # the end of the connection reaches this side
                await asyncio.sleep(0)
        await model.stop()
        return bodies


def test_a_connection_that_the_server_has_closed_meanwhile_is_not_used_again(tmp_path: Path) -> None:
    assert asyncio.run(_twice(tmp_path / "s")) == [b"ok", b"ok"]
