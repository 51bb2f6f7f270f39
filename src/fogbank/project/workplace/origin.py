"""Where this installation of fogbank came from, so that a project's lock finds it there: an index, a wheel, a folder, a repository.

In: the distribution's direct_url.json (PEP 610); out: an entry of [tool.uv.sources]. A wheel that is still there is copied into the project.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

WHEELS = "wheels"


def fogbank_source(project: Path) -> str:
    """The source as TOML has it, for a project in this folder; empty where fogbank came from an index."""
    text = metadata.distribution("fogbank").read_text("direct_url.json")
    return source_of(json.loads(text), project) if text else ""


def source_of(direct_url: Mapping[str, Any], project: Path) -> str:
    """The same, of a document.

    >>> source_of({"url": "https://example.org/fogbank-0.1.0-py3-none-any.whl", "archive_info": {}}, Path())
    '{ url = "https://example.org/fogbank-0.1.0-py3-none-any.whl" }'
    >>> source_of({"url": "file:///src/fogbank", "dir_info": {"editable": True}}, Path())
    '{ path = "/src/fogbank", editable = true }'
    """
    url = str(direct_url["url"])
    if (repository := direct_url.get("vcs_info")) is not None:
        return _toml(**{repository["vcs"]: url, "rev": repository["commit_id"]})
    if urlsplit(url).scheme != "file":
        return _toml(url=url)
    path = Path(unquote(urlsplit(url).path))
    if direct_url.get("dir_info", {}).get("editable"):
        return _toml(path=str(path), editable=True)
    return _toml(path=_kept(path, project) if path.is_file() else str(path))


def _kept(wheel: Path, project: Path) -> str:
    """The wheel's place in the project: who clones it has it."""
    (project / WHEELS).mkdir(exist_ok=True)
    shutil.copyfile(wheel, project / WHEELS / wheel.name)
    return f"{WHEELS}/{wheel.name}"


def _toml(**members: Any) -> str:
    return "{ " + ", ".join(f"{name} = {json.dumps(value)}" for name, value in members.items()) + " }"
