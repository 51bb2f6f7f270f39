"""The execution environments of all functions: one that is free answers, else another is started, up to what Lambda, or this machine, allows.

In: a function; out: a sandbox that is nobody else's, or a refusal. What is idle for long, or is of a version that was changed, is ended.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import boto3

from fogbank.cloud.api.errors import ApiError
from fogbank.cloud.functions.code import unpacked
from fogbank.cloud.functions.sandbox import Sandbox, SandboxPlan
from fogbank.cloud.ground.roles import Grants
from fogbank.cloud.hosting.environment import Environments
from fogbank.cloud.moto.functions import Function
from fogbank.ground.digest import sha256_bytes
from fogbank.ground.processes import bare_environment, working_below

MOST = 32
"""Environments at a time, of all functions: AWS's account has a thousand."""
IDLE_S = 300.0


@dataclass(frozen=True, kw_only=True)
class Held:
    """A sandbox that is somebody's for now. `key` tells one version of a function, as it is configured, from others."""

    sandbox: Sandbox
    name: str
    version: str
    key: str
    stream: str


@dataclass(kw_only=True)
class _Free:
    held: Held
    since: float = field(default_factory=time.monotonic)


class Pool:
    """Sandboxes below one folder; safe from many threads. `grant` is what roles get credentials with."""

    def __init__(self, folder: Path, environments: Environments, grant: Grants) -> None:
        self._folder, self._environments, self._grant = folder, environments, grant
        self._lock = threading.Lock()
        self._free: list[_Free] = []
        self._busy: dict[str, list[Held | None]] = {}
        self._closed = False

    def clear(self) -> None:
        """Remove what an earlier process of the cloud has left; nothing runs yet."""
        if self._folder.is_dir():
            for process in working_below(self._folder):
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(process, signal.SIGKILL)
        shutil.rmtree(self._folder, ignore_errors=True)

    def take(self, function: Function) -> Held:
        """A sandbox; a new one has not loaded its handler yet. Raises ApiError, CodeError, DependencyError, OSError."""
        key = _key(function)
        outdated, held = self._reserve(function, key)
        for each in outdated:
            each.sandbox.stop()
        if held is not None:
            return held
        try:
            held = self._start(function, key)
        except BaseException:
            self._release(function.name, None)
            raise
        with self._lock:
            self._busy[function.name][self._busy[function.name].index(None)] = held
        return held

    def give_back(self, held: Held, *, over: bool) -> None:
        """The event is answered. A sandbox that is over is ended."""
        with self._lock:
            keep = not over and not self._closed
            self._busy[held.name].remove(held)
            if keep:
                self._free.append(_Free(held=held))
        if not keep:
            held.sandbox.stop()

    def sweep(self) -> None:
        """End what was idle for long."""
        self._end(lambda free: time.monotonic() - free.since > IDLE_S)

    def close(self) -> None:
        """End what is idle, and take nothing back any more."""
        self._closed = True
        self._end(lambda _: True)

    def reset(self) -> None:
        """End what is idle, and remove what was unpacked: the functions are gone."""
        self._end(lambda _: True)
        shutil.rmtree(self._folder / "code", ignore_errors=True)

    def _end(self, whom: Callable[[_Free], bool]) -> None:
        with self._lock:
            gone = [free for free in self._free if whom(free)]
            self._free = [free for free in self._free if free not in gone]
        for free in gone:
            free.held.sandbox.stop()

    def _reserve(self, function: Function, key: str) -> tuple[list[Held], Held | None]:
        """Those of the version that are out of date, and one that is free; None where one is to be started. Raises ApiError."""
        with self._lock:
            busy = self._busy.setdefault(function.name, [])
            if function.reserved is not None and len(busy) >= function.reserved:
                raise _throttled("ReservedFunctionConcurrentInvocationLimitExceeded")
            mine = [f for f in self._free if f.held.name == function.name and f.held.version == function.version]
            fresh = [free for free in mine if free.held.key == key]
            outdated = [free.held for free in mine if free.held.key != key]
            if not fresh and sum(len(each) for each in self._busy.values()) >= MOST:
                raise _throttled("ConcurrentInvocationLimitExceeded")
            taken = fresh[-1] if fresh else None
            self._free = [free for free in self._free if free.held not in outdated and free is not taken]
            busy.append(taken.held if taken else None)
        return outdated, taken.held if taken else None

    def _release(self, name: str, held: Held | None) -> None:
        with self._lock:
            self._busy[name].remove(held)

    def _start(self, function: Function, key: str) -> Held:
        home = self._folder / "sandboxes" / uuid.uuid4().hex
        code = unpacked(function, self._folder / "code")
        python = self._environments.python_for([f"boto3=={boto3.__version__}"])
        grant = self._grant(function.role, function.name, function.region)

        def ended() -> None:
            grant.end()
            shutil.rmtree(home, ignore_errors=True)

        scratch = home / "tmp"
        scratch.mkdir(parents=True)
        stream = f"{time.strftime('%Y/%m/%d', time.gmtime())}/[{function.version}]{home.name}"
        environment = {
            **bare_environment(home),
            **grant.environment,
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.runtime}",
            "AWS_LAMBDA_FUNCTION_NAME": function.name,
            "AWS_LAMBDA_FUNCTION_VERSION": function.version,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function.name}",
            "AWS_LAMBDA_LOG_STREAM_NAME": stream,
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "LAMBDA_TASK_ROOT": str(code.task),
            "LAMBDA_RUNTIME_DIR": str(home),
            "TZ": ":UTC",
            "TMPDIR": str(scratch),
            "PYTHONDONTWRITEBYTECODE": "1",
            **function.environment,
            "_HANDLER": function.handler,
            "FOGBANK_TASK_PATH": os.pathsep.join(str(path) for path in code.paths()),
        }
        plan = SandboxPlan(
            python=python,
            task=code.task,
            home=home,
            environment=environment,
            memory_mb=function.memory_mb,
            seen=(code.layers, self._environments.folder),
            state=self._folder.parent,
        )
        try:
            sandbox = Sandbox(plan, ended)
        except OSError:
            ended()
            raise
        return Held(sandbox=sandbox, name=function.name, version=function.version, key=key, stream=stream)


def _key(function: Function) -> str:
    facts = (
        function.version, function.digest, function.handler, function.role, function.memory_mb, function.runtime,
        sorted(function.environment.items()), [sha256_bytes(layer) for layer in function.layers],
    )  # fmt: skip
    return sha256_bytes(repr(facts).encode())


def _throttled(reason: str) -> ApiError:
    return ApiError("TooManyRequestsException", "Rate Exceeded.", 429, Reason=reason, Type="User")
