"""What a file of PyTorch is: a program of `torch.export`, TorchScript, or weights without a program (`look_weights`). PyTorch is not loaded for it.

In: a file; out: a `Look`. A program of `torch.export` says which tensors it takes (torch/_export/serde/schema.py): tables become columns.
"""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import NoneType
from typing import Any

from fogbank.contracts.errors import PackageError
from fogbank.contracts.schema import Column, Dtype
from fogbank.pack.look_weights import look_weights
from fogbank.pack.looked import Look, Table
from fogbank.pack.members import member

PROGRAM = re.compile(r"(?:^|/)(?:models/[^/]+\.json|serialized_exported_program\.json)$")
RELEASE = re.compile(r"\d+(?:\.\d+)*")
DTYPES: Mapping[int, tuple[str, Dtype]] = {
    1: ("uint8", "integer"), 2: ("int8", "integer"), 3: ("int16", "integer"), 4: ("int32", "integer"), 5: ("int64", "integer"),
    6: ("float16", "float"), 7: ("float32", "float"), 8: ("float64", "float"), 12: ("bool", "boolean"), 13: ("bfloat16", "float"),
}  # fmt: skip
"""The schema's ScalarType, as PyTorch and as a package's schema call it."""


def look_torch(path: Path) -> Look:
    """Look at it. Raises PackageError (`model-inputs`)."""
    members = zipfile.ZipFile(path).namelist() if zipfile.is_zipfile(path) else []
    inner = {member.partition("/")[2] for member in members} | set(members)
    if any(member.endswith(".pt2") or "exported_program" in member or member.startswith("models/") for member in inner):
        return _exported(path, members)
    if "constants.pkl" in inner and any(member.startswith("code/") for member in inner):
        return Look(
            file="model.pth" if path.suffix.lower() == ".pth" else "model.pt",
            kind="handler",
            what="a TorchScript program",
            needs=("numpy", "torch"),
            handler="torch_script",
        )
    return look_weights(path)


def _exported(path: Path, members: list[str]) -> Look:
    names = [name for name in members if PROGRAM.search(name)]
    with zipfile.ZipFile(path) as archive:
        program = json.loads(member(archive, names[0])) if len(names) == 1 else {}
    release = RELEASE.match(program.get("torch_version", ""))
    version = release[0] if release and not re.search(r"[a-z]", program["torch_version"].partition("+")[0]) else ""
    tables, columns = _inputs(program)
    return Look(
        file="model.pt2",
        kind="handler",
        what="a program of torch.export" + (f", made by PyTorch {version}" if version else ""),
        needs=("numpy", "torch"),
        versions={"torch": version} if version else {},
        width=len(columns),
        columns=columns if any(column.dtype != "float" for column in columns) or len(tables) > 1 else (),
        handler="torch_export",
        tables=tables,
        batch=_batch(program),
    )


def _inputs(program: Mapping[str, Any]) -> tuple[tuple[Table, ...], tuple[Column, ...]]:
    """The tables that the program takes, and their columns side by side; none where it does not say. Raises PackageError (`model-inputs`)."""
    tables: list[Table] = []
    columns: list[Column] = []
    tensors = dict(_tensors(program))
    for name, (sizes, scalar) in tensors.items():
        if len(sizes) not in {1, 2} or scalar not in DTYPES:
            shape = " x ".join(map(_said, sizes)) or "no dimension"
            raise _no_table(f"the program takes {name} of {shape}, which is no table of numbers")
        width = 1 if len(sizes) == 1 else sizes[-1]
        if width is None:
            return (), ()
        dtype, own = DTYPES[scalar]
        place = len(columns)
        tables.append(Table(name=name, first=place, width=width, dtype=dtype, flat=len(sizes) == 1))
        prefix = f"{name}_" if len(tensors) > 1 else "c"
        names = [name] if width == 1 else [f"{prefix}{number}" for number in range(width)]
        columns += [Column(name=each, dtype=own) for each in names]
    return tuple(tables), tuple(columns)


def _tensors(program: Mapping[str, Any]) -> Iterator[tuple[str, tuple[list[int | None], int]]]:
    """The user's tensors: name, then sizes (None for one that is free) and type. Raises PackageError (`model-inputs`), ValueError."""
    module = program.get("graph_module", {})
    for item in module.get("signature", {}).get("input_specs", []):
        if "user_input" not in item:
            continue
        argument = item["user_input"]["arg"]
        if "as_tensor" not in argument:
            raise _no_table("the program takes something besides tensors")
        name = argument["as_tensor"]["name"]
        tensor = module["graph"]["tensor_values"][name]
        sizes = [size.get("as_int") for size in tensor["sizes"]]
        if not name.isidentifier() or any(type(size) not in {int, NoneType} for size in sizes):
            raise ValueError(f"its tensor {name!r} of {sizes!r} is none that PyTorch writes")  # both go into a handler
        yield name, (sizes, tensor["dtype"])


def _batch(program: Mapping[str, Any]) -> int:
    """How many rows it takes at a time, no more and no fewer; 0 for any number."""
    firsts = {sizes[0] for _, (sizes, _) in _tensors(program) if sizes}
    return next(iter(firsts)) or 0 if len(firsts) == 1 else 0


def _said(size: int | None) -> str:
    return "any" if size is None else str(size)


def _no_table(cause: str) -> PackageError:
    return PackageError(
        "model-inputs",
        cause,
        "serve it by a handler: `fogbank new NAME`, and a model_fn that returns the program's module",
    )
