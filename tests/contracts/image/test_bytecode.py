"""Bytecode as if the files lay in the image: no time in it, the image's own paths, and what does not compile has none."""

from __future__ import annotations

import importlib.util
import marshal
import os
import subprocess
import sys
from pathlib import Path

from fogbank.image import bytecode


def compiled(folder: Path) -> None:
    command = [sys.executable, "-I", "-S", bytecode.__file__, str(folder), "/opt/fogbank"]
    subprocess.run(command, check=True)


def cache(source: Path) -> Path:
    return Path(importlib.util.cache_from_source(str(source)))


def test_bytecode_names_the_images_path_and_is_the_same_at_any_time(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name / "p").mkdir(parents=True)
        (tmp_path / name / "p" / "m.py").write_text("def f(): raise ValueError\n")
    os.utime(tmp_path / "two" / "p" / "m.py", (1, 1))
    compiled(tmp_path / "one")
    compiled(tmp_path / "two")

    data = cache(tmp_path / "one" / "p" / "m.py").read_bytes()
    assert data == cache(tmp_path / "two" / "p" / "m.py").read_bytes()
    assert data[:4] == importlib.util.MAGIC_NUMBER
    assert int.from_bytes(data[4:8], "little") == 1, "by hash, and unchecked (PEP 552)"
    assert marshal.loads(data[16:]).co_filename == "/opt/fogbank/p/m.py"  # noqa: S302 - written a moment ago


def test_templates_and_developers_tools_have_none_and_stop_nothing(tmp_path: Path) -> None:
    for name in ("p/broken.py", "p/good.py", "p/f2py/tool.py", "tools/own.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("def (\n" if "broken" in name else "x = 1\n")
    compiled(tmp_path)

    assert not cache(tmp_path / "p/broken.py").exists()
    assert not cache(tmp_path / "p/f2py/tool.py").exists()
    assert cache(tmp_path / "p/good.py").exists()
    assert cache(tmp_path / "tools/own.py").exists(), "a package of that name is somebody's own"
