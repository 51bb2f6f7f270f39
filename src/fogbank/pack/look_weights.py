"""Weights without a program, and the network's class that lies in a module beside them: neither PyTorch nor the module is loaded for it.

In: a file of `torch.save(model.state_dict(), ...)` or of safetensors; out: a `Look`, which says what makes the network, or why
nothing does (`lacks`). The class is the one whose own attributes the weights are named after.
"""

from __future__ import annotations

import ast
import json
import keyword
import re
import sys
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fogbank.contracts.errors import PackageError
from fogbank.pack.code import parse
from fogbank.pack.inert import Named, Thing, read_pickle
from fogbank.pack.looked import Look, Network
from fogbank.pack.members import member

TENSORS = {"_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_tensor_v3", "_rebuild_parameter"}
"""What a pickled tensor is made by (torch/_utils.py)."""
BASES = frozenset({"Module", "LightningModule"})
ADDS = {"register_buffer", "register_parameter", "register_module", "add_module"}
WRAPPERS = ("module.", "_orig_mod.")
"""What DataParallel and `torch.compile` put before each name, one around the other."""
DEEPEST = 4
"""So many of them are looked through."""
LENGTH = 8
"""Bytes of the header's length, little-endian, with which a file of safetensors begins."""
HEADER = 100_000_000
"""Bytes that safetensors' own reader takes of a header (safetensors/src/tensor.rs: MAX_HEADER_SIZE)."""
OLD = re.compile(rb"\x80[\x02-\x05]")
"""How a pickle begins, and so a file of `torch.save` before PyTorch 1.6: no zip then."""
HANDLER = "inference"
"""The module that a project's handler is."""
OTHERWISE = (
    "put the module with the network's class beside the file; or save the program: torch.export.save(torch.export.export(model, (example,)), "
    "'model.pt2'); `fogbank new NAME --example torch-weights` shows how weights and code are kept"
)


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A class of a module beside the weights: what it derives from, the attributes that it sets, and what it cannot be made without."""

    module: str
    name: str
    bases: frozenset[str]
    attributes: frozenset[str]
    demands: tuple[str, ...]


def look_weights(path: Path) -> Look:
    """Look at them, and for their class. Raises ValueError for what cannot be read."""
    safe = path.suffix.lower() == ".safetensors"
    old = not safe and _is_old(path)
    within, names = ("", _safe_names(path)) if safe else ("", []) if old else _pickled_names(path)
    look = Look(
        file=f"model{path.suffix.lower()}",
        kind="handler",
        what=f"weights of PyTorch ({len(names)} tensors)" if names else "a file of PyTorch",
        needs=("numpy", "safetensors", "torch") if safe else ("numpy", "torch"),
    )
    if not names:
        return replace(look, lacks=_nameless(path, safe=safe, old=old))
    beside = list(_beside(path))
    before, fitting = _fitting(beside, names)
    if lacks := _lacking(path, [*fitting, *_heirs(beside, fitting)]):
        return replace(look, lacks=lacks)
    network = Network(module=fitting[0].module, name=fitting[0].name, within=within, before=before)
    return replace(
        look,
        what=f"{look.what} for {network.module}.{network.name}",
        foreign=(network.module,),
        handler="torch_weights",
        network=network,
    )


def _safe_names(path: Path) -> list[str]:
    with path.open("rb") as stream:
        length = int.from_bytes(stream.read(LENGTH), "little")
        header = json.loads(stream.read(length)) if length <= min(HEADER, path.stat().st_size) else None
    names = list(header) if isinstance(header, dict) else None
    if names is None:
        raise ValueError("it does not begin as safetensors does")
    return [name for name in names if name != "__metadata__"]


def _is_old(path: Path) -> bool:
    with path.open("rb") as stream:
        return OLD.match(stream.read(2)) is not None


def _nameless(path: Path, *, safe: bool, old: bool) -> tuple[str, str]:
    """Why a file has no names of one network's weights, and what to do."""
    if old:
        again = f"torch.save(torch.load({path.name!r}, map_location='cpu', weights_only=True), {path.name!r})"
        return (
            f"{path.name} is no zip but a pickle, as PyTorch wrote before 1.6: it is not read here",
            f"save it again: {again}",
        )
    if safe:
        return (
            f"{path.name} holds no tensors",
            "look at what was saved: safetensors.torch.save_file(model.state_dict(), ...)",
        )
    return f"{path.name} is a pickled module, or the weights of several networks: no state dict of one", OTHERWISE


def _pickled_names(path: Path) -> tuple[str, list[str]]:
    """Below which key of a checkpoint the weights are (empty: they are all there is), and their names."""
    with zipfile.ZipFile(path) as archive:
        inner = next((name for name in archive.namelist() if name.rpartition("/")[2] == "data.pkl"), None)
        if inner is None:
            raise ValueError("it is a zip without data.pkl, which torch.save writes")
        root, _ = read_pickle(member(archive, inner))
    if names := _tensors(root):
        return "", names
    parts = {key: found for key, value in _items(root).items() if (found := _tensors(value))}
    return next(iter(parts.items())) if len(parts) == 1 else ("", [])


def _items(node: Any) -> Mapping[str, Any]:
    if isinstance(node, dict):
        return {key: value for key, value in node.items() if isinstance(key, str)}
    ordered = isinstance(node, Thing) and isinstance(node.kind, Named) and node.kind.name == "OrderedDict"
    pairs = node.items if ordered else []
    return dict(zip(pairs[::2], pairs[1::2], strict=True))


def _tensors(node: Any) -> list[str]:
    """The names of a state dict; none for what is not one."""
    items = _items(node)
    whole = all(
        isinstance(value, Thing) and isinstance(value.kind, Named) and value.kind.name in TENSORS
        for value in items.values()
    )
    return list(items) if whole else []


def _beside(path: Path) -> Iterator[Candidate]:
    """The classes of the modules beside the file."""
    for file in sorted(path.parent.glob("*.py")):
        if file.stem.isidentifier() and file.stem not in sys.stdlib_module_names:
            yield from _classes(file)


def _fitting(beside: Sequence[Candidate], names: Sequence[str]) -> tuple[str, list[Candidate]]:
    """What stands before each name, and the networks that set all the attributes that the names begin with then."""
    for before in _prefixes(names):
        attributes = {name.removeprefix(before).partition(".")[0] for name in names}
        if fitting := [one for one in beside if BASES & one.bases and attributes <= one.attributes]:
            return before, fitting
    return "", []


def _prefixes(names: Sequence[str]) -> Iterator[str]:
    """Nothing first, as a network may have an attribute `module` of its own; then what wrappers put there, the outermost alone before both."""
    before = ""
    yield before
    for _ in range(DEEPEST):
        before += next((text for text in WRAPPERS if all(name.startswith(before + text) for name in names)), "")
        yield before


def _heirs(beside: Sequence[Candidate], fitting: Sequence[Candidate]) -> Iterator[Candidate]:
    """The classes that derive from those: each has their attributes, and may have been what was trained."""
    family = list(fitting)
    while found := [one for one in beside if one not in family and one.bases & {each.name for each in family} - BASES]:
        yield from found
        family += found


def _lacking(path: Path, fitting: Sequence[Candidate]) -> tuple[str, str] | None:
    """Why none of them can be made, and what to do; None where one can."""
    names = [f"{one.module}.{one.name}" for one in fitting]
    if not fitting:
        cause = f"{path.name} holds weights alone (a state dict): no module beside it has the torch.nn.Module whose they are"
        return cause, OTHERWISE
    if len(fitting) > 1:
        alone = f"leave the one whose they are in a module beside {path.name}, one class with all its layers"
        return f"the weights may be those of {', '.join(names)}", alone
    if keyword.iskeyword(fitting[0].module) or fitting[0].module == HANDLER:
        cause = f"{names[0]} is in a file that the handler cannot import by that name"
        return cause, f"rename {fitting[0].module}.py, to network.py for example"
    if demands := fitting[0].demands:
        defaults = "give its __init__ the values that it was trained with, as defaults"
        return f"{names[0]} cannot be made without {', '.join(demands)}, which the weights do not say", defaults
    return None


def _classes(file: Path) -> Iterator[Candidate]:
    """The classes of a module's top level; none of a file that is no Python."""
    try:
        nodes = parse(file).body
    except PackageError:
        return
    for node in nodes:
        if isinstance(node, ast.ClassDef):
            made = [own for own in node.body if isinstance(own, ast.FunctionDef) and own.name == "__init__"]
            yield Candidate(
                module=file.stem,
                name=node.name,
                bases=frozenset(map(_last, node.bases)),
                attributes=frozenset(_set(node)),
                demands=tuple(_demanded(made[0].args)) if made else (),
            )


def _last(base: ast.expr) -> str:
    return base.attr if isinstance(base, ast.Attribute) else base.id if isinstance(base, ast.Name) else ""


def _set(node: ast.ClassDef) -> Iterator[str]:
    """What a class's methods set on `self`, and add to it by a name."""
    for one in ast.walk(node):
        if isinstance(one, ast.Attribute) and isinstance(one.ctx, ast.Store) and _last(one.value) == "self":
            yield one.attr
        elif isinstance(one, ast.Call) and _last(one.func) in ADDS and one.args:
            first = one.args[0]
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield first.value


def _demanded(arguments: ast.arguments) -> Iterator[str]:
    given = [*arguments.posonlyargs, *arguments.args][1:]
    yield from (one.arg for one in given[: len(given) - len(arguments.defaults)])
    pairs = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    yield from (one.arg for one, default in pairs if default is None)
