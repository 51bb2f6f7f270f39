"""A stack's deployments, as its history tells them: which package, who, when, and what came of it. Pure.

In: the engine's updates, whose message says what `fogbank up` deployed; out: deployments, and the one to go back to. A plain
`pulumi up` is one too, of a package that nobody named.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fogbank.contracts.errors import ProjectError
from fogbank.engine.updates import Update

MESSAGE = re.compile(r"(?P<back>rollback to )?package (?P<digest>[0-9a-f]{64}) by (?P<who>.+)")
DEPLOYING = {"update", "destroy"}
"""The engine's kinds of updates that change what there is."""
SHORTEST = 6
"""The letters of a digest that name a package; fewer are a deployment's number."""
SUCCEEDED = "succeeded"


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """One of a stack's deployments. `digest` is the SHA-256 of its model.tar.gz, empty where nobody said it; `verdict` is Pulumi's
    word (`succeeded`, `failed`); `what` is `up`, `rollback`, `destroy` or what plain `pulumi` was told to note."""

    number: int
    digest: str
    who: str
    when: datetime
    seconds: float | None
    verdict: str
    what: str

    def document(self) -> dict[str, Any]:
        """As `--json` prints it; `when` is UTC."""
        return {
            "number": self.number,
            "digest": self.digest,
            "who": self.who,
            "when": self.when.isoformat(),
            "seconds": self.seconds,
            "verdict": self.verdict,
            "what": self.what,
        }


def message(digest: str, who: str, *, back: bool = False) -> str:
    """What the history is told of a deployment.

    >>> message("1a" * 32, "me@laptop", back=True)[:27]
    'rollback to package 1a1a1a1'
    """
    return f"{'rollback to ' if back else ''}package {digest} by {' '.join(who.split())}"


def deployments(updates: Iterable[Update]) -> tuple[Deployment, ...]:
    """Every deployment, newest first: what changed something, or failed."""
    chosen = [item for item in updates if item.kind in DEPLOYING and (item.changed or item.result != SUCCEEDED)]
    return tuple(sorted(map(_deployment, chosen), key=lambda item: item.number, reverse=True))


def _deployment(update: Update) -> Deployment:
    said = MESSAGE.fullmatch(update.message) if update.kind == "update" else None
    what = "destroy" if update.kind == "destroy" else update.message.partition("\n")[0] or "pulumi up"
    return Deployment(
        number=update.version,
        digest=said["digest"] if said else "",
        who=said["who"] if said else update.author,
        when=update.started,
        seconds=update.seconds,
        verdict=update.result,
        what=("rollback" if said["back"] else "up") if said else what,
    )


def live_digest(history: Sequence[Deployment]) -> str:
    """The package of the newest deployment that succeeded; empty where nobody said it."""
    return next((item.digest for item in history if item.verdict == SUCCEEDED), "")


def target(history: Sequence[Deployment], to: str = "") -> Deployment:
    """The deployment to go back to: by its number, by the beginning of its digest, else the newest good one of another package than the
    newest deployment's. Raises ProjectError (`deployment-unknown`, `deployment-failed`, `nothing-to-go-back-to`)."""
    see = "`fogbank history` shows them"
    if not to:
        newest = history[0].digest if history else ""
        for item in history[1:]:
            if item.verdict == SUCCEEDED and item.digest and item.digest != newest:
                return item
        raise ProjectError("nothing-to-go-back-to", "no earlier deployment of another package succeeded", see)
    named = [item for item in history if _names(to, item)]
    if len({item.digest for item in named}) > 1:
        raise ProjectError("deployment-unknown", f"{to} is the beginning of more than one digest", "give more letters")
    good = next((item for item in named if item.verdict == SUCCEEDED), None)
    if good is not None and good.digest:
        return good
    if named:
        why = "of that package failed" if good is None else "was made by plain `pulumi`: its package is not known"
        raise ProjectError("deployment-failed", f"each deployment {to} {why}", see)
    raise ProjectError("deployment-unknown", f"no deployment {to}", see)


def _names(to: str, item: Deployment) -> bool:
    number = to.removeprefix("#")
    if number.isdigit() and len(number) < SHORTEST:
        return item.number == int(number)
    return len(to) >= SHORTEST and bool(item.digest) and item.digest.startswith(to.removeprefix("sha256:"))
