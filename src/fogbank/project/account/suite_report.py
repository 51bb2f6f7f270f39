"""What the account suite saw, beside what the local cloud answers: facts by scene, in JSON and Markdown. No secrets, no account numbers.

In: scenes; out: documents. Facts are plain values; what names an account, a bucket or a run in them is replaced.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

LOCAL: Mapping[str, Mapping[str, Any]] = {
    "deploy": {"endpoint": "InService", "second up changes": False},
    "invoke": {
        "content type": "text/csv",
        "rows": True,
        "same twice": True,
        "an unknown endpoint": "ValidationError",
        "a bad row": "ModelError",
    },
    "update": {"endpoint": "InService", "new configuration": True, "same answer": True},
    "roll back": {"up fails": "up-failed", "names the live configuration": True, "live configuration stays": True, "same answer": True},
    "batch": {"status": "Completed", "rows": True, "an empty prefix": "ValidationException"},
    "monitor": {"status": "Completed", "statistics": True},
    "destroy": {"endpoint": "gone", "schedules": "gone", "model": "gone"},
}  # fmt: skip
"""What the local cloud answers; the suite's own test holds it there."""
HIDDEN = (
    (re.compile(r"\b\d{12}\b"), "<account>"),
    (re.compile(r"\b(AKIA|ASIA|AROA)[A-Z0-9]{12,}\b"), "<key>"),
    (re.compile(r"arn:[\w-]+:[^\s\"',]+"), "<arn>"),
    (re.compile(r"s3://[^\s\"',]+"), "<object>"),
)


@dataclass
class Scene:
    """One thing that was done. `facts` is what was seen; `error` why it did not come to its end."""

    name: str
    facts: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    error: str = ""

    def differences(self) -> dict[str, tuple[Any, Any]]:
        """What the account answered otherwise than the local cloud: (account, local)."""
        local = LOCAL.get(self.name, {})
        keys = [*local, *(key for key in self.facts if key not in local)]
        pairs = {key: (self.facts.get(key), local.get(key)) for key in keys}
        return {key: (own, here) for key, (own, here) in pairs.items() if own != here}


@dataclass(frozen=True, kw_only=True)
class SuiteReport:
    """The whole run. `most_usd` is what it could cost at most, as it was told before."""

    region: str
    versions: Mapping[str, str]
    most_usd: float
    scenes: Sequence[Scene]
    left: Sequence[str] = ()

    @property
    def passed(self) -> bool:
        """Whether everything came to its end, as on the local cloud, and nothing is left."""
        return not self.left and all(not scene.error and not scene.differences() for scene in self.scenes)

    def document(self) -> dict[str, Any]:
        """As JSON."""
        scenes = [
            {
                "name": scene.name,
                "seconds": round(scene.seconds, 1),
                "error": scene.error,
                "facts": scene.facts,
                "differs": {key: {"account": own, "local": local} for key, (own, local) in scene.differences().items()},
            }
            for scene in self.scenes
        ]
        document: dict[str, Any] = hidden(
            {
                "passed": self.passed,
                "region": self.region,
                "versions": dict(self.versions),
                "most_usd": self.most_usd,
                "scenes": scenes,
                "left": list(self.left),
            }
        )
        return document

    def markdown(self) -> str:
        """As a page."""
        head = "all as on the local cloud" if self.passed else "not all as on the local cloud"
        versions = ", ".join(f"{name} {version}" for name, version in self.versions.items())
        lines = [
            f"# An account in {self.region}: {head}", "",
            f"With {versions}. At most {self.most_usd:.2f} USD by list prices of us-east-1.", "",
            "| scene | seconds | what | the account | the local cloud |", "|---|---|---|---|---|",
        ]  # fmt: skip
        for scene in self.document()["scenes"]:
            facts = {**LOCAL.get(scene["name"], {}), **scene["facts"]}
            for key in facts:
                own, local = scene["facts"].get(key, "not seen"), LOCAL.get(scene["name"], {}).get(key, "")
                lines.append(f"| {scene['name']} | {scene['seconds']:g} | {key} | {_cell(own)} | {_cell(local)} |")
            if scene["error"]:
                lines.append(f"| {scene['name']} | {scene['seconds']:g} | it ended | {_cell(scene['error'])} | |")
        if self.left:
            lines += [
                "",
                "Left behind, and billing until it is deleted:",
                "",
                *(f"- {hidden(each)}" for each in self.left),
            ]
        return "\n".join(lines) + "\n"


def hidden(value: Any) -> Any:
    """The value without account numbers, keys, ARNs and objects' names.

    >>> hidden({"a": ["role arn:aws:iam::123456789012:role/r of 123456789012"]})
    {'a': ['role <arn> of <account>']}
    """
    if isinstance(value, str):
        for pattern, word in reversed(HIDDEN):
            value = pattern.sub(word, value)
        return value
    if isinstance(value, dict):
        return {key: hidden(item) for key, item in value.items()}
    return [hidden(item) for item in value] if isinstance(value, list) else value


def _cell(value: Any) -> str:
    return (
        {True: "yes", False: "no"}.get(value, str(value))
        if isinstance(value, bool)
        else str(value).replace("|", "/").replace("\n", " ")
    )
