"""The user's code: SageMaker's script-mode functions, with the toolkit's defaults for those that are not there.

In: the unpacked model folder and the settings; out: a `Handler`, one callable from request bytes to response bytes. Nothing
is unpickled before every file has the digest that the package's manifest names.
"""

from __future__ import annotations

import importlib.util
import inspect
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from fogbank.contracts.container import ServeSettings
from fogbank.contracts.digest import sha256_bytes
from fogbank.contracts.errors import DigestError, FogbankError
from fogbank.contracts.manifest import INNER_NAME, PackageManifest, decode_package
from fogbank.serve import codecs
from fogbank.serve.problems import LoadError

Function = Callable[..., Any]
CONTEXT_AT = {"model_fn": 1, "input_fn": 2, "predict_fn": 2, "output_fn": 2, "transform_fn": 4}
"""How many parameters each function has before the optional context."""


@dataclass(frozen=True)
class Context:
    """What a function with one parameter more gets, as in SageMaker's inference toolkit."""

    model_dir: str
    package: PackageManifest | None


class Handler:
    """A loaded model behind the user's functions."""

    def __init__(
        self, functions: dict[str, Function], model: Any, package: PackageManifest | None, default_accept: str
    ) -> None:
        self._functions, self._model, self.package = functions, model, package
        self._default_accept = default_accept

    def __call__(self, body: bytes, content_type: str, accept: str | None) -> tuple[bytes, str]:
        """Response bytes and content type. Raises RequestError for the caller's faults, anything else for the handler's."""
        wanted = codecs.negotiate(accept, self._default_accept)
        transform = self._functions.get("transform_fn")
        if transform:
            return _response(transform(self._model, body, content_type, wanted), wanted)
        data = self._functions["input_fn"](body, content_type)
        prediction = self._functions["predict_fn"](data, self._model)
        return _response(self._functions["output_fn"](prediction, wanted), wanted)

    def execution_parameters(self) -> dict[str, Any] | None:
        """What `execution_parameters_fn` says, or None where the user has none."""
        function = self._functions.get("execution_parameters_fn")
        return function() if function else None


def load_handler(settings: ServeSettings) -> Handler:
    """Check the digests, import the user's module and load the model. Raises LoadError."""
    package = checked_package(settings)
    module = import_program(settings)
    context = Context(str(settings.model_dir), package)
    functions = compose(module, package, context)
    try:
        model = functions["model_fn"](str(settings.model_dir))
    except Exception as error:
        raise LoadError(f"model_fn failed: {_where(error, settings.code_dir)}") from error
    return Handler(functions, model, package, settings.default_accept)


def checked_package(settings: ServeSettings) -> PackageManifest | None:
    """The package's manifest with every digest checked; None for a plain script-mode archive. Raises LoadError."""
    path = settings.model_dir / INNER_NAME
    if not path.is_file():
        if settings.package_sha256:
            raise LoadError(f"{INNER_NAME} is missing, and its digest is required")
        return None
    data = path.read_bytes()
    if settings.package_sha256 and sha256_bytes(data) != settings.package_sha256:
        raise LoadError(str(DigestError(INNER_NAME, settings.package_sha256, sha256_bytes(data))))
    try:
        package = decode_package(data)
        package.check_files(settings.model_dir)
    except FogbankError as error:
        raise LoadError(str(error)) from error
    return package


def import_program(settings: ServeSettings) -> ModuleType:
    """The user's script as a module, with its own folder importable. Raises LoadError with the line that failed."""
    script = settings.code_dir / settings.program
    if not script.is_file():
        raise LoadError(f"no handler at code/{settings.program}")
    sys.path.append(str(settings.code_dir))  # after ours: user code never shadows the server's modules
    spec = importlib.util.spec_from_file_location("fogbank_user_handler", script)
    if spec is None or spec.loader is None:
        raise LoadError(f"code/{settings.program} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise LoadError(f"the handler does not import: {_where(error, settings.code_dir)}") from error
    return module


def compose(module: ModuleType, package: PackageManifest | None, context: Context) -> dict[str, Function]:
    """The user's functions over the defaults. Raises LoadError for a combination that the toolkit refuses."""
    schema = package.input if package else None
    own = {
        name: getattr(module, name)
        for name in (*CONTEXT_AT, "execution_parameters_fn")
        if callable(getattr(module, name, None))
    }
    if "transform_fn" in own and own.keys() & {"input_fn", "predict_fn", "output_fn"}:
        raise LoadError("transform_fn takes the place of input_fn, predict_fn and output_fn: define one or the others")
    defaults: dict[str, Function] = {
        "model_fn": lambda model_dir: _load_joblib(model_dir, package),
        "input_fn": lambda body, content_type: codecs.decode(body, content_type, schema),
        "predict_fn": lambda data, model: model.predict(data),
        "output_fn": codecs.encode,
    }
    return {**defaults, **{name: _with_context(name, function, context) for name, function in own.items()}}


def _with_context(name: str, function: Function, context: Context) -> Function:
    if name not in CONTEXT_AT:
        return function
    takes, expected = len(inspect.signature(function).parameters), CONTEXT_AT[name]
    if takes == expected:
        return function
    if takes == expected + 1:
        return lambda *arguments: function(*arguments, context)
    raise LoadError(f"{name} takes {takes} parameters; it must take {expected}, or {expected + 1} with a context")


def _load_joblib(model_dir: str, package: PackageManifest | None) -> Any:
    if package is None:
        raise LoadError("the handler has no model_fn, and the archive has no manifest that names the model's file")
    import joblib

    return joblib.load(Path(model_dir) / package.model_file)


def _response(result: Any, accept: str) -> tuple[bytes, str]:
    body, content_type = result if isinstance(result, tuple) and len(result) == 2 else (result, accept)
    if isinstance(body, str):
        return body.encode(), content_type
    if isinstance(body, bytes | bytearray | memoryview):
        return bytes(body), content_type
    return codecs.encode(body, content_type)


def _where(error: BaseException, code_dir: Path) -> str:
    """The error with the line of the user's own code that it came from."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if str(code_dir) in frame.filename]
    if isinstance(error, SyntaxError) and error.filename:
        return f"code/{Path(error.filename).name} line {error.lineno}: {(error.text or '').strip()}: SyntaxError: {error.msg}"
    said = f"{type(error).__name__}: {error}"
    if not own:
        return said
    return f"code/{Path(own[-1].filename).name} line {own[-1].lineno}: {own[-1].line}: {said}"
