"""Which files travel with a handler, and with a pickle: those that Python itself would look for, and no others."""

from __future__ import annotations

from pathlib import Path

import pytest

from fogbank.contracts.errors import PackageError
from fogbank.pack.code import code_files, data_files, defines

H = "handlers/inference.py"


def written(root: Path, files: dict[str, str]) -> Path:
    """A project of these files; its handler."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root / H


@pytest.mark.parametrize(
    ("files", "places"),
    [
        ({H: "from utils import f", "handlers/utils.py": ""}, ["inference.py", "utils.py"]),
        (
            {H: "import feats", "feats/__init__.py": "from .a import f", "feats/a.py": "from . import b", "feats/b.py": ""},
            ["feats/__init__.py", "feats/a.py", "feats/b.py", "inference.py"],
        ),
        (
            {H: "from feats.a import f", "feats/__init__.py": "", "feats/a.py": "def f():\n    from .b import g", "feats/b.py": ""},
            ["feats/__init__.py", "feats/a.py", "feats/b.py", "inference.py"],
        ),
        (
            {H: "from p.q.a import f", "p/__init__.py": "", "p/q/__init__.py": "", "p/q/a.py": "from ..c import g\nfrom .. import d",
             "p/c.py": "", "p/d.py": "", "p/e.py": ""},
            ["inference.py", "p/__init__.py", "p/c.py", "p/d.py", "p/q/__init__.py", "p/q/a.py"],
        ),
        (
            {H: "from feats.a import f", "src/feats/__init__.py": "", "src/feats/a.py": ""},
            ["feats/__init__.py", "feats/a.py", "inference.py"],
        ),
        (
            {H: "import importlib\nimportlib.import_module('feats.a')", "feats/__init__.py": "", "feats/a.py": ""},
            ["feats/__init__.py", "feats/a.py", "inference.py"],
        ),
        ({H: "import json, types", "json.py": "", "handlers/types.py": ""}, ["inference.py"]),
        (
            {H: "", "handlers/labels.json": "{}", "handlers/data/more.txt": "", "handlers/.env": "", "handlers/other.py": ""},
            ["data/more.txt", "inference.py", "labels.json"],
        ),
        (
            {H: "import feats.a", "feats/a.py": "open('table.csv'), P / 'deep' / 'x.txt'", "feats/table.csv": "",
             "feats/train.csv": "", "feats/deep/x.txt": "", "feats/deep/y.txt": ""},
            ["feats/a.py", "feats/deep/x.txt", "feats/table.csv", "inference.py"],
        ),
        ({H: "import feats.a", "feats/a.py": "open('../../outside.txt'), '.', '/etc/passwd'"}, ["feats/a.py", "inference.py"]),
    ],
)  # fmt: skip
def test_what_travels(tmp_path: Path, files: dict[str, str], places: list[str]) -> None:
    (tmp_path / "outside.txt").touch()
    root = tmp_path / "project"
    handler = written(root, files)
    code = code_files(handler, root)

    assert sorted({**code, **data_files(code, handler, root)}) == places


def test_one_name_for_two_modules_and_requirements_beside_the_handler_are_refused(tmp_path: Path) -> None:
    handler = written(tmp_path, {H: "import utils", "handlers/utils.py": "", "utils.py": ""})
    with pytest.raises(PackageError, match=r"the module utils is both handlers/utils.py and utils.py"):
        code_files(handler, tmp_path)
    (tmp_path / "utils.py").unlink()
    (tmp_path / "handlers" / "requirements.txt").write_text("six\n")
    with pytest.raises(PackageError) as caught:
        data_files(code_files(handler, tmp_path), handler, tmp_path)
    assert caught.value.code == "requirements-elsewhere"


def test_a_pickles_modules_travel_without_a_handler_too(tmp_path: Path) -> None:
    written(tmp_path, {"model/trans.py": "from model.base import B", "model/base.py": "", "model/train.py": ""})

    assert list(code_files(None, tmp_path, ["model.trans"])) == ["model/base.py", "model/trans.py"]


def test_functions_are_found_where_they_are_defined_imported_or_assigned(tmp_path: Path) -> None:
    code = "from x import predict_fn as input_fn\nmodel_fn = print\nasync def output_fn(): ...\n"
    handler = written(tmp_path, {H: code})

    names = ("input_fn", "model_fn", "output_fn", "predict_fn")
    assert [defines(handler, name) for name in names] == [True, True, True, False]


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbfimport helper\n",
        "# -*- coding: latin-1 -*-\nNAME = 'K\xf6ln'\nimport helper\n".encode("latin-1"),
        b"import os\r\nimport helper\r\n",
    ],
)
def test_a_source_file_has_the_encoding_that_python_reads_it_in(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "inference.py").write_bytes(data)
    (tmp_path / "helper.py").write_text("")

    assert list(code_files(tmp_path / "inference.py", tmp_path)) == ["helper.py", "inference.py"]
