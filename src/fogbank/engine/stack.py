"""Drive the engine over a project's stack, through Pulumi's Automation API.

In: a project, an engine and the stand-in's port; out: events to a listener, outputs, or an EngineError with what the user
must read. The same environment is what `fogbank env` prints, so plain `pulumi up -s local` does the same.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from fogbank.contracts.errors import EngineError, ProjectError
from fogbank.engine.locate import Engine
from fogbank.ground.aws import LOCAL_ACCESS_KEY, LOCAL_SECRET_KEY

CLOSING_WORDS = {"update failed", "preview failed"}
"""What the engine adds after the cause."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """One resource operation: `op` is Pulumi's word (create, update, replace, delete, ...); `done` when it has ended."""

    op: str
    kind: str
    name: str
    done: bool
    failed: bool = False


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What an operation did: how many resources by operation."""

    changes: Mapping[str, int]
    outputs: Mapping[str, Any] = field(default_factory=dict)

    @property
    def changed(self) -> bool:
        """Whether anything changed."""
        return any(count for op, count in self.changes.items() if op != "same")


Listen = Callable[[Step], None]


def stack_environment(state: Path, engine: Engine, cloud_url: str | None, provider_port: int | None) -> dict[str, str]:
    """The environment variables with which the engine works on a project's stacks.

    The backend is the folder `state` unless PULUMI_BACKEND_URL says otherwise. Without a local cloud (a stack on AWS)
    there is no stand-in and no local credentials.
    """
    state.mkdir(parents=True, exist_ok=True)
    binaries = os.pathsep.join([str(Path(sys.executable).parent), str(engine.root / "bin")])
    variables = {
        "PATH": f"{binaries}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "PULUMI_BACKEND_URL": os.environ.get("PULUMI_BACKEND_URL") or f"file://{state}",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DIY_BACKEND_DISABLE_CHECKPOINT_BACKUPS": "true",
    }
    if "PULUMI_CONFIG_PASSPHRASE_FILE" not in os.environ:
        variables["PULUMI_CONFIG_PASSPHRASE"] = os.environ.get("PULUMI_CONFIG_PASSPHRASE", "")
    if cloud_url is not None:
        variables |= {
            "PULUMI_DEBUG_PROVIDERS": f"aws:{provider_port}",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",  # the stand-in takes its place: nothing is downloaded
            "AWS_ENDPOINT_URL": cloud_url,
            "AWS_ACCESS_KEY_ID": LOCAL_ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": LOCAL_SECRET_KEY,
            "AWS_DEFAULT_REGION": os.environ.get("AWS_DEFAULT_REGION", "us-east-1"),
        }
    return variables


class StackDriver:
    """One stack of the project in `root`, or of a program given as a function."""

    def __init__(
        self,
        root: Path,
        engine: Engine,
        environment: Mapping[str, str],
        stack: str,
        program: Callable[[], None] | None = None,
    ) -> None:
        if program is None and not (root / "Pulumi.yaml").is_file():
            raise ProjectError(
                "pulumi-yaml-missing",
                f"there is no Pulumi.yaml in {root}",
                "run `fogbank new` in an empty folder to see one",
            )
        self._root, self._engine, self._environment, self._name, self._program = (
            root,
            engine,
            dict(environment),
            stack,
            program,
        )

    def up(self, listen: Listen) -> Summary:
        """Create and update. Raises EngineError."""
        return self._run("up", listen)

    def preview(self, listen: Listen, *, expect_no_changes: bool = False) -> Summary:
        """What `up` would do. Raises EngineError, also for changes where none are expected."""
        return self._run("preview", listen, **({"expect_no_changes": True} if expect_no_changes else {}))

    def refresh(self, listen: Listen) -> Summary:
        """Make the state what the cloud says. Raises EngineError."""
        return self._run("refresh", listen)

    def destroy(self, listen: Listen) -> Summary:
        """Delete every resource, then the stack. Raises EngineError."""
        summary = self._run("destroy", listen)
        self._stack.workspace.remove_stack(self._name, preserve_config=True)
        return summary

    def set_config(self, values: Mapping[str, str]) -> None:
        """Set plain configuration values of the stack, such as `aws:region`."""
        from pulumi import automation

        self._stack.set_all_config({key: automation.ConfigValue(value) for key, value in values.items()}, path=True)

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs; secret ones as `[secret]`."""
        return _public(self._stack.outputs())

    @cached_property
    def _stack(self) -> Any:
        from pulumi import automation

        command = automation.PulumiCommand(root=str(self._engine.root), skip_version_check=True)
        options = automation.LocalWorkspaceOptions(pulumi_command=command, env_vars=self._environment)
        try:
            if self._program is not None:
                return automation.create_or_select_stack(
                    self._name, project_name="program", program=self._program, opts=options
                )
            return automation.create_or_select_stack(self._name, work_dir=str(self._root), opts=options)
        except automation.CommandError as error:
            raise EngineError("stack-unavailable", said(str(error)), "see what the engine says above") from error

    def _run(self, verb: str, listen: Listen, **options: Any) -> Summary:
        from pulumi import automation

        stack = self._stack
        diagnostics: list[str] = []
        changes: dict[str, int] = {}

        def on_event(event: Any) -> None:
            if event.summary_event:
                changes.update(
                    {str(getattr(op, "value", op)): count for op, count in event.summary_event.resource_changes.items()}
                )
            elif event.diagnostic_event and event.diagnostic_event.severity in {"error", "info#err"}:
                diagnostics.append(event.diagnostic_event.message)
            elif step := _step(event):
                listen(step)

        try:
            result = getattr(stack, verb)(on_event=on_event, color="never", **options)
        except automation.ConcurrentUpdateError as error:
            raise EngineError(
                "stack-locked",
                f"another update of the stack {self._name} is running, or was killed",
                "wait for it, or run `pulumi cancel`",
            ) from error
        except automation.CommandError as error:
            told = (_unmarked(text).strip() for text in diagnostics)
            cause = "\n".join(text for text in told if text not in CLOSING_WORDS) or said(str(error))
            raise EngineError(
                f"{verb}-failed",
                cause.strip(),
                f"mend the cause and run `fogbank {verb}` again; what was made stays in the stack's state",
            ) from error
        return Summary(changes=changes, outputs=_public(getattr(result, "outputs", {})))


def _public(outputs: Mapping[str, Any]) -> dict[str, Any]:
    return {name: "[secret]" if value.secret else value.value for name, value in outputs.items()}


def _step(event: Any) -> Step | None:
    for source, done, failed in (
        (event.resource_pre_event, False, False),
        (event.res_outputs_event, True, False),
        (event.res_op_failed_event, True, True),
    ):
        if source:
            meta = source.metadata
            kind, _, name = meta.urn.split("::")[2:3][0].rpartition("$")[2], "", meta.urn.rpartition("::")[2]
            return Step(op=str(getattr(meta.op, "value", meta.op)), kind=kind, name=name, done=done, failed=failed)
    return None


def _unmarked(text: str) -> str:
    """A diagnostic without the engine's colour marks (`<{%reset%}>`)."""
    return re.sub(r"<\{%[^%]*%\}>", "", text)


def said(text: str) -> str:
    """What the engine itself said, out of a CommandError's text: its stderr, else all of it."""
    _, _, stderr = text.partition("stderr:")
    return (stderr or text).strip()
