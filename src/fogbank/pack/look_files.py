"""The readers of models that are one file, by what its name ends in. Each looks at bytes, and runs nothing of them."""

from __future__ import annotations

import json
import sys
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from fogbank.contracts.errors import PackageError
from fogbank.contracts.schema import Column, Dtype, Value
from fogbank.pack.imports import owners_of
from fogbank.pack.inert import Named, Thing, read_pickle, things, values_of
from fogbank.pack.look_torch import look_torch
from fogbank.pack.look_weights import look_weights
from fogbank.pack.looked import Look
from fogbank.pack.members import member
from fogbank.pack.resolve import installed_version

DISTRIBUTIONS = {
    "sklearn": "scikit-learn", "imblearn": "imbalanced-learn", "lightgbm": "lightgbm", "catboost": "catboost",
    "pandas": "pandas", "scipy": "scipy", "numpy": "numpy", "joblib": "joblib", "torch": "torch", "category_encoders":
    "category_encoders", "keras": "keras", "cloudpickle": "cloudpickle", "dill": "dill", "statsmodels": "statsmodels",
}  # fmt: skip
"""Which distribution holds a module, where it need not be installed here."""
DOCUMENT = 1 << 30
"""Bytes of skops's document: it has some thousand for each tree of a forest."""


def _pickled(path: Path) -> Look:
    root, imports = read_pickle(path.read_bytes())
    modules = (
        {module.partition(".")[0] for module, _ in imports}
        - sys.stdlib_module_names
        - {"__main__", "__builtin__", "copy_reg"}
    )
    known = {module: name for module in modules if (name := distribution_of(module))}
    found = list(things(root))
    made = [version for version in _attribute(found, "_sklearn_version") if isinstance(version, str)]
    needs = {"joblib", *known.values()}
    foreign = {module for module in modules if module not in known}
    foreign |= {f"__main__.{name}" for module, name in imports if module == "__main__"}
    return Look(
        file="model.joblib",
        kind="joblib",
        what=f"{_class_of(root)}, pickled",
        needs=tuple(sorted(needs)),
        versions={"scikit-learn": made[0]} if made else {},
        requirements=_numpy_line(module for module, _ in imports),
        names=tuple(map(str, _first(found, ("feature_names_in_", "feature_names_", "_feature_name")))),
        width=next((int(width) for width in _attribute(found, "n_features_in_") if isinstance(width, int)), 0),
        classes=_classes(_first(found, ("classes_",))),
        runs_code=True,
        foreign=tuple(sorted(foreign)),
    )


def distribution_of(module: str) -> str:
    """The distribution that holds a top-level module: as it is known, or installed here; empty for neither."""
    if module == "xgboost":
        return "xgboost-cpu" if installed_version("xgboost-cpu") else "xgboost"
    return DISTRIBUTIONS.get(module) or next(iter(owners_of(module)), "")


def _class_of(root: Any) -> str:
    if isinstance(root, Thing):
        kind = root.kind
        if isinstance(kind, Named) and kind.module in {"copyreg", "copy_reg"} and root.arguments:
            kind = root.arguments[0]
        if isinstance(kind, Named):
            return f"{kind.module}.{kind.name}"
    return f"{root.module}.{root.name}" if isinstance(root, Named) else f"a {type(root).__name__}"


def _attribute(found: Iterable[Thing], name: str) -> Iterator[Any]:
    return (thing.attributes[name] for thing in found if name in thing.attributes)


def _first(found: list[Thing], names: Iterable[str]) -> list[Any]:
    for name in names:
        for value in _attribute(found, name):
            return values_of(value) or []
    return []


def _classes(values: Iterable[Any]) -> tuple[Value, ...]:
    values = tuple(values)
    return values if all(isinstance(value, str | int | float | bool) for value in values) else ()


def _numpy_line(modules: Iterable[str]) -> tuple[str, ...]:
    """NumPy 2 moved what pickles of arrays name: that says which of the two made the file."""
    modules = set(modules)
    if any(module.startswith("numpy._core") for module in modules):
        return ("numpy>=2",)
    return ("numpy<2",) if any(module.startswith("numpy.core") for module in modules) else ()


def _skops(path: Path) -> Look:
    with zipfile.ZipFile(path) as archive:
        document = json.loads(member(archive, "schema.json", DOCUMENT))
    nodes = list(_nodes(document))
    made = [
        json.loads(node["_sklearn_version"]["content"])
        for node in nodes
        if isinstance(node.get("_sklearn_version"), dict)
    ]
    return Look(
        file="model.skops",
        kind="skops",
        what=f"{document.get('__module__')}.{document.get('__class__')}, saved by skops",
        needs=("numpy", "scikit-learn", "skops"),
        versions={"scikit-learn": made[0]} if made else {},
    )


def _nodes(node: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(node, dict):
        yield node
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _nodes(child)


def _onnx(path: Path) -> Look:
    import onnx

    model = onnx.load(str(path), load_external_data=False)
    weights = {item.name for item in model.graph.initializer}
    inputs = [item for item in model.graph.input if item.name not in weights]
    maker = f"{model.producer_name} {model.producer_version}".strip() or "somebody"
    columns = tuple(_onnx_columns(inputs)) if len(inputs) > 1 else ()
    if len(inputs) == 1 and len(shape := _onnx_shape(inputs[0])) > 2:
        return _onnx_image(inputs[0], shape, maker)
    return Look(
        file="model.onnx",
        kind="onnx",
        what=f"an ONNX graph, made by {maker}",
        needs=("onnxruntime",),
        width=len(columns) or _onnx_width(inputs[0]),
        names=tuple(column.name for column in columns),
        columns=columns,
    )


def _onnx_shape(item: Any) -> list[int | str]:
    """Its dimensions, as many as there are; one that is open by its name."""
    return [int(size.dim_value) or str(size.dim_param or "any") for size in item.type.tensor_type.shape.dim]


def _onnx_image(item: Any, shape: Sequence[int | str], maker: str) -> Look:
    """A graph that takes images of one size, a batch of them, the channels first or last. Raises PackageError (`model-inputs`)."""
    from onnx import TensorProto

    said = " x ".join(map(str, shape))
    channels = [size in {1, 3} for size in (shape[1], shape[-1])]
    if len(shape) != 4 or not any(channels) or any(isinstance(size, str) for size in shape[1:]):
        raise _no_table(f"the graph takes {item.name} of {said}, which is neither a table nor images of one size")
    if item.type.tensor_type.elem_type != TensorProto.FLOAT:
        raise _no_table(f"the graph takes {item.name} of {said}, and not as floats")
    return Look(
        file="model.onnx",
        kind="handler",
        what=f"an ONNX graph of images ({said}), made by {maker}",
        needs=("numpy", "onnxruntime", "pillow"),
        columns=(Column(name="image", dtype="string"),),
        handler="onnx_image",
    )


def _no_table(cause: str) -> PackageError:
    return PackageError(
        "model-inputs", cause, "serve it by a handler: `fogbank new NAME` and a model_fn that returns the session"
    )


def _onnx_width(item: Any) -> int:
    """How many columns an input takes; 0 where it does not say."""
    shape = item.type.tensor_type.shape.dim
    return int(shape[1].dim_value) if len(shape) == 2 else 0


def _onnx_columns(inputs: Sequence[Any]) -> Iterator[Column]:
    """The columns of a graph with several inputs, side by side. Raises PackageError (`model-inputs`)."""
    from onnx import TensorProto

    dtypes: dict[int, Dtype] = {
        TensorProto.STRING: "string", TensorProto.BOOL: "boolean", TensorProto.INT64: "integer", TensorProto.INT32: "integer",
        TensorProto.FLOAT: "float", TensorProto.DOUBLE: "float",
    }  # fmt: skip
    for item in inputs:
        width, kind = _onnx_width(item), item.type.tensor_type.elem_type
        if not width or kind not in dtypes:
            raise _no_table(
                f"the graph has {len(inputs)} inputs, and {item.name} is not one or more columns of a table"
            )
        names = [item.name] if width == 1 else [f"{item.name}_{place}" for place in range(width)]
        yield from (Column(name=name, dtype=dtypes[kind]) for name in names)


def _xgboost(path: Path) -> Look:
    needs = (distribution_of("xgboost"),)
    if path.suffix.lower() == ".ubj":
        if not path.read_bytes().startswith(b"{"):
            raise ValueError("it does not begin as UBJSON does")
        return Look(file="model.ubj", kind="xgboost", what="an XGBoost model", needs=needs)
    document = json.loads(path.read_bytes())
    learner = document["learner"]
    version = ".".join(map(str, document.get("version", ())))
    return Look(
        file="model.json",
        kind="xgboost",
        what=f"an XGBoost model ({learner['objective']['name']}), made by XGBoost {version}",
        needs=needs,
        names=tuple(learner.get("feature_names", ())),
        width=int(learner["learner_model_param"]["num_feature"]),
    )


def _lightgbm(path: Path) -> Look:
    head = path.read_text()[: 1 << 22].partition("\nTree=")[0].splitlines()
    if not head or head[0].strip() != "tree":
        raise ValueError("it does not begin as LightGBM's text does")
    values = {name: value for name, _, value in (line.partition("=") for line in head)}
    names = tuple(values.get("feature_names", "").split(" "))
    what = f"a LightGBM model ({values.get('objective', 'no objective').split(' ')[0]})"
    numbered = all(name == f"Column_{place}" for place, name in enumerate(names))
    return Look(
        file="model.txt",
        kind="lightgbm",
        what=what,
        needs=("lightgbm",),
        names=() if numbered else names,
        width=len(names),
    )


def _catboost(path: Path) -> Look:
    """CatBoost's own format: `CBM1`, then a FlatBuffer, of which nothing is read here."""
    with path.open("rb") as stream:
        if stream.read(4) != b"CBM1":
            raise ValueError("it does not begin as CatBoost's own format does")
    return Look(file="model.cbm", kind="catboost", what="a CatBoost model", needs=("catboost", "pandas"))


def _keras(path: Path) -> Look:
    with zipfile.ZipFile(path) as archive:
        metadata, document = (json.loads(member(archive, name)) for name in ("metadata.json", "config.json"))
    version = str(metadata.get("keras_version", ""))
    shape = document.get("build_config", {}).get("input_shape") or []
    return Look(
        file="model.keras",
        kind="handler",
        what=f"a Keras model ({document.get('class_name')}), made by Keras {version}",
        needs=("keras", "numpy", "tensorflow-cpu"),
        versions={"keras": version} if version else {},
        width=int(shape[1]) if len(shape) == 2 and shape[1] else 0,
        handler="keras",
    )


READERS: dict[str, Callable[[Path], Look]] = {
    **dict.fromkeys((".joblib", ".pkl", ".pickle"), _pickled),
    ".skops": _skops,
    ".onnx": _onnx,
    **dict.fromkeys((".ubj", ".json"), _xgboost),
    ".txt": _lightgbm,
    ".cbm": _catboost,
    **dict.fromkeys((".pt", ".pt2", ".pth"), look_torch),
    ".safetensors": look_weights,
    ".keras": _keras,
}
