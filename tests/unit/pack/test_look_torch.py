"""A program of torch.export says which tables it takes, of what type, how many rows at a time, and who made it."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from fogbank.contracts.errors import PackageError
from fogbank.pack.look import look_at
from fogbank.pack.looked import Look, Table
from fogbank.project.scaffolding.adoption import adopt
from fogbank.project.workplace.events import Steps, ignore

FREE, DOUBLE, FLOAT, LONG = "free", 8, 7, 5


def program(file: Path, version: str = "2.15.0+cpu", **inputs: tuple[list[Any], int]) -> Path:
    """An archive as PyTorch 2.15 writes it, as far as it is looked at; sizes that are no number are free."""
    tensors = {
        name: {
            "dtype": dtype,
            "sizes": [{"as_int": size} if isinstance(size, int) else {"as_expr": {}} for size in sizes],
        }
        for name, (sizes, dtype) in inputs.items()
    }
    specs = [
        {"parameter": {"arg": {"name": "p_weight"}}},
        *({"user_input": {"arg": {"as_tensor": {"name": name}}}} for name in inputs),
    ]
    module = {"signature": {"input_specs": specs}, "graph": {"tensor_values": tensors}}
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("m/models/model.json", json.dumps({"graph_module": module, "torch_version": version}))
        archive.writestr("m/data/weights/model_weights_config.json", "{}")
    return file


def looked(folder: Path, version: str = "2.15.0+cpu", **inputs: tuple[list[Any], int]) -> Look:
    return look_at(program(folder / "m.pt2", version, **inputs))


@pytest.mark.parametrize(
    ("version", "pinned"),
    [("2.15.0+cu132", "2.15.0"), ("2.9.1", "2.9.1"), ("2.16.0a0+git12", ""), ("2.16.0.dev2026", ""), ("", "")],
)
def test_the_release_that_made_it_is_pinned(tmp_path: Path, version: str, pinned: str) -> None:
    look = looked(tmp_path, version, x=([FREE, 4], FLOAT))
    assert look.versions == ({"torch": pinned} if pinned else {})
    assert look.width == 4


def test_several_inputs_are_columns_side_by_side(tmp_path: Path) -> None:
    look = looked(tmp_path, ids=([FREE, 1], LONG), flag=([FREE], 12), x=([FREE, 2], DOUBLE))
    assert [(column.name, column.dtype) for column in look.columns] == [
        ("ids", "integer"), ("flag", "boolean"), ("x_0", "float"), ("x_1", "float"),
    ]  # fmt: skip
    assert look.tables == (
        Table(name="ids", first=0, width=1, dtype="int64"),
        Table(name="flag", first=1, width=1, dtype="bool", flat=True),
        Table(name="x", first=2, width=2, dtype="float64"),
    )


@pytest.mark.parametrize(("size", "batch"), [(FREE, 0), (1, 1), (3, 3)])
def test_a_program_of_so_many_rows_at_a_time_is_asked_by_them(tmp_path: Path, size: Any, batch: int) -> None:
    file = program(tmp_path / "m.pt2", x=([size, 4], FLOAT))
    assert look_at(file).batch == batch

    told: list[str] = []
    adopt("net", file, None, tmp_path / "net", Steps(lambda event: told.append(str(event))), lambda _: False)

    handler = (tmp_path / "net" / "handlers" / "inference.py").read_text()
    compile(handler, "inference.py", "exec")
    assert (f"BATCH = {batch}\n" in handler) is (batch > 0)
    assert any("at a time" in line for line in told) is (batch > 0)
    assert (tmp_path / "net" / "requirements.txt").read_text() == "numpy\ntorch==2.15.0\n"
    schema = json.loads((tmp_path / "net" / "model" / "schema.json").read_text())
    assert [column["name"] for column in schema["input"]["columns"]] == ["c0", "c1", "c2", "c3"]


def test_an_input_of_any_width_asks_for_rows(tmp_path: Path) -> None:
    look = looked(tmp_path, x=([FREE, FREE], FLOAT))
    assert (look.width, look.tables) == (0, ())
    with pytest.raises(PackageError, match="does not say which columns"):
        adopt("net", tmp_path / "m.pt2", None, tmp_path / "net", Steps(ignore), lambda _: False)


def test_images_are_no_table_and_say_their_shape(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match="x of any x 3 x 8 x 8, which is no table") as caught:
        looked(tmp_path, x=([FREE, 3, 8, 8], FLOAT))
    assert caught.value.code == "model-inputs"


def test_a_single_number_among_the_inputs_is_no_table(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match="no dimension") as caught:
        looked(tmp_path, x=([FREE, 4], FLOAT), temperature=([], FLOAT))
    assert caught.value.code == "model-inputs"


@pytest.mark.parametrize(
    ("name", "size"), [("x\nimport os", FREE), ("x y", FREE), ("x", "1\nimport os"), ("x", 1.5), ("x", True)]
)
def test_names_and_sizes_that_pytorch_writes_nowhere_are_no_code_in_the_handler(
    tmp_path: Path, name: str, size: Any
) -> None:
    file = tmp_path / "m.pt2"
    program(file, "2.15.0", **{name: ([FREE, 4], FLOAT)})
    with zipfile.ZipFile(file) as archive:
        document = archive.read("m/models/model.json").decode()
    document = document.replace('{"as_expr": {}}', json.dumps({} if size == FREE else {"as_int": size}))
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("m/models/model.json", document)
    with pytest.raises(PackageError, match="none that PyTorch writes") as caught:
        look_at(file)
    assert caught.value.code == "model-unreadable"
