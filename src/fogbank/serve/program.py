"""The user's code: script-mode functions from `code/<program>`, imported so that they never shadow the server's modules."""

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
from fogbank.contracts.manifest import PackageManifest
from fogbank.serve.problems import LoadError

Function = Callable[..., Any]
HOOKS = {"pre_model_fn": 1, "model_fn": 1, "model_warmup_fn": 2}
ANSWERING = {"input_fn": 2, "predict_fn": 2, "output_fn": 2, "transform_fn": 4}
PARAMETERS = {**HOOKS, **ANSWERING}
"""How many parameters each function has before the optional context: what runs once at start, and what answers a call."""


@dataclass(frozen=True)
class UserFunction:
    """One of the user's functions: whether it wants the context, and whether it is a coroutine function."""

    call: Function
    wants_context: bool = False
    is_async: bool = False


def user_functions(settings: ServeSettings, package: PackageManifest | None) -> dict[str, UserFunction]:
    """The user's functions by name; none for a package without a handler. Raises LoadError with the line that failed."""
    if settings.code_dir.is_dir():
        sys.path.append(str(settings.code_dir))  # after ours: user code never shadows the server's modules
    if package is not None and package.handler is None:
        return {}
    module = _import(settings, settings.program or (package.handler if package else None) or "inference.py")
    names = (*PARAMETERS, "execution_parameters_fn")
    own = {name: _function(name, getattr(module, name)) for name in names if callable(getattr(module, name, None))}
    if "transform_fn" in own and own.keys() & {"input_fn", "predict_fn", "output_fn"}:
        raise LoadError(
            "transform_fn takes the place of input_fn, predict_fn and output_fn: define one or the others",
            "handler-contract",
        )
    return own


def located(error: BaseException, code_dir: Path) -> str:
    """The error with the line of the user's own code that it came from."""
    if isinstance(error, SyntaxError) and error.filename:
        line = (error.text or "").strip()
        return f"code/{Path(error.filename).name} line {error.lineno}: {line}: SyntaxError: {error.msg}"
    own = [frame for frame in traceback.extract_tb(error.__traceback__) if str(code_dir) in frame.filename]
    cause = f"{type(error).__name__}: {error}"
    return f"code/{Path(own[-1].filename).name} line {own[-1].lineno}: {own[-1].line}: {cause}" if own else cause


def _import(settings: ServeSettings, program: str) -> ModuleType:
    script = settings.code_dir / program
    if not script.is_file():
        raise LoadError(f"no handler at code/{program}", "handler-missing")
    spec = importlib.util.spec_from_file_location("fogbank_user_handler", script)
    if spec is None or spec.loader is None:
        raise LoadError(f"code/{program} is not a Python file", "handler-missing")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses and pickles of the handler's own look it up there
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        cause = located(error, settings.code_dir)
        raise LoadError(f"the handler does not import: {cause}", "handler-import-error") from error
    return module


def _function(name: str, function: Function) -> UserFunction:
    is_async = inspect.iscoroutinefunction(function)
    if name not in PARAMETERS:
        return UserFunction(function, is_async=is_async)
    expected = PARAMETERS[name]
    parameters = list(inspect.signature(function).parameters)
    named = parameters[expected : expected + 1] in (["context"], ["ctx"])
    if _accepts(function, expected) and not named:  # a further parameter with a default of its own is the user's
        return UserFunction(function, is_async=is_async)
    if _accepts(function, expected + 1):
        return UserFunction(function, wants_context=True, is_async=is_async)
    takes = len(parameters)
    raise LoadError(
        f"{name} takes {takes} parameters; it must take {expected}, or {expected + 1} with a context",
        "handler-contract",
    )


def _accepts(function: Function, count: int) -> bool:
    try:
        inspect.signature(function).bind(*range(count))
    except (TypeError, ValueError):
        return False
    return True
