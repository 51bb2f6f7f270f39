"""Weights alone: the class beside them whose they are is found by its attributes, and why there is none is told; nothing is loaded."""

from __future__ import annotations

import ast
import json
import zipfile
from pathlib import Path

import pytest

from fogbank.contracts.errors import PackageError
from fogbank.pack.look import look_at
from fogbank.pack.looked import Look, Network
from fogbank.project.scaffolding.adoption import adopt, looked
from fogbank.project.scaffolding.archives import Opened
from fogbank.project.workplace.events import Steps, ignore

NET = """
from torch import nn
from layers import Block

class Net(nn.Module):
    def __init__(self, width=4):
        super().__init__()
        self.body = Block(width)
        self.register_buffer("mean", None)

    def forward(self, x):
        return self.body(x - self.mean)
"""
HEADS = """
import network

class Tail(Head): ...

class Head(network.Net):
    def forward(self, x):
        return super().forward(x).softmax(1)

class Other(nn.Module): ...
"""
NAMES = ("body.weight", "body.bias", "mean")


def state_dict(names: tuple[str, ...]) -> bytes:
    """The opcodes of an OrderedDict of tensors, as far as they are looked at."""
    tensors = "".join(f"V{name}\nctorch._utils\n_rebuild_tensor_v2\n(I0\ntR" for name in names)
    return b"ccollections\nOrderedDict\n)R(" + tensors.encode() + b"u"


def weights(file: Path, names: tuple[str, ...] = NAMES, around: str = "") -> Path:
    """A file as `torch.save` writes it; `around` is the key of a checkpoint that has more in it."""
    data = state_dict(names)
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(
            "m/data.pkl", b"}(V" + around.encode() + b"\n" + data + b"Vepoch\nI7\nu." if around else data + b"."
        )
    return file


def wrapped(before: str) -> tuple[str, ...]:
    return tuple(before + name for name in NAMES)


def beside(folder: Path, **modules: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name, text in modules.items():
        (folder / f"{name}.py").write_text(text)
    return folder


@pytest.mark.parametrize(
    ("names", "around", "network"),
    [
        (NAMES, "", Network(module="network", name="Net")),
        (NAMES, "model_state_dict", Network(module="network", name="Net", within="model_state_dict")),
        (wrapped("module."), "", Network(module="network", name="Net", before="module.")),
        (wrapped("module._orig_mod."), "", Network(module="network", name="Net", before="module._orig_mod.")),
        (
            wrapped("_orig_mod.module."),
            "state",
            Network(module="network", name="Net", within="state", before="_orig_mod.module."),
        ),
    ],
)
def test_the_class_whose_attributes_the_weights_name(
    tmp_path: Path, names: tuple[str, ...], around: str, network: Network
) -> None:
    other = NET.replace("Net(", "Other(").replace("self.body", "self.head")
    beside(tmp_path, network=NET, layers="class Block: ...", other=other, broken="def (", notes="x = 1")

    look = look_at(weights(tmp_path / "weights.pth", names, around))

    assert look.network == network
    assert (look.file, look.handler, look.needs, look.lacks) == ("model.pth", "torch_weights", ("numpy", "torch"), None)


def test_safetensors_are_weights_too(tmp_path: Path) -> None:
    header = json.dumps({"__metadata__": {}, **{name: {"dtype": "F32"} for name in NAMES}}).encode()
    (tmp_path / "m.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + b"0000")
    look = look_at(beside(tmp_path, network=NET) / "m.safetensors")
    assert (look.file, look.needs) == ("model.safetensors", ("numpy", "safetensors", "torch"))
    assert look.network == Network(module="network", name="Net")


@pytest.mark.parametrize(
    ("modules", "told"),
    [
        ({}, "holds weights alone"),
        ({"network": NET.replace("self.body", "self.head")}, "holds weights alone"),
        ({"network": NET, "copy_of": NET}, "may be those of copy_of.Net, network.Net"),
        ({"network": NET.replace("width=4", "width, *, depth")}, "cannot be made without width, depth"),
        ({"network": NET + "class Head(Net): ..."}, "may be those of network.Net, network.Head"),
        ({"network": NET, "heads": HEADS}, "may be those of network.Net, heads.Head, heads.Tail"),
        ({"inference": NET}, "inference.Net is in a file that the handler cannot import"),
        ({"class": NET}, "class.Net is in a file that the handler cannot import"),
    ],
)
def test_weights_that_nothing_here_takes_say_why(tmp_path: Path, modules: dict[str, str], told: str) -> None:
    file = weights(beside(tmp_path, **modules) / "m.pt")
    with pytest.raises(PackageError, match=told) as caught:
        looked(Opened(model=file))
    assert caught.value.code == "model-code-missing"
    assert caught.value.hint


def test_a_class_of_the_name_of_its_base_is_not_every_networks_base(tmp_path: Path) -> None:
    named = NET.replace("class Net(nn.Module)", "class Module(torch.nn.Module)")
    look = look_at(weights(beside(tmp_path, network=named, other=HEADS) / "m.pt"))
    assert look.network == Network(module="network", name="Module")


def test_an_attribute_that_is_called_as_a_wrappers_is_the_networks_own(tmp_path: Path) -> None:
    outer = "class Outer(nn.Module):\n    def __init__(self):\n        self.module = Net()"
    beside(tmp_path, network=NET, outer=outer)
    look = look_at(weights(tmp_path / "m.pt", wrapped("module.")))
    assert look.network == Network(module="outer", name="Outer")


def test_names_of_wrappers_without_end_are_looked_through_so_far(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match="holds weights alone"):
        looked(Opened(model=weights(beside(tmp_path, network=NET) / "m.pt", wrapped("module." * 50))))


@pytest.mark.parametrize("header", [b"[]", b'[{"a": 1}]', b"null", b'"names"'])
def test_a_header_without_names_is_not_safetensors(tmp_path: Path, header: bytes) -> None:
    (tmp_path / "m.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)
    with pytest.raises(PackageError, match="does not begin as safetensors does"):
        look_at(tmp_path / "m.safetensors")


def test_a_header_of_more_than_the_formats_own_limit_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "m.safetensors").open("wb") as stream:
        stream.write((100_000_001).to_bytes(8, "little"))
        stream.truncate(100_000_100)  # a hole: it takes no place
    with pytest.raises(PackageError, match="does not begin as safetensors does"):
        look_at(tmp_path / "m.safetensors")


def test_a_file_of_safetensors_without_tensors_says_so(tmp_path: Path) -> None:
    (tmp_path / "m.safetensors").write_bytes((2).to_bytes(8, "little") + b"{}")
    with pytest.raises(PackageError, match="holds no tensors") as caught:
        looked(Opened(model=tmp_path / "m.safetensors"))
    assert "save_file" in caught.value.hint


def test_a_file_of_before_pytorch_1_6_says_how_it_is_saved_again(tmp_path: Path) -> None:
    (tmp_path / "m.pt").write_bytes(b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.")
    with pytest.raises(PackageError, match=r"as PyTorch wrote before 1\.6") as caught:
        looked(Opened(model=tmp_path / "m.pt"))
    assert caught.value.code == "model-code-missing"
    assert "torch.save(torch.load('m.pt'" in caught.value.hint


def test_a_zip_of_something_else_says_what_it_lacks(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "m.pt", "w") as archive:
        archive.writestr("notes.txt", "")
    with pytest.raises(PackageError, match=r"a zip without data\.pkl"):
        look_at(tmp_path / "m.pt")


@pytest.mark.parametrize(
    ("file", "members"),
    [
        ("m.pt", ["m/data.pkl"]),
        ("m.pt2", ["m/models/model.json"]),
        ("m.keras", ["metadata.json", "config.json"]),
    ],
)
def test_a_small_file_asks_for_no_memory(tmp_path: Path, file: str, members: list[str]) -> None:
    with zipfile.ZipFile(tmp_path / file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for member in members:
            with archive.open(member, "w") as stream:
                for _ in range(65):
                    stream.write(b" " * (1 << 20))
    with pytest.raises(PackageError, match="at most 67108864 are read") as caught:
        look_at(tmp_path / file)
    assert caught.value.code == "model-unreadable"


def test_a_pickled_module_is_no_state_dict(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "m.pt", "w") as archive:
        archive.writestr("m/data.pkl", b"cnetwork\nNet\n)R.")
    with pytest.raises(PackageError, match="pickled module"):
        looked(Opened(model=tmp_path / "m.pt"))


def handled(folder: Path, model: str) -> Opened:
    """An archive's model with a handler that loads it."""
    (folder / "code").mkdir()
    (folder / "code" / "inference.py").write_text("def model_fn(model_dir): ...")
    return Opened(model=weights(folder / model), code=folder / "code")


def test_weights_with_a_handler_that_loads_them_are_served_by_it(tmp_path: Path) -> None:
    look: Look = looked(handled(tmp_path, "model.pth"))
    assert look.file == "model.pth", "the name that the handler loads"


def test_a_model_that_would_not_be_where_its_handler_looks_is_told(tmp_path: Path) -> None:
    with pytest.raises(PackageError) as caught:
        looked(handled(tmp_path, "net.pth"))
    assert caught.value.code == "model-renamed"


def test_a_project_has_the_class_and_what_it_imports(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    beside(source, network=NET, layers="import einops\n\nclass Block: ...", unrelated="")
    weights(source / "w.pt", around="state_dict")
    (source / "rows.csv").write_text("a,b,c,d\n1.5,2,3,4\n")

    adopt("net", source / "w.pt", source / "rows.csv", tmp_path / "net", Steps(ignore), lambda _: True)

    handler = (tmp_path / "net" / "handlers" / "inference.py").read_text()
    assert "from network import Net" in handler
    assert "weights_only=True)['state_dict']" in handler
    compile(handler, "inference.py", "exec")
    own = {path.name for path in (tmp_path / "net").glob("*.py")}
    assert own == {"network.py", "layers.py"}
    assert (tmp_path / "net" / "requirements.txt").read_text().split() == ["einops", "numpy", "torch"]


@pytest.mark.parametrize("within", ['"]; print(1); ["', "a'b\\", 'it\'s "so"\nimport os #', "\x1b[2J"])
def test_a_key_of_the_checkpoint_is_no_code_in_the_handler(tmp_path: Path, within: str) -> None:
    source = beside(tmp_path / "source", network=NET, layers="class Block: ...")
    escaped = within.replace("\\", "\\u005c").replace("\n", "\\u000a")  # as a pickle of protocol 0 has it
    weights(source / "w.pt", around=escaped)
    (source / "rows.csv").write_text("a,b,c,d\n1.5,2,3,4\n")

    adopt("net", source / "w.pt", source / "rows.csv", tmp_path / "net", Steps(ignore), lambda _: False)

    tree = ast.parse((tmp_path / "net" / "handlers" / "inference.py").read_text())
    keys = [ast.literal_eval(node.slice) for node in ast.walk(tree) if isinstance(node, ast.Subscript)]
    assert keys == [within, 0], "and parts[0]"
