"""What a lock or requirements come to: environments and images by uv, from addresses and from what is installed."""

from __future__ import annotations

import subprocess
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib import metadata
from pathlib import Path
from threading import Thread

import pytest

from fogbank.cloud.hosting.environment import DependencyError, Environments
from fogbank.contracts.dependencies import Pin, Target, WheelFile
from fogbank.contracts.errors import PackageError
from fogbank.ground.digest import sha256_file
from fogbank.image.wheels import choose_wheels, install
from fogbank.pack.lock import read_lock
from fogbank.pack.resolve import requirement_lines, resolve

TARGET = Target(platform="linux/amd64", python="3.11")
HASH = "b" * 64


@pytest.fixture
def index(tmp_path: Path) -> Iterator[str]:
    """A server of files with a wheel of a distribution that only it has."""
    folder = tmp_path / "index"
    folder.mkdir()
    with zipfile.ZipFile(folder / "only_here-2.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("only_here.py", "WHERE = 'here'\n")
        wheel.writestr("only_here-2.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: only-here\nVersion: 2.0\n")
        wheel.writestr(
            "only_here-2.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr("only_here-2.0.dist-info/RECORD", "")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Silent, directory=str(folder)))
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


class Silent(SimpleHTTPRequestHandler):
    """It keeps no log."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base's
        return


def test_an_environment_and_an_image_take_the_wheel_from_its_address_by_its_hash(tmp_path: Path, index: str) -> None:
    name = "only_here-2.0-py3-none-any.whl"
    digest = sha256_file(tmp_path / "index" / name)

    python = Environments(tmp_path / "environments", lambda: ()).python_for(
        [f"only-here @ {index}/{name} --hash=sha256:{digest}"]
    )
    assert list(python.parents[3].rglob("only_here.py"))
    with pytest.raises(DependencyError, match=r"(?i)hash"):
        Environments(tmp_path / "environments", lambda: ()).python_for(
            [f"only-here @ {index}/{name} --hash=sha256:{HASH}"]
        )

    file = WheelFile(filename=name, sha256=digest, url=f"{index}/{name}")
    wheels = choose_wheels([Pin(name="only-here", version="2.0", wheels=(file,))], TARGET, tmp_path / "cache")
    install(wheels, TARGET, tmp_path / "tree")
    assert (tmp_path / "tree" / "only_here.py").is_file()


def test_requirements_without_hashes_are_locked_to_what_is_installed_where_they_allow_it(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("# what we need\njoblib  # for the model\nnumpy \\\n  >=2\n-e .\n")
    source = read_lock(tmp_path, ["joblib"])
    assert source is not None
    pins = resolve(["joblib", "numpy"], source, TARGET.markers())

    assert {pin.name: pin.version for pin in pins}.items() >= {
        name: metadata.version(name) for name in ("joblib", "numpy")
    }.items()
    assert all("--hash=sha256:" in line for line in requirement_lines(pins, TARGET.python))


def test_requirements_that_ask_for_another_version_get_it(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("joblib==1.4.2\n")
    source = read_lock(tmp_path)
    assert source is not None

    assert [str(pin) for pin in resolve(["joblib"], source, TARGET.markers())] == ["joblib==1.4.2"]


def test_a_hash_among_lines_without_is_held_to(tmp_path: Path) -> None:
    """pip-compile writes an index above its lines, which are no lock then: their hashes count all the same."""
    version = metadata.version("joblib")
    (tmp_path / "requirements.txt").write_text(f"numpy\njoblib=={version} --hash=sha256:{HASH}\n")

    with pytest.raises(PackageError) as caught:
        read_lock(tmp_path)

    assert (caught.value.code, "hashes of joblib" in caught.value.cause) == ("requirements-unresolved", True)


def test_an_environment_resolves_what_is_not_locked_as_pip_does(tmp_path: Path) -> None:
    python = Environments(tmp_path, lambda: ("six==1.17.0",)).python_for(
        ["python-dateutil==2.9.0.post0", "--only-binary=:all:"]
    )

    installed = {path.name.partition("-")[0] for path in python.parents[3].rglob("*.dist-info")}
    assert installed == {"python_dateutil", "six"}
    # another version of fogbank installs nothing again, has its own code, and takes nobody's away
    other = Environments(tmp_path, lambda: ("six==1.17.0",), ("contracts",)).python_for(
        ["python-dateutil==2.9.0.post0", "--only-binary=:all:"]
    )
    assert (other != python, other.parents[3]) == (True, python.parents[3])
    code = "import importlib.util as u, dateutil, fogbank.contracts, sys; print(u.find_spec('fogbank.serve') is None, sys.prefix, dateutil.__file__)"
    for environment, lacks in ((python, "False"), (other, "True")):
        said = subprocess.run(
            [environment, "-P", "-c", code], check=True, capture_output=True, text=True
        ).stdout.split()
        assert said[:2] == [lacks, str(environment.parents[1])]
        assert Path(said[2]).is_relative_to(environment.parents[3])


def test_what_is_left_of_an_environment_is_made_anew(tmp_path: Path) -> None:
    environments = Environments(tmp_path, lambda: (), ("contracts",))
    python = environments.python_for([])
    for program in (python, python.parents[3] / "bin" / "python"):
        program.unlink()
        (program.parents[1] / "left").mkdir()

        assert environments.python_for([]) == python
        assert subprocess.run([python, "-c", "import fogbank.contracts"], check=False).returncode == 0
        assert not (program.parents[1] / "left").exists()
    assert not list(tmp_path.glob("build-*"))
