"""The socket of an instance that has no network: a Unix socket in its folder, which the cloud reaches through the folder's descriptor.

In: the instance's folder; out: a path that may be connected to, however long the folder's own is (sun_path has 108 bytes), and a pool of
connections to it.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path

import urllib3
from urllib3.connection import HTTPConnection

NAME = "server.sock"
"""Within the folder, where the server begins."""


class PrivateSocket:
    """The way to the socket of an instance. Raises OSError where the folder is not there."""

    def __init__(self, folder: Path) -> None:
        self._folder = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self.path = f"/proc/self/fd/{self._folder}/{NAME}"

    def pool(self, most: int) -> urllib3.HTTPConnectionPool:
        """Connections to it."""
        path = self.path

        class Connection(HTTPConnection):
            def _new_conn(self) -> socket.socket:
                link = socket.socket(socket.AF_UNIX)
                try:
                    link.connect(path)
                except OSError as error:
                    link.close()
                    raise urllib3.exceptions.NewConnectionError(self, f"{error}") from error
                return link

        pool = urllib3.HTTPConnectionPool("localhost", maxsize=most, retries=False)
        pool.ConnectionCls = Connection
        return pool

    def close(self) -> None:
        """Nobody connects any more. Calling it twice is no error."""
        if self._folder >= 0:
            os.close(self._folder)
            self._folder = -1
