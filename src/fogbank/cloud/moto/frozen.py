"""moto's whole memory as bytes, and back: every backend of every service, account and region that was used, and how they point at each other.

In: nothing, or bytes; out: bytes, or moto's memory as it was. Locks come back open, keys and certificates by their PEM, and the small
functions inside moto's constructors by their code; what else cannot be written (a thread, a socket) raises FrozenError, which names it.
"""

from __future__ import annotations

import importlib
import io
import marshal
import pickle
import sys
import threading
from collections import OrderedDict, defaultdict
from types import CellType, CodeType, FunctionType
from typing import Any
from weakref import WeakValueDictionary

from cryptography import x509
from cryptography.hazmat.primitives import serialization as pem
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes, PublicKeyTypes
from moto.core.base_backend import BackendDict

LOCKS = {type(threading.Lock()): threading.Lock, type(threading.RLock()): threading.RLock}
WAITS = {threading.Condition: threading.Condition, threading.Event: threading.Event}
PRIVATE_KEYS, PUBLIC_KEYS = PrivateKeyTypes.__args__, PublicKeyTypes.__args__  # type: ignore[attr-defined]  # both are unions
REGISTRY = frozenset({"backend", "service_name"})
"""With those that begin with `_`, the attributes of every registry: how it is made, not what is in it."""


class FrozenError(Exception):
    """Something in moto's memory that cannot be written."""


def freeze() -> bytes:
    """moto's memory. Nobody may change it meanwhile. Raises FrozenError."""
    in_use: list[Any] = list(BackendDict._instances)  # type: ignore[misc]  # moto's only list of what is in use
    memory = {
        _place(backends): (_own(backends), {account: dict(regions) for account, regions in backends.items()})
        for backends in in_use
    }
    out = io.BytesIO()
    try:
        _Pickler(out, protocol=5).dump(memory)
    except Exception as error:
        raise FrozenError(str(error)) from error
    return out.getvalue()


def thaw(data: bytes) -> None:
    """Put it back into a fresh moto. The bytes run code: only those that this user wrote may come here. Raises FrozenError."""
    try:
        memory = pickle.loads(data)  # noqa: S301 - authenticated by a key of this user's (snapshot.py)
    except Exception as error:
        raise FrozenError(str(error)) from error
    for place, (own, accounts) in memory.items():
        backends = _backends(*place)
        vars(backends).update(own)
        for account, regions in accounts.items():
            for region, backend in regions.items():
                backends[account][region] = backend


class _Pickler(pickle.Pickler):
    def reducer_override(self, value: Any) -> Any:
        """How to make again what pickle cannot; NotImplemented where it can."""
        kind = type(value)
        if make := LOCKS.get(kind) or WAITS.get(kind):
            return make, ()
        if isinstance(value, BackendDict):
            return _backends, _place(value)
        if isinstance(value, PRIVATE_KEYS):
            form = (pem.Encoding.PEM, pem.PrivateFormat.PKCS8, pem.NoEncryption())
            return _private_key, (value.private_bytes(*form),)
        if isinstance(value, PUBLIC_KEYS):
            return _public_key, (value.public_bytes(pem.Encoding.PEM, pem.PublicFormat.SubjectPublicKeyInfo),)
        if isinstance(value, x509.Certificate):
            return _certificate, (value.public_bytes(pem.Encoding.PEM),)
        if (
            isinstance(value, defaultdict) and kind is not defaultdict
        ):  # whose constructor may want more than pickle gives it
            return _defaultdict, (kind, value.default_factory), vars(value) or None, None, iter(value.items())
        if isinstance(value, OrderedDict) and kind is not OrderedDict:
            return kind.__new__, (kind,), vars(value) or None, None, iter(value.items())
        if isinstance(value, WeakValueDictionary):  # Lambda's functions by ARN, held by their names
            return kind, (), None, None, iter(list(value.items()))
        if kind is FunctionType and "<" in value.__qualname__:
            cells = tuple(cell.cell_contents for cell in value.__closure__ or ())
            return _function, (value.__module__, marshal.dumps(value.__code__), value.__defaults__, cells)
        return NotImplemented


def _defaultdict(kind: type[defaultdict[Any, Any]], factory: Any) -> defaultdict[Any, Any]:
    made = kind.__new__(kind)
    made.default_factory = factory
    return made


def _private_key(data: bytes) -> Any:
    return pem.load_pem_private_key(data, None)


def _public_key(data: bytes) -> Any:
    return pem.load_pem_public_key(data)


def _certificate(data: bytes) -> x509.Certificate:
    return x509.load_pem_x509_certificate(data)


def _function(module: str, code: bytes, defaults: tuple[Any, ...] | None, cells: tuple[Any, ...]) -> FunctionType:
    importlib.import_module(module)
    body: CodeType = marshal.loads(code)  # noqa: S302 - as in thaw
    closure = tuple(CellType(cell) for cell in cells) or None
    return FunctionType(body, sys.modules[module].__dict__, body.co_name, defaults, closure)


def _own(backends: Any) -> dict[str, Any]:
    """What a service's registry knows besides its backends: for S3 who owns which bucket, for Organizations which accounts are whose."""
    return {name: value for name, value in vars(backends).items() if name not in REGISTRY and name[0] != "_"}


def _place(backends: Any) -> tuple[str, str]:
    """The module and the name under which moto has a service's backends."""
    module = backends.backend.__module__
    for name, value in vars(sys.modules[module]).items():
        if value is backends:
            return module, name
    raise FrozenError(f"the backends of {backends.service_name} have no name in {module}")


def _backends(module: str, name: str) -> Any:
    return getattr(importlib.import_module(module), name)
