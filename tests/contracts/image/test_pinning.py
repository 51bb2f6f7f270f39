"""The base of a project's image is pinned by the digest that its registry has: a tag that moves later moves no image."""

from __future__ import annotations

from pathlib import Path

from fogbank.image import Layout, Registry, parse_reference, push
from fogbank.project.packaging.pinning import pin, pinned_where_due
from fogbank.project.workplace.config import load_config
from fogbank.project.workplace.events import Event, Notice, Steps, ignore
from tests.projects import packed, with_image


def test_a_pinned_base_stays_where_its_tag_moves_and_is_no_more_asked_for(registry: str, tmp_path: Path) -> None:
    reference = f"{registry}/library/python:3.11-slim"
    _, manifest = packed(tmp_path / "first")
    with_image(manifest)
    layout = Layout(manifest.folder / "image")

    def publish(platform: str) -> str:
        with_image(manifest, platform)
        return push(layout, layout.images()[platform], Registry(parse_reference(reference)), tmp_path / "uploads")

    (tmp_path / "pyproject.toml").write_text('[tool.fogbank]\nname = "churn"\n')
    events: list[Event] = []
    digest = publish("linux/amd64")
    pinned = pin(load_config(tmp_path), reference, Steps(events.append))
    moved = publish("linux/arm64")

    assert moved != digest
    assert pinned.base == f"{reference}@{digest}"
    assert load_config(tmp_path) == pinned
    assert Registry(parse_reference(pinned.base)).manifest(digest).descriptor.digest == digest
    assert pinned_where_due(pinned, ["linux/amd64"], Steps(events.append)) is pinned
    assert not [event for event in events if isinstance(event, Notice)]
    assert pin(pinned, reference, Steps(ignore)).base == f"{reference}@{moved}", "asked to, it takes the newer one"
