"""Why an object of a transform job has no output, as the job's reason and the data log tell it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from fogbank.transform.records import MiniBatch

LONGEST_QUOTE = 500
PAUSE_S = 0.1
"""Before a server that broke a connection is asked again: its supervisor may be about to replace a worker."""
CLIENT, ALGORITHM = "ClientError", "AlgorithmError"


class ObjectFailedError(Exception):
    """An object that has no output: whose error it is, as SageMaker calls it, what in short, and what the server said, if it did."""

    def __init__(self, blame: str, what: str, message: str = "", where: MiniBatch | str = "") -> None:
        super().__init__(f"{where}: {what}" if where else what)
        self.blame, self.what, self.message, self.where = blame, what, message, where

    def behind(self, records: int) -> ObjectFailedError:
        """The same, of what lies so many records further on in the object."""
        where = self.where
        if isinstance(where, MiniBatch):
            where = replace(where, first=where.first + records)
        return ObjectFailedError(self.blame, self.what, self.message, where)

    @property
    def reason(self) -> str:
        """In one line."""
        return f"{self}: {self.message}" if self.message else str(self)

    def lines(self) -> Iterator[str]:
        """As the data log has it."""
        yield f"{self.blame}: {self.what}"
        if self.where:
            yield str(self.where)
        if self.message:
            yield from ("", "Message:", *self.message.splitlines())
