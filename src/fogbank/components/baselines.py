"""What a monitor compares with, as objects in the service's bucket: the package's own baseline, or a kind's limits and configuration.

In: a kind, a package and whose records are looked at; out: declared objects below folders named after their contents.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pulumi
import pulumi_aws as aws

from fogbank.components.captured import Captured
from fogbank.components.monitor_kinds import Kind
from fogbank.components.naming import by_content
from fogbank.components.service import MONITOR, ModelService
from fogbank.contracts.clarify_document import CONFIG
from fogbank.contracts.manifest import Manifest
from fogbank.contracts.monitoring import CONSTRAINTS, STATISTICS
from fogbank.ground.digest import canonical_json, sha256_bytes


def declared_files(
    name: str, component: pulumi.Resource, looks_at: Captured, kind: Kind, needs: Sequence[pulumi.Resource]
) -> dict[str, aws.s3.BucketObjectv2]:
    """The objects that there are, by what they are: `statistics`, `constraints`, `config`."""
    service = looks_at.service
    if kind.from_package and looks_at.endpoint is not None:
        return _baseline(name, component, service)
    if kind.from_package:
        return _of_what_is_given(name, component, service)
    found = {}
    limits, model = kind.constraints(service.package), kind.config(service.package, "")
    if limits is not None:
        found["constraints"] = _content(name, component, service, CONSTRAINTS, limits, limits)
    if model is not None:
        text = service.model_name.apply(lambda known: kind.config(service.package, known) or "")
        found["config"] = _content(name, component, service, CONFIG, model, text, needs)
    return found


def of_columns(path: Path, names: Sequence[str]) -> str:
    """A baseline's file of those columns alone, in their order, as text. Raises ValueError for a column that it lacks."""
    document = json.loads(path.read_text(encoding="utf-8"))
    features = {item["name"]: item for item in document["features"]}
    if lacking := [name for name in names if name not in features]:
        raise ValueError(
            f"the package's baseline has no column {', '.join(lacking)}: pack it from a baseline.csv that has"
        )
    return json.dumps({**document, "features": [features[name] for name in names]}, indent=1)


def columns_of_batch(package: Manifest) -> dict[str, str]:
    """The texts of the package's baseline as batch transform jobs are held to it: of what they are given, without answers."""
    names = package.package.input.names
    files = ((STATISTICS, package.statistics_path), (CONSTRAINTS, package.constraints_path))
    return {file: of_columns(path, names) for file, path in files}


def _of_what_is_given(name: str, component: pulumi.Resource, service: ModelService) -> dict[str, aws.s3.BucketObjectv2]:
    texts = columns_of_batch(service.package)
    return {
        file.removesuffix(".json"): _content(name, component, service, file, text, text) for file, text in texts.items()
    }


def _content(
    name: str,
    component: pulumi.Resource,
    service: ModelService,
    file: str,
    said: str,
    text: pulumi.Input[str],
    needs: Sequence[pulumi.Resource] = (),
) -> aws.s3.BucketObjectv2:
    """An object of a text; its name is by what is `said` of it before the cloud has named anything."""
    digest = sha256_bytes(f"{service.package.package_sha256} {said}".encode())
    return aws.s3.BucketObjectv2(
        by_content(f"{name}-{file.removesuffix('.json').replace('_', '-')}", digest),
        bucket=service.bucket,
        key=f"{MONITOR}/{name}/{digest}/{file}",
        content=text,
        content_type="application/json",
        opts=pulumi.ResourceOptions(parent=component, depends_on=[*needs]),
    )


def _baseline(name: str, component: pulumi.Resource, service: ModelService) -> dict[str, aws.s3.BucketObjectv2]:
    """The package's baseline files, below a folder named after their digests."""
    package = service.package
    digests = {"statistics": package.statistics_sha256, "constraints": package.constraints_sha256}
    digest = sha256_bytes(canonical_json(digests))
    folder = f"{MONITOR}/baseline/{digest}"
    return {
        file.removesuffix(".json"): aws.s3.BucketObjectv2(
            by_content(f"{name}-{file.removesuffix('.json')}", digest),
            bucket=service.bucket,
            key=f"{folder}/{file}",
            source=pulumi.FileAsset(str(path)),
            content_type="application/json",
            opts=pulumi.ResourceOptions(
                parent=component, aliases=[pulumi.Alias(name=f"{name}-{file.removesuffix('.json')}")]
            ),
        )
        for file, path in ((STATISTICS, package.statistics_path), (CONSTRAINTS, package.constraints_path))
    }
