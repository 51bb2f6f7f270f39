"""fogbank's own files by room: all of a room's, nothing of another's, and a digest that names them."""

from __future__ import annotations

from fogbank.ground.sources import SOURCE, source_digest, source_files


def test_a_rooms_files_are_all_there_with_the_packages_own_init() -> None:
    files = source_files(["serve", "contracts"])

    assert list(files) == sorted(files)
    assert {name.partition("/")[0] for name in files} == {"__init__.py", "serve", "contracts"}
    assert "serve/__main__.py" in files
    assert set(files) - {"__init__.py"} == {
        str(path.relative_to(SOURCE)) for room in ("serve", "contracts") for path in (SOURCE / room).rglob("*.py")
    }
    assert all(path == SOURCE / name and path.is_file() for name, path in files.items())


def test_the_digest_names_the_files_whatever_the_order_of_the_rooms() -> None:
    one = source_digest(["serve", "contracts"])

    assert one == source_digest(["contracts", "serve"])
    assert one != source_digest(["serve"])
    assert len(one) == 64
