"""What a pickle holds, without running any of it: every class and function that it names is a word here, never imported or called.

In: the bytes of a pickle, or of joblib's (compressed or not, its arrays between the opcodes); out: a tree of `Thing`s and plain values.
"""

from __future__ import annotations

import bz2
import io
import lzma
import math
import pickle
import zlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    import numpy as np


COMPRESSED: dict[bytes, Callable[[], Any]] = {
    b"\x1f\x8b": lambda: zlib.decompressobj(wbits=31),
    b"BZh": bz2.BZ2Decompressor,
    b"\xfd7zXZ\x00": lzma.LZMADecompressor,
    b"\x78": zlib.decompressobj,
}
"""How joblib's compressed files begin, and what opens each."""
LARGEST = 8 << 30
"""Bytes that a compressed file may hold: a small one could ask for any memory."""
ARRAY = ("joblib.numpy_pickle", "NumpyArrayWrapper")
MOST = 500_000
"""The most things of a tree that are looked at."""


class Named:
    """A class or function that the pickle names. Called, it is a `Thing` of that name."""

    def __init__(self, module: str, name: str) -> None:
        self.module, self.name = module, name

    def __call__(self, *arguments: Any) -> Thing:
        return Thing(self, arguments)


class Thing:
    """What the pickle would have made: of what, from which arguments, and the state that it would have been given."""

    def __init__(self, kind: Any, arguments: tuple[Any, ...] = ()) -> None:
        self.kind, self.arguments = kind, arguments
        self.state: Any = None
        self.items: list[Any] = []

    def __call__(self, *arguments: Any) -> Thing:
        """A function that would have been made, called: nothing runs here either."""
        return Thing(self, arguments)

    def append(self, item: Any) -> None:
        """As a list takes items."""
        self.items.append(item)

    def extend(self, items: Any) -> None:
        """As a list takes items."""
        self.items.extend(items)

    add = append

    def __setitem__(self, key: Any, value: Any) -> None:
        self.items += [key, value]

    @property
    def attributes(self) -> dict[str, Any]:
        """The object's attributes, as far as its state is a dictionary of them."""
        state = self.state[0] if isinstance(self.state, tuple) and self.state else self.state
        return state if isinstance(state, dict) else {}


class _Reader(pickle._Unpickler):
    """The standard library's reader in Python, whose every step that would run something makes a `Thing`."""

    stack: list[Any]
    """The standard library's own."""
    dispatch: ClassVar[dict[int, Callable[..., None]]] = dict(pickle._Unpickler.dispatch)

    def __init__(self, stream: io.BytesIO, names: set[tuple[str, str]]) -> None:
        super().__init__(stream, fix_imports=False)
        self._file, self._names_seen = stream, names

    def find_class(self, module: str, name: str) -> Any:
        self._names_seen.add((module, name))
        return Named(module, name)

    def get_extension(self, code: int) -> None:
        raise pickle.UnpicklingError(f"extension {code}")

    def persistent_load(self, pid: Any) -> Any:
        return Thing(Named("", "persistent"), (pid,))

    def _instantiate(self, klass: Any, args: Any) -> None:
        self.stack.append(Thing(klass, tuple(args)))

    def load_newobj(self) -> None:
        arguments = self.stack.pop()
        self.stack.append(Thing(self.stack.pop(), tuple(arguments)))

    dispatch[pickle.NEWOBJ[0]] = load_newobj

    def load_newobj_ex(self) -> None:
        del self.stack[-1]
        self.load_newobj()

    dispatch[pickle.NEWOBJ_EX[0]] = load_newobj_ex

    def load_build(self) -> None:
        state = self.stack.pop()
        thing = self.stack[-1]
        if not isinstance(thing, Thing):
            raise pickle.UnpicklingError("a state of what has none")
        thing.state = state
        if isinstance(thing.kind, Named) and (thing.kind.module, thing.kind.name) == ARRAY:
            self.stack[-1] = self._array(thing.attributes)

    dispatch[pickle.BUILD[0]] = load_build

    def _array(self, state: dict[str, Any]) -> Any:
        """An array of joblib's, whose bytes follow; one of objects is a pickle of its own."""
        import numpy as np

        dtype = dtype_of(state["dtype"])
        if dtype.hasobject:
            return _Reader(self._file, self._names_seen).load()
        if state.get("numpy_array_alignment_bytes") is not None:
            self._file.read(self._file.read(1)[0])
        shape = tuple(int(length) for length in state["shape"])
        data = self._file.read(math.prod(shape) * dtype.itemsize)
        return np.frombuffer(data, dtype=dtype).reshape(shape, order="F" if state.get("order") == "F" else "C")


def dtype_of(thing: Any) -> np.dtype[Any]:
    """A dtype from its pickled words. Raises TypeError, ValueError."""
    import numpy as np

    state = thing.state
    if isinstance(state, tuple) and len(state) > 4 and isinstance(state[3], tuple) and isinstance(state[4], dict):
        fields = {name: (dtype_of(field[0]), int(field[1])) for name, field in state[4].items()}
        return np.dtype({
            "names": list(state[3]), "formats": [fields[name][0] for name in state[3]],
            "offsets": [fields[name][1] for name in state[3]], "itemsize": int(state[5]),
        })  # fmt: skip
    dtype = np.dtype(str(thing.arguments[0]))
    order = state[1] if isinstance(state, tuple) and len(state) > 1 else "="
    return dtype.newbyteorder(">") if order == ">" else dtype


def read_pickle(data: bytes, largest: int = LARGEST) -> tuple[Any, set[tuple[str, str]]]:
    """The tree, and every (module, name) that it would import. Raises ValueError for what is no pickle that can be read."""
    names: set[tuple[str, str]] = set()
    try:
        return _Reader(io.BytesIO(_plain(data, largest)), names).load(), names
    except Exception as error:  # a stranger's bytes can go wrong in any way; none of their code has run
        raise ValueError(f"it is no pickle that can be read: {error!r}") from error


def _plain(data: bytes, largest: int) -> bytes:
    """What a compressed file holds. Raises ValueError for one that is not whole or too large, and what its kind does."""
    make = next((make for beginning, make in COMPRESSED.items() if data.startswith(beginning)), None)
    if make is None:
        return data
    opened = make()
    plain: bytes = opened.decompress(data, largest)
    if not opened.eof:
        raise ValueError(f"it breaks off, or holds more than {largest} bytes")
    return plain


def values_of(node: Any) -> list[Any] | None:
    """The values of a pickled array of numbers or words, or of a list; None for anything else."""
    import numpy as np

    if isinstance(node, np.ndarray):
        return None if node.dtype.names else node.ravel().tolist()
    if isinstance(node, list | tuple):
        return list(node)
    if (
        isinstance(node, Thing) and isinstance(node.state, tuple) and len(node.state) == 5
    ):  # NumPy's own: the last are its items
        try:
            data, dtype = node.state[4], dtype_of(node.state[2])
            return list(data) if isinstance(data, list) else np.frombuffer(_bytes(data), dtype=dtype).tolist()
        except (TypeError, ValueError, AttributeError, IndexError):
            return None
    return None


def _bytes(data: Any) -> bytes:
    return data.encode("latin-1") if isinstance(data, str) else bytes(data)


def things(root: Any) -> Iterator[Thing]:
    """Every `Thing` below a node, the nearest first."""
    import numpy as np

    waiting: list[Any] = [root]
    seen: set[int] = set()
    while waiting and len(seen) < MOST:
        later = []
        for node in waiting:
            if id(node) in seen or isinstance(node, str | bytes | int | float | np.ndarray | None):
                continue
            seen.add(id(node))
            if isinstance(node, Thing):
                yield node
                later += [node.arguments, node.state, node.items]
            elif isinstance(node, dict):
                later += [*node.keys(), *node.values()]
            elif isinstance(node, list | tuple | set | frozenset):
                later += list(node)
        waiting = later
