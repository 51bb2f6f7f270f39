"""Adopting what is there: an endpoint of the stack's account, its configuration and its models, as a program that imports them.

In: boto3 clients and an endpoint's name; out: a file of the Pulumi program, whose first `up` imports them into the stack as they are and
changes nothing; they are protected. What is read is what pulumi-aws would read, by the same table that the stand-in has.
"""

from __future__ import annotations

import pprint
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from botocore.exceptions import ClientError

from fogbank.contracts import tokens
from fogbank.contracts.errors import AwsError, DataError, ProjectError
from fogbank.project.calling.clients import Clients
from fogbank.provider.resource import ProvisionError
from fogbank.provider.standin import StandIn

MODULE = "adopted"
AS_IT_IS = frozenset({"environment", "tags"})
"""Properties whose keys are the user's own."""
MOVES = "deploymentConfig"
"""How an endpoint moved the last time, which no program declares: of the next move, another may."""
CLASSES = {
    tokens.MODEL: "Model", tokens.ENDPOINT_CONFIGURATION: "EndpointConfiguration", tokens.ENDPOINT: "Endpoint"
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Adopted:
    """A resource that is there. `inputs` are pulumi-aws's, as it would read them."""

    token: str
    name: str
    inputs: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Adoption:
    """What was written: the program's file, whether `__main__` takes it in already, and the resources."""

    file: Path
    taken_in: bool
    resources: tuple[Adopted, ...]


def adopt(root: Path, clients: Clients, endpoint: str) -> Adoption:
    """Write the file. Raises AwsError, DataError (`adopt-unreadable`), ProjectError (`adopt-there`) where one is there already."""
    found = tuple(read(clients, endpoint))
    folder = _program(root)
    file = folder / f"{MODULE}.py"
    try:
        with file.open("x", encoding="utf-8") as written:
            written.write(program(endpoint, found))
    except FileExistsError as error:
        raise ProjectError(
            "adopt-there", f"{file} is there already", "move it away, or take its resources in by hand"
        ) from error
    main = folder / "__main__.py"
    taken_in = (
        main.is_file()
        and re.search(rf"^(import|from) {MODULE}\b", main.read_text(encoding="utf-8"), re.MULTILINE) is not None
    )
    return Adoption(file=file, taken_in=taken_in, resources=found)


def read(clients: Clients, endpoint: str) -> list[Adopted]:
    """The models, the configuration and the endpoint, in the order in which they are needed. Raises AwsError, DataError."""
    reader = StandIn(clients=lambda service, _: clients(service))
    live = _read(reader, tokens.ENDPOINT, endpoint)
    config = _read(reader, tokens.ENDPOINT_CONFIGURATION, str(live.inputs["endpointConfigName"]))
    variants = [
        *(config.inputs.get("productionVariants") or []),
        *(config.inputs.get("shadowProductionVariants") or []),
    ]
    names = dict.fromkeys(str(variant["modelName"]) for variant in variants if variant.get("modelName"))
    return [*(_read(reader, tokens.MODEL, name) for name in names), config, live]


def _read(reader: StandIn, token: str, name: str) -> Adopted:
    try:
        found = reader.read(token, name, {})
    except ProvisionError as error:
        cause = error.__cause__
        if isinstance(cause, ClientError):
            told = cause.response["Error"]
            raise AwsError(told["Code"], told["Message"], "see `fogbank doctor -s`") from error
        raise DataError("adopt-unreadable", f"{CLASSES[token]} {name}: {error}", "import it by hand") from error
    if found is None:
        raise AwsError(
            "ValidationError",
            f'Could not find {CLASSES[token]} "{name}".',
            "name one that is there, in the stack's account",
        )
    inputs = {
        key: value
        for key, value in found[0].items()
        if not key.startswith("__") and key not in {"region", "tagsAll", MOVES}
    }
    return Adopted(token=token, name=name, inputs=inputs)


def program(endpoint: str, resources: tuple[Adopted, ...]) -> str:
    """The program's file. Pure."""
    lines = [
        f'"""The endpoint {endpoint}, its configuration and its models, as they are: the first `up` imports them and changes nothing.',
        "",
        "They are protected: nothing deletes them. When they are in the stack's state, `import_` may go.",
        '"""',
        "",
        "import pulumi",
        "import pulumi_aws as aws",
    ]
    for item in resources:
        arguments = {
            _snake(key): _python(key, value)
            for key, value in sorted(item.inputs.items())
            if value not in (None, {}, [])
        }
        lines += ["", f"aws.sagemaker.{CLASSES[item.token]}(", f"    {item.name!r},"]
        for key, value in arguments.items():
            text = pprint.pformat(value, width=110, sort_dicts=True)
            lines.append(f"    {key}={text}".replace("\n", "\n    ") + ",")
        ignored = f", ignore_changes=[{MOVES!r}]" if item.token == tokens.ENDPOINT else ""
        lines += [f"    opts=pulumi.ResourceOptions(import_={item.name!r}, protect=True{ignored}),", ")"]
    return "\n".join(lines) + "\n"


def _python(key: str, value: Any) -> Any:
    """A property's value with the names of Python."""
    if key in AS_IT_IS:
        return value
    if isinstance(value, Mapping):
        return {_snake(name): _python(name, item) for name, item in value.items()}
    return [_python("", item) for item in value] if isinstance(value, list) else _whole(value)


def _whole(value: Any) -> Any:
    """A whole number without a fraction: Pulumi's numbers are all floats."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _snake(name: str) -> str:
    """Pulumi's name of a property in Python.

    >>> _snake("modelDataUrl"), _snake("destinationS3Uri")
    ('model_data_url', 'destination_s3_uri')
    """
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _program(root: Path) -> Path:
    """The folder of the Pulumi program. Raises ProjectError (`pulumi-yaml-missing`)."""
    try:
        document = yaml.safe_load((root / "Pulumi.yaml").read_text(encoding="utf-8")) or {}
    except FileNotFoundError as error:
        raise ProjectError(
            "pulumi-yaml-missing", f"there is no Pulumi.yaml in {root}", "`fogbank new` writes a project"
        ) from error
    folder = root / str(document.get("main") or "")
    return folder if folder.is_dir() else folder.parent
