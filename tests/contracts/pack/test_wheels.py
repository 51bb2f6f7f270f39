"""What is locked without a wheel is built from the very sources that the lock names, behind a wall, and travels with the package."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import platform
import shutil
import subprocess
import sysconfig
import tarfile
import textwrap
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from fogbank.cloud.hosting.environment import DependencyError, Environments
from fogbank.contracts.dependencies import PACKAGED, Pin, Target
from fogbank.contracts.errors import PackageError
from fogbank.ground.digest import sha256_bytes, sha256_file
from fogbank.ground.walls import obstacle
from fogbank.image.wheels import choose_wheels, install
from fogbank.pack import build, read_trained
from fogbank.pack.building import VERSION_BY_GIT
from fogbank.pack.lock import Installed, read_lock
from fogbank.pack.locked import Locked
from fogbank.pack.resolve import requirement_lines, resolve
from fogbank.pack.wheels import Wheels
from tests.fakes.probe import Probe
from tests.projects import BASELINE, uncompiled_project

TARGET = Target(platform="linux/amd64", python="3.11")
BACKEND = """
    import base64, hashlib, os, pathlib, socket, zipfile

    def seen():
        connected = {}
        for place in FOLDERS:
            connected[place] = pathlib.Path(place).exists() and sorted(os.listdir(place))
        try:
            socket.create_connection(("127.0.0.1", PORT), 5).close()
            connected["network"] = True
        except OSError:
            connected["network"] = False
        return {"environment": sorted(os.environ), "home": os.listdir(os.environ["HOME"]), **connected}

    def build_wheel(folder, config_settings=None, metadata_directory=None):
        name = f"{NAME}-{VERSION}-py3-none-any.whl"
        info = f"{NAME}-{VERSION}.dist-info"
        files = {
            f"{NAME}.py": pathlib.Path("code.txt").read_text() + f"SEEN = {seen()!r}\\n",
            f"{info}/METADATA": f"Metadata-Version: 2.1\\nName: {NAME.replace('_', '-')}\\nVersion: {VERSION}\\n",
            f"{info}/WHEEL": "Wheel-Version: 1.0\\nGenerator: own\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
        }
        record = "".join(
            f"{path},sha256={base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip('=')},{len(text)}\\n"
            for path, text in files.items()
        )
        with zipfile.ZipFile(pathlib.Path(folder) / name, "w") as wheel:
            for path, text in {**files, f"{info}/RECORD": record}.items():
                wheel.writestr(zipfile.ZipInfo(path), text)
        return name
"""
"""A backend that tells what it has seen of the machine in the module that it builds."""
BACKEND = textwrap.dedent(BACKEND).replace("\\\\n", "\\n")


def sources(folder: Path, *, name: str = "only_here", requires: str = "", word: str = "sources", port: int = 1) -> Path:
    """A source tree whose backend lies in it, or is what it requires."""
    folder.mkdir(parents=True)
    secrets = [str(Path.home()), str(folder.parent)]
    backend = f"NAME, VERSION, PORT, FOLDERS = {name!r}, '2.0', {port}, {secrets!r}\n{BACKEND}"
    own = "" if requires else "backend-path = ['.']\n"
    (folder / "own_backend.py").write_text("" if requires else backend)
    (folder / "pyproject.toml").write_text(
        f"[project]\nname = {name!r}\nversion = '2.0'\n[build-system]\nrequires = [{requires!r}]\n".replace(
            "['']", "[]"
        )
        + f"build-backend = {'lent_backend' if requires else 'own_backend'!r}\n{own}"
    )
    (folder / "code.txt").write_text(f"WHERE = {word!r}\n")
    return folder


def sdist(tree: Path, file: Path) -> str:
    """An archive of sources (PEP 625); its SHA-256."""
    with tarfile.open(file, "w:gz") as archive:
        archive.add(tree, arcname="only_here-2.0")
    return sha256_file(file)


def wheel_of(name: str, code: str, version: str = "1.0") -> bytes:
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": code,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: own\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    lines = (
        f"{path},sha256={base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip('=')},{len(text)}\n"
        for path, text in files.items()
    )
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as wheel:
        for path, text in {**files, f"{info}/RECORD": "".join(lines)}.items():
            wheel.writestr(path, text)
    return file.getvalue()


class Index:
    """A folder that loopback serves: files, and pages of names (PEP 503); what was asked for is in `asked`."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.asked = folder, list[str]()
        folder.mkdir()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Told, self.asked, directory=str(folder)))
        self.port = self._server.server_port
        self.address = f"http://127.0.0.1:{self.port}"
        Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def page(self, name: str, file: str, data: bytes) -> None:
        (self.folder / file).write_bytes(data)
        page = self.folder / "simple" / name / "index.html"
        page.parent.mkdir(parents=True, exist_ok=True)
        with page.open("a") as stream:
            stream.write(f'<a href="{self.address}/{file}#sha256={sha256_bytes(data)}">{file}</a>')

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Told(SimpleHTTPRequestHandler):
    """It keeps what it was asked for, and no log."""

    def __init__(self, asked: list[str], *args: Any, directory: str) -> None:
        self._asked = asked
        super().__init__(*args, directory=directory)

    def do_GET(self) -> None:
        self._asked.append(self.path)
        super().do_GET()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base's
        return


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    index = Index(tmp_path / "index")
    yield index
    index.close()


@pytest.fixture
def root(tmp_path: Path, index: Index) -> Path:
    """A project whose index is the one on loopback, and no other."""
    root = tmp_path / "project"
    root.mkdir()
    (root / "pyproject.toml").write_text(
        f'[project]\nname = "ours"\nversion = "0"\n[[tool.uv.index]]\nurl = "{index.address}/simple"\ndefault = true\n'
    )
    return root


def lock(root: Path, source: str, files: str = "", name: str = "only-here") -> None:
    (root / "uv.lock").write_text(
        f'version = 1\nrequires-python = ">=3.11"\n[[package]]\nname = "{name}"\nversion = "2.0"\nsource = {{ {source} }}\n{files}\n'
    )


def made(root: Path, name: str = "only-here") -> tuple[Pin, ...]:
    source = read_lock(root)
    assert source is not None
    return Wheels(root, root / ".fogbank", source).of(resolve([name], source, TARGET.markers()))


def content(pin: Pin) -> dict[str, Any]:
    """The module of a pin's wheel, as it was built."""
    (file,) = pin.wheels
    assert sha256_file(Path(file.path)) == file.sha256
    names: dict[str, Any] = {}
    with zipfile.ZipFile(file.path) as wheel:
        exec(wheel.read(f"{pin.name.replace('-', '_')}.py"), names)  # noqa: S102 - this test's own
    return names


def seen(pin: Pin) -> dict[str, Any]:
    said = content(pin)["SEEN"]
    assert isinstance(said, dict)
    return said


def test_a_locked_sdist_is_built_from_its_bytes_with_what_it_needs_from_the_projects_own_index(
    tmp_path: Path, root: Path, index: Index
) -> None:
    backend = f"NAME, VERSION, PORT, FOLDERS = 'only_here', '2.0', {index.port}, [{str(root)!r}]\n{BACKEND}"
    index.page("lent-backend", "lent_backend-1.0-py3-none-any.whl", wheel_of("lent_backend", backend))
    tree = sources(tmp_path / "tree", requires="lent-backend")
    digest = sdist(tree, index.folder / "only_here-2.0.tar.gz")
    address = f"{index.address}/only_here-2.0.tar.gz"
    lock(root, f'registry = "{index.address}/simple"', f'sdist = {{ url = "{address}", hash = "sha256:{digest}" }}')
    (root / "secret.txt").write_text("nobody's")

    (pin,) = made(root)

    assert content(pin)["WHERE"] == "sources"
    assert requirement_lines([pin], "3.11") == [
        f"only-here @ {PACKAGED}only_here-2.0-py3-none-any.whl --hash=sha256:{pin.wheels[0].sha256}"
    ]
    said = seen(pin)
    known = {
        "HOME",
        "LANG",
        "PATH",
        "PYTHONDONTWRITEBYTECODE",
        "PYTHONHASHSEED",
        "PYTHONUNBUFFERED",
        "SOURCE_DATE_EPOCH",
        "TMPDIR",
        *VERSION_BY_GIT,
    }
    assert (set(said["environment"]) - {"LC_CTYPE", "PWD"}, said["home"]) == (known, [])
    if not obstacle():
        assert (said["network"], said[str(root)]) == (False, [".fogbank"])
    (record,) = (json.loads(path.read_text()) for path in (root / ".fogbank" / "wheels").glob("*.json"))
    wheel = sha256_file(index.folder / "lent_backend-1.0-py3-none-any.whl")
    assert record["needed"] == [f"lent-backend==1.0 --hash=sha256:{wheel}"]
    asked = len(index.asked)
    assert made(root) == (pin,)
    assert len(index.asked) == asked, "it is made once"


def test_an_sdist_of_other_bytes_than_were_locked_is_refused(tmp_path: Path, root: Path, index: Index) -> None:
    digest = sdist(sources(tmp_path / "tree"), index.folder / "only_here-2.0.tar.gz")
    sdist(sources(tmp_path / "other", word="changed"), index.folder / "only_here-2.0.tar.gz")
    lock(
        root,
        f'url = "{index.address}/only_here-2.0.tar.gz"',
        f'sdist = {{ url = "{index.address}/only_here-2.0.tar.gz", hash = "sha256:{digest}" }}',
    )

    with pytest.raises(PackageError) as caught:
        made(root)

    assert caught.value.code == "source-hash-differs"
    assert not list((root / ".fogbank" / "wheels").glob("*.whl"))


@pytest.mark.parametrize("kind", ["directory", "editable"])
def test_a_folder_and_a_member_of_a_workspace_are_built_and_never_taken_from_an_index(
    root: Path, index: Index, kind: str
) -> None:
    index.page("only-here", "only_here-2.0-py3-none-any.whl", wheel_of("only_here", "WHERE = 'the index'\n"))
    tree = sources(root / "packages" / "only_here", port=index.port)
    (tree / "build").mkdir()
    (tree / "build" / "left.py").write_text("")
    lock(root, f'{kind} = "packages/only_here"')

    (pin,) = made(root)

    assert (content(pin)["WHERE"], pin.version) == ("sources", "2.0")
    assert not index.asked
    (tree / "code.txt").write_text("WHERE = 'edited'\n")
    (edited,) = made(root)
    assert content(edited)["WHERE"] == "edited"
    assert edited.wheels[0].sha256 != pin.wheels[0].sha256


def test_a_folder_that_tells_its_version_when_it_is_built(root: Path) -> None:
    sources(root / "libs" / "only_here")
    lock(root, 'editable = "libs/only_here"')
    (root / "uv.lock").write_text((root / "uv.lock").read_text().replace('version = "2.0"\n', ""))

    assert [str(pin) for pin in made(root)] == ["only-here==2.0"]


def git(folder: Path, *arguments: str) -> str:
    own = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main"]
    return subprocess.run(
        ["git", *own, *arguments], cwd=folder, check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> tuple[Path, str]:
    """A bare repository, and its first commit, upon which there is another."""
    work = tmp_path / "work"
    backend = sources(work / "libs" / "only_here") / "own_backend.py"
    backend.write_text(
        f"{backend.read_text()}\nVERSION = os.environ.get('SETUPTOOLS_SCM_PRETEND_VERSION', '0.1.dev1')\n"
    )
    git(work, "init", "--quiet")
    git(work, "add", ".")
    git(work, "commit", "--quiet", "-m", "first")
    commit = git(work, "rev-parse", "HEAD")
    (work / "libs" / "only_here" / "code.txt").write_text("WHERE = 'later'\n")
    git(work, "commit", "--quiet", "-am", "second")
    git(tmp_path, "clone", "--quiet", "--bare", str(work), "bare.git")
    return tmp_path / "bare.git", commit


def test_a_repository_is_built_at_the_commit_that_is_locked_in_the_version_that_is_locked(
    root: Path, repository: tuple[Path, str]
) -> None:
    bare, commit = repository
    lock(root, f'git = "file://{bare}?subdirectory=libs%2Fonly_here&rev=main#{commit}"')

    assert content(*made(root))["WHERE"] == "sources"


def test_a_pylock_names_a_repository_as_well(root: Path, repository: tuple[Path, str]) -> None:
    bare, commit = repository
    vcs = f'{{ type = "git", url = "file://{bare}", commit-id = "{commit}", subdirectory = "libs/only_here" }}'
    (root / "pylock.toml").write_text(
        f'lock-version = "1.0"\n[[packages]]\nname = "only-here"\nversion = "2.0"\nvcs = {vcs}\n'
    )
    source = read_lock(root)
    assert source is not None
    with pytest.raises(PackageError) as caught:
        made(root)
    assert caught.value.code == "dependency-graph-unknown", "this format says nothing of what it needs"


def test_a_commit_that_is_not_there_is_refused(root: Path, repository: tuple[Path, str]) -> None:
    lock(root, f'git = "file://{repository[0]}#{"a" * 40}"')

    with pytest.raises(PackageError) as caught:
        made(root)

    assert caught.value.code == "source-unreachable"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ("raise RuntimeError('no compiler')\n", "source-unbuildable"),
        ("build_wheel = lambda *_: '../only_here-2.0-py3-none-any.whl'\n", "source-unbuildable"),
        ("VERSION = '3.0'\n", "source-misnamed"),
        ("NAME = 'other'\n", "source-misnamed"),
        ("get_requires_for_build_wheel = lambda *_: ['a @ file:///a.whl']\n", "source-unbuildable"),
        ("get_requires_for_build_wheel = lambda *_: [1]\n", "source-unbuildable"),
        ("get_requires_for_build_wheel = lambda *_: 'setuptools'\n", "source-unbuildable"),
        ("build_wheel = lambda *_: 7\n", "source-unbuildable"),
        ("build_wheel = lambda *_: 'x' * (1 << 21)\n", "source-unbuildable"),
    ],
)
def test_what_cannot_be_built_or_is_something_else_is_told(root: Path, change: str, code: str) -> None:
    backend = sources(root / "libs" / "only_here") / "own_backend.py"
    backend.write_text(f"{backend.read_text()}\n{change}")
    lock(root, 'directory = "libs/only_here"')

    with pytest.raises(PackageError) as caught:
        made(root)

    assert caught.value.code == code
    if "compiler" in change:
        assert "no compiler" in caught.value.cause
    assert not [path for path in (root / ".fogbank").iterdir() if path.name.startswith("wheel-")]


def test_what_building_needs_is_taken_as_wheels_alone(tmp_path: Path, root: Path, index: Index) -> None:
    (tmp_path / "lent").mkdir()
    sdist(sources(tmp_path / "lent" / "tree", name="lent_backend"), index.folder / "lent_backend-2.0.tar.gz")
    index.page("lent-backend", "lent_backend-2.0.tar.gz", (index.folder / "lent_backend-2.0.tar.gz").read_bytes())
    sources(root / "libs" / "only_here", requires="lent-backend")
    lock(root, 'directory = "libs/only_here"')

    with pytest.raises(PackageError) as caught:
        made(root)

    assert (caught.value.code, "as wheels" in caught.value.cause) == ("source-unbuildable", True)


FIXED = ("wheel", "build.txt", "constraints.txt", "build-locked.txt", "locked.txt", "asked.txt", "own", "out", "answer")
PLANT = f"""
def planted():
    for folder in list(pathlib.Path(os.environ['HOME']).parents)[:4]:
        for name in {FIXED!r}:
            try:
                (folder / name).symlink_to(VICTIM)
            except OSError:
                pass

def get_requires_for_build_wheel(*_):
    planted()
    return ['lent-backend']

own_wheel = build_wheel
def build_wheel(folder, *_):
    planted()
    return own_wheel(folder)
"""
"""A backend that leaves links wherever it can, under the names of this side's files."""


def test_a_backend_leads_nothing_that_this_side_writes_to_a_file_of_the_users(root: Path, index: Index) -> None:
    index.page("lent-backend", "lent_backend-1.0-py3-none-any.whl", wheel_of("lent_backend", ""))
    victim = root / "secret.txt"
    victim.write_text("the user's")
    backend = sources(root / "libs" / "only_here") / "own_backend.py"
    backend.write_text(f"{backend.read_text()}\nVICTIM = {str(victim)!r}\n{PLANT}")
    lock(root, 'directory = "libs/only_here"')

    (pin,) = made(root)

    assert victim.read_text() == "the user's"
    assert content(pin)["WHERE"] == "sources"


@pytest.mark.parametrize(
    "left",
    [
        "out.rename(home / 'w'); out.symlink_to(home / 'w')",
        "out.rename(home / 'w'); os.link(home / 'w', home / 'x'); shutil.copy(home / 'w', out); os.link(out, out.with_name('y'))",
        "out.unlink(); os.mkfifo(out)",
        "out.unlink(); out.mkdir()",
        "out.unlink(); out.symlink_to(SECRET)",
        "(pathlib.Path(folder).parent / 'answer' / 'build_wheel.json').symlink_to(home / 'answer')",
    ],
)
def test_what_a_backend_leaves_is_taken_as_a_file_of_its_own_and_by_no_link(root: Path, left: str) -> None:
    (root / "secret.txt").write_bytes(wheel_of("only_here", "", "2.0"))
    backend = sources(root / "libs" / "only_here") / "own_backend.py"
    wrapped = f"""
import shutil
SECRET = {str(root / "secret.txt")!r}
own_wheel = build_wheel
def build_wheel(folder, *_):
    name, home = own_wheel(folder), pathlib.Path(os.environ['HOME'])
    out = pathlib.Path(folder) / name
    {left}
    return name
"""
    backend.write_text(backend.read_text() + wrapped)
    lock(root, 'directory = "libs/only_here"')

    with pytest.raises(PackageError) as caught:
        made(root)

    assert caught.value.code == "source-unbuildable"


@pytest.mark.parametrize(
    ("requires", "limit", "had"),
    [("setuptools", "", "1.0"), ("setuptools>=2", "", "2.0"), ("setuptools", "setuptools>=2", "2.0"), ("setuptools>=2", "setuptools<2", "")],
)  # fmt: skip
def test_building_has_the_locks_versions_where_it_can_and_the_users_constraints_always(
    root: Path, index: Index, requires: str, limit: str, had: str
) -> None:
    backend = f"NAME, VERSION, PORT, FOLDERS = 'only_here', '2.0', 1, []\n{BACKEND}"
    index.page("lent-backend", "lent_backend-1.0-py3-none-any.whl", wheel_of("lent_backend", backend))
    for version in ("1.0", "2.0"):
        index.page("setuptools", f"setuptools-{version}-py3-none-any.whl", wheel_of("setuptools", "", version))
    tree = sources(root / "libs" / "only_here", requires="lent-backend") / "pyproject.toml"
    tree.write_text(tree.read_text().replace("['lent-backend']", f"['lent-backend', {requires!r}]"))
    own = f'[[package]]\nname = "setuptools"\nversion = "1.0"\nsource = {{ registry = "{index.address}/simple" }}\n'
    lock(root, 'directory = "libs/only_here"', own)
    settings = f"[tool.uv]\nbuild-constraint-dependencies = ['{limit}']\n" if limit else ""
    (root / "pyproject.toml").write_text((root / "pyproject.toml").read_text() + settings)

    if not had:
        with pytest.raises(PackageError, match="as wheels"):
            made(root)
        return
    made(root)
    (record,) = (json.loads(path.read_text()) for path in (root / ".fogbank" / "wheels").glob("*.json"))
    assert [line.split()[0] for line in record["needed"]] == ["lent-backend==1.0", f"setuptools=={had}"]


EXTENSION = """
#include <Python.h>
static PyObject *answer(PyObject *self, PyObject *none) { return PyLong_FromLong(42); }
static PyMethodDef methods[] = {{"answer", answer, METH_NOARGS, ""}, {0}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "fast_here", "", -1, methods};
PyMODINIT_FUNC PyInit_fast_here(void) { return PyModule_Create(&module); }
"""
TAGGED = f"cp311-cp311-linux_{platform.machine()}"
COMPILING = f"""
import subprocess, sysconfig
pure_wheel = build_wheel
def build_wheel(folder, *_):
    pure = pathlib.Path(folder) / pure_wheel(folder)
    wheel = pure.with_name(pure.name.replace('py3-none-any', {TAGGED!r}))
    if pathlib.Path('fast.c').exists():
        subprocess.run(['cc', '-shared', '-fPIC', '-I', sysconfig.get_path('include'), 'fast.c', '-o', 'fast_here.so'], check=True)
    with zipfile.ZipFile(pure) as pure, zipfile.ZipFile(wheel, 'w') as mixed:
        for item in pure.namelist():
            text = pure.read(item).replace(b'py3-none-any', {TAGGED.encode()!r})
            if item.endswith('RECORD'):
                text = b'\\n'.join(line.partition(b',')[0] + b',,' for line in text.splitlines()) + b'\\nfast_here.so,,\\n'
            mixed.writestr(zipfile.ZipInfo(item), text)
        mixed.write('fast_here.so')
    return wheel.name
"""
"""A backend whose wheel has a library, and is named as those are that are built here."""


def compiled_sources(root: Path) -> Path:
    tree = sources(root / "libs" / "only_here")
    (tree / "own_backend.py").write_text((tree / "own_backend.py").read_text() + COMPILING)
    lock(root, 'directory = "libs/only_here"')
    return tree


@pytest.mark.skipif(
    not shutil.which("cc") or not Path(sysconfig.get_path("include"), "Python.h").is_file(),
    reason="no compiler is here",
)
def test_an_extension_that_is_built_here_is_installed_on_its_machine(tmp_path: Path, root: Path) -> None:
    (compiled_sources(root) / "fast.c").write_text(EXTENSION)

    (pin,) = made(root)
    (line,) = requirement_lines([pin], "3.11")

    marker = f"sys_platform == 'linux' and platform_machine == '{platform.machine()}'"
    name = f"only_here-2.0-{TAGGED}.whl"
    assert line == f"only-here @ {PACKAGED}{name} ; {marker} --hash=sha256:{pin.wheels[0].sha256}"
    python = Environments(tmp_path / "environments", lambda: ()).python_for([line], root / ".fogbank" / "wheels")
    said = subprocess.run(
        [python, "-c", "import fast_here; print(fast_here.answer())"], check=True, capture_output=True, text=True
    )
    assert said.stdout == "42\n"


@pytest.mark.parametrize(
    ("strings", "why"),
    [("GLIBC_2.28", ""), ("GLIBC_2.2.5\0GLIBC_2.34", "glibc 2.34"), ("libc.musl-x86_64.so.1", "musl")],
)
def test_a_library_that_asks_for_a_newer_glibc_than_containers_have_is_refused(
    root: Path, strings: str, why: str
) -> None:
    (compiled_sources(root) / "fast_here.so").write_bytes(b"\x7fELF" + bytes((1 << 20) - 8) + strings.encode() + b"\0")

    if not why:
        assert made(root)[0].wheels[0].filename == f"only_here-2.0-{TAGGED}.whl"
        return
    with pytest.raises(PackageError, match=why) as caught:
        made(root)
    assert caught.value.code == "source-unbuildable"


WHEELHOUSE = ("cp310-cp310-manylinux_2_28_x86_64", "cp311-cp311-macosx_11_0_arm64", "cp311-cp311-manylinux_2_28_aarch64",
              "cp311-cp311-manylinux_2_17_x86_64", "cp311-cp311-manylinux_2_28_x86_64")  # fmt: skip


@pytest.mark.parametrize("name", ["uv.lock", "pylock.toml"])
@pytest.mark.parametrize("tags", [WHEELHOUSE, WHEELHOUSE[::-1], WHEELHOUSE[:3]])
def test_of_several_wheels_of_this_machine_the_targets_is_taken_and_none_of_an_indexs(
    root: Path, index: Index, name: str, tags: tuple[str, ...]
) -> None:
    (root / "wheels").mkdir()
    listed = []
    for tag in tags:
        data, file = wheel_of("only_here", f"WHERE = {tag!r}\n", "2.0"), f"only_here-2.0-{tag}.whl"
        (root / "wheels" / file).write_bytes(data)
        listed.append(
            f'{{ path = "{file}", hash = "sha256:{sha256_bytes(data)}" }}'
            if name == "uv.lock"
            else f'{{ path = "wheels/{file}", hashes = {{ sha256 = "{sha256_bytes(data)}" }} }}'
        )
    if name == "uv.lock":
        lock(root, 'registry = "wheels"', f"wheels = [{', '.join(listed)}]")
    else:
        (root / name).write_text(
            f'lock-version = "1.0"\n[[packages]]\nname = "only-here"\nversion = "2.0"\nwheels = [{", ".join(listed)}]\n'
        )
    source = read_lock(root)
    assert source is not None
    (locked,) = source.candidates("only-here")
    known = Known(replace(locked, requires=()))

    if tags == WHEELHOUSE[:3]:
        with pytest.raises(PackageError) as caught:
            resolve(["only-here"], known, TARGET.markers())
        assert caught.value.code == "wheel-missing"
        return
    (pin,) = Wheels(root, root / ".fogbank", source).of(resolve(["only-here"], known, TARGET.markers()))
    assert content(pin)["WHERE"] == WHEELHOUSE[-1]
    assert requirement_lines([pin], "3.11")[0].startswith(
        f"only-here @ {PACKAGED}only_here-2.0-{WHEELHOUSE[-1]}.whl ; "
    )
    assert not index.asked


class Known:
    """A source of one version."""

    name = "a lock"

    def __init__(self, locked: Locked) -> None:
        self._locked = locked

    def candidates(self, name: str) -> tuple[Locked, ...]:
        return (self._locked,) if name == self._locked.name else ()


@pytest.mark.parametrize("kind", ["path", "registry"])
def test_a_wheel_of_this_machine_travels_by_its_hash(root: Path, kind: str) -> None:
    (root / "wheels").mkdir()
    data = wheel_of("only_here", "WHERE = 'a wheel'\n")
    file = root / "wheels" / "only_here-1.0-py3-none-any.whl"
    file.write_bytes(data)
    digest = sha256_bytes(data)
    place, key = ("wheels/" + file.name, "filename") if kind == "path" else ("wheels", "path")
    lock(root, f'{kind} = "{place}"', f'wheels = [{{ {key} = "{file.name}", hash = "sha256:{digest}" }}]')
    (root / "uv.lock").write_text((root / "uv.lock").read_text().replace('version = "2.0"', 'version = "1.0"'))

    (pin,) = made(root)

    assert (content(pin)["WHERE"], pin.wheels[0].sha256) == ("a wheel", digest)
    file.write_bytes(wheel_of("only_here", "WHERE = 'another'\n"))
    read = read_lock(root)
    assert read is not None
    with pytest.raises(PackageError, match="SHA-256"):
        Wheels(root, root / "fresh", read).of(resolve(["only-here"], read, TARGET.markers()))


def test_an_environment_and_an_image_take_the_wheel_that_came_with_the_package(tmp_path: Path, root: Path) -> None:
    sources(root / "libs" / "only_here")
    lock(root, 'directory = "libs/only_here"')
    (pin,) = made(root)
    lines, folder = requirement_lines([pin], "3.11"), root / ".fogbank" / "wheels"
    environments = Environments(tmp_path / "environments", lambda: ())

    python = environments.python_for(lines, folder)
    said = subprocess.run(
        [python, "-c", "import only_here; print(only_here.WHERE)"], check=True, capture_output=True, text=True
    )
    assert said.stdout == "sources\n"

    chosen = choose_wheels([pin], TARGET, tmp_path / "cache")
    install(chosen, TARGET, tmp_path / "tree")
    assert (tmp_path / "tree" / "only_here.py").is_file()
    assert chosen[0].requirement == lines[0]
    digest = pin.wheels[0].sha256
    for line, wheels in (
        (lines[0], None),
        (lines[0].replace("only_here-2.0", "../only_here-2.0"), folder),
        (lines[0].replace(PACKAGED, f"{folder.as_uri()}/"), folder),
        (lines[0].replace(digest, "b" * 64), folder),
        (lines[0].replace(f" --hash=sha256:{digest}", ""), folder),
    ):
        with pytest.raises(DependencyError):
            environments.python_for([line], wheels)


def test_the_wheel_is_in_the_package_by_its_digest(tmp_path: Path) -> None:
    config = uncompiled_project(tmp_path / "project")
    sources(config.root / "libs" / "only_here")
    locked = [
        f'[[package]]\nname = "{pin.name}"\nversion = "{pin.version}"\nsource = {{ registry = "https://main.example/simple" }}\n'
        for pin in resolve(config.dependencies, Installed(), TARGET.markers())
    ]
    own = '[[package]]\nname = "only-here"\nversion = "2.0"\nsource = { editable = "libs/only_here" }\n'
    (config.root / "uv.lock").write_text("version = 1\n" + "".join([*locked, own]))

    config = replace(config, dependencies=(*config.dependencies, "only-here"))
    manifest = build(config, read_trained(config.trained), BASELINE, Probe())

    with tarfile.open(manifest.artifact_path) as tar:
        member = tar.extractfile("code/wheels/only_here-2.0-py3-none-any.whl")
        lines = tar.extractfile("code/requirements.txt")
        assert member is not None
        assert lines is not None
        digest = sha256_bytes(member.read())
        assert f"only-here @ {PACKAGED}only_here-2.0-py3-none-any.whl --hash=sha256:{digest}" in lines.read().decode()
    assert manifest.package.files["code/wheels/only_here-2.0-py3-none-any.whl"] == digest
    assert "only-here==2.0" in manifest.package.requirements
    before = manifest.artifact_path.read_bytes()
    assert build(config, read_trained(config.trained), BASELINE, Probe()).artifact_path.read_bytes() == before
