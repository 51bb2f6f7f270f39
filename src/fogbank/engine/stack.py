"""Drive the engine over a project's stack, through Pulumi's Automation API.

In: a project, an engine and its environment; out: events to a listener, outputs, or an EngineError with what the user
must read. The environment is what `fogbank env` prints, so plain `pulumi up` does the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from fogbank.contracts.errors import EngineError, ProjectError
from fogbank.engine.attached import VARIABLE, Attached
from fogbank.engine.environment import Variables, backend_folder, link_environment, state_file, whole
from fogbank.engine.locate import Engine
from fogbank.engine.locks import freed, interrupt_holders, locks
from fogbank.engine.operations import (
    CAUSES,
    Diagnostic,
    Listener,
    Operation,
    Summary,
    cause_of,
    changes_of,
    diagnostic_of,
    hint_of,
    operation_of,
    outputs_of,
)
from fogbank.engine.previews import Previews
from fogbank.engine.state import HIDDEN
from fogbank.engine.updates import Update, service_bucket, update_of

PROGRAM = "program"
"""The project of a program that is given as a function."""


class StackDriver:
    """One stack of the project in `root`, or of a program given as a function."""

    def __init__(
        self,
        root: Path,
        engine: Engine,
        environment: Variables,
        stack: str,
        program: Callable[[], None] | None = None,
        previews: Previews | None = None,
    ) -> None:
        if program is None and not (root / "Pulumi.yaml").is_file():
            raise ProjectError(
                "pulumi-yaml-missing",
                f"there is no Pulumi.yaml in {root}",
                "run `fogbank new` in an empty folder to see one",
            )
        if program is None:
            link_environment(root)
        self._root = root
        self._engine = engine
        self._environment = {name: value for name, value in environment.items() if value is not None}
        self._without = frozenset(environment) - frozenset(self._environment)
        self._name = stack
        self._program = program
        self._previews = previews
        self._attached = Attached(root)

    def up(self, listen: Listener, message: str = "") -> Summary:
        """Create and update; nothing before all that is refused was told. Raises EngineError.

        `message` is what the stack's history says of it. The Automation API's `up` skips the preview, in which the engine refuses. With
        `previews` one goes before it, where the program or its configuration is new.
        """
        if self._previews and not self._previews.are_current(self._name):
            self._refuse_in_preview()
        summary = self._run("up", listen, **({"message": message} if message else {}))
        if self._previews:
            self._previews.keep(self._name)
        return summary

    def _refuse_in_preview(self) -> None:
        try:
            self._run("preview", lambda _: None)
        except EngineError as error:
            if error.code != "preview-failed":
                raise
            hint = "mend the cause and run `fogbank up` again; nothing was made or changed"
            raise EngineError("up-failed", error.cause, hint) from error

    def preview(self, listen: Listener, *, expect_no_changes: bool = False) -> Summary:
        """What `up` would do. Raises EngineError, also for changes where none are expected."""
        return self._run("preview", listen, **({"expect_no_changes": True} if expect_no_changes else {}))

    def refresh(self, listen: Listener) -> Summary:
        """Make the state what the cloud says. Raises EngineError."""
        return self._run("refresh", listen)

    def destroy(self, listen: Listener) -> Summary:
        """Delete every resource, then the stack. Raises EngineError."""
        summary = self._run("destroy", listen)
        self._stack.workspace.remove_stack(self._name, preserve_config=True)
        del self._stack  # what comes next makes it again
        return summary

    def cancel(self) -> str:
        """End the update that is under way: a process of this machine is interrupted and waited for, any other's lock taken away.

        Out: what was done, in a few words. Raises EngineError.
        """
        from pulumi import automation

        done = interrupt_holders(self._backend, self._name)
        try:
            self._stack.cancel()
        except automation.CommandError as error:
            raise EngineError("cancel-failed", engines_own(str(error)), "see what the engine says above") from error
        return done

    def set_config(self, values: Mapping[str, Any]) -> None:
        """Set plain configuration values of the stack, such as `aws:region`, in its file, as they are written there."""
        import yaml

        file = Path(self._stack.workspace.work_dir) / f"Pulumi.{self._name}.yaml"
        document = (yaml.safe_load(file.read_text()) if file.exists() else None) or {}
        document["config"] = {**document.get("config", {}), **values}
        file.write_text(yaml.safe_dump(document))

    def history(self) -> tuple[Update, ...]:
        """Every operation on the stack that came to an end, newest first. Raises EngineError."""
        return tuple(map(update_of, self._asked(lambda stack: stack.history(show_secrets=False))))

    def bucket(self) -> str:
        """The bucket of the stack's ModelService; empty where there is none. Raises EngineError."""
        return service_bucket(self._asked(lambda stack: stack.export_stack()).deployment or {})

    def _asked(self, ask: Callable[[Any], Any]) -> Any:
        from pulumi import automation

        try:
            return ask(self._stack)
        except automation.CommandError as error:
            raise EngineError("stack-unreadable", engines_own(str(error)), "see what the engine says above") from error

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs; secret ones as `[secret]`. Raises EngineError."""
        outputs = self._asked(lambda stack: stack.workspace.stack_outputs(self._name))
        return {name: HIDDEN if value.secret else value.value for name, value in outputs.items()}

    @cached_property
    def _stack(self) -> Any:
        from pulumi import automation

        from fogbank.engine.command import InterruptibleCommand
        from fogbank.engine.known import KnownStack

        command = InterruptibleCommand(self._engine, without=self._without, attached=self._attached)
        options = automation.LocalWorkspaceOptions(pulumi_command=command, env_vars=self._environment)
        try:
            if self._program is None:
                options.work_dir = str(self._root)
            else:
                folder = self._root / PROGRAM  # the engine's library would leave one in the system's temporary folder
                folder.mkdir(parents=True, exist_ok=True)
                options.work_dir, options.program = str(folder), self._program
                options.project_settings = automation.ProjectSettings(PROGRAM, "python", main=str(Path.cwd()))
            workspace = automation.LocalWorkspace(**options.__dict__)
            return KnownStack(self._name, workspace, there=self._is_there(workspace.project_settings().name))
        except automation.CommandError as error:
            raise EngineError("stack-unavailable", engines_own(str(error)), "see what the engine says above") from error

    def _is_there(self, project: str) -> bool | None:
        """Whether the stack is there; None for other backends than a folder, of which nothing is known."""
        folder = backend_folder(self._backend)
        if folder is None:
            return None
        return (folder / ".pulumi" / "stacks" / project / f"{self._name}.json").is_file()

    def _run(self, verb: str, listen: Listener, **options: Any) -> Summary:
        with self._attached.running(whole(self._environment, self._without), self._local_state()):
            return self._told(verb, listen, **options)

    def _local_state(self) -> Path | None:
        """The stack's file, where it is one of a local cloud in a folder."""
        folder = backend_folder(self._backend) if VARIABLE in self._environment else None
        return state_file(folder, self._name) if folder else None

    def _told(self, verb: str, listen: Listener, **options: Any) -> Summary:
        from pulumi import automation

        diagnostics: list[Diagnostic] = []
        operations: list[Operation] = []
        changes: dict[str, int] = {}
        told: list[dict[str, Any]] = []

        def on_event(event: Any) -> None:
            if event.summary_event:
                changes.update(changes_of(event.summary_event))
            elif event.diagnostic_event and event.diagnostic_event.severity in CAUSES:
                diagnostics.append(diagnostic_of(event.diagnostic_event))
            elif operation := operation_of(event):
                operations.append(operation)
                listen(operation)
                if (known := outputs_of(event)) is not None:
                    told.append(known)

        try:
            self._operate(verb, on_event=on_event, **options)
        except automation.ConcurrentUpdateError as error:
            raise self._locked() from error
        except automation.CommandError as error:
            cause = cause_of(diagnostics) or engines_own(str(error))
            raise EngineError(f"{verb}-failed", cause, hint_of(verb, cause)) from error
        outputs = told[-1] if told and verb == "up" else {}
        return Summary(changes=changes, outputs=outputs, operations=tuple(operations))

    def _operate(self, verb: str, **options: Any) -> Any:
        """The operation; once more where only a dead process's lock was in its way, or that of an engine whose fogbank was killed, which
        was waited for. Raises CommandError."""
        from pulumi import automation

        operation = getattr(self._stack, verb)
        try:
            return operation(color="never", **options)
        except automation.ConcurrentUpdateError:
            if not freed(self._backend, self._name):
                raise
        return operation(color="never", **options)

    def _locked(self) -> EngineError:
        """Somebody else is at the stack."""
        holders = ", ".join(f"process {lock.pid} on {lock.host}" for lock in locks(self._backend, self._name))
        return EngineError(
            "stack-locked",
            f"another update of the stack {self._name} is running" + (f" ({holders})" if holders else ""),
            f"wait for its end, or end it: `fogbank cancel -s {self._name}`",
        )

    @property
    def _backend(self) -> str:
        return self._environment.get("PULUMI_BACKEND_URL", "")


def engines_own(text: str) -> str:
    """The engine's stderr, out of a CommandError's text; all of the text where it has none."""
    _, _, stderr = text.partition("stderr:")
    return (stderr or text).strip()
