"""The hosts of one processing job: their names, and where those that work together meet.

Source: AWS Developer Guide, "Build Your Own Processing Container": resourceconfig.json has `current_host` and `hosts`, which are algo-1 to
algo-n and see one another by these names. That the first one leads is fogbank's own, and so is its port.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MEETING = "FOGBANK_MEETING"
"""Fogbank's own, of the local cloud: where a job's hosts meet, since names of hosts are nothing here; on SageMaker they meet at the first
host's name."""
ISOLATED = "The analyzer's instances tell one another what they have seen: EnableNetworkIsolation must be off where InstanceCount is more than 1."
PORT = 7701
LINE = re.compile(r"([^/\s]+):(\d{1,5})/(\w+)")


@dataclass(frozen=True, kw_only=True)
class Meeting:
    """Where the first host listens; whoever comes says the token first.

    >>> Meeting.of("127.0.0.1:7701/ab").port
    7701
    """

    address: str
    port: int
    token: str

    def __str__(self) -> str:
        return f"{self.address}:{self.port}/{self.token}"

    @classmethod
    def of(cls, text: str) -> Meeting:
        """What a text says. Raises ValueError."""
        found = LINE.fullmatch(text)
        if found is None or int(found[2]) > 65_535:
            raise ValueError(f"{MEETING} must be <address>:<port>/<token>, not {text!r:.80}")
        return cls(address=found[1], port=int(found[2]), token=found[3])


def host_names(count: int) -> list[str]:
    """The names of so many hosts.

    >>> host_names(2)
    ['algo-1', 'algo-2']
    """
    return [f"algo-{number}" for number in range(1, count + 1)]
