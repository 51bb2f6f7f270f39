"""A Pulumi program on a local cloud: by the real engine, or by the engine's mocks over the same stand-in.

In: a program (a function, or a project's folder) and a cloud; out: a `Deployment` with outputs. A function may return a
mapping, which is exported.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi

from fogbank.contracts.errors import EngineError
from fogbank.contracts.tokens import LIVE_CONFIGURATION, OWN
from fogbank.engine.environment import stack_environment
from fogbank.engine.operations import Operation, Summary
from fogbank.engine.previews import Previews
from fogbank.engine.stack import StackDriver
from fogbank.ground.aws import LocalClients
from fogbank.ground.pickles import undo_dill
from fogbank.project.account.stacks import find_engine
from fogbank.project.packaging.package_images import PackageImages
from fogbank.project.workplace.installation import fogbank_version
from fogbank.provider.assets import ARCHIVE, ASSET
from fogbank.provider.compare import SIGNATURE
from fogbank.provider.fogbank import FogbankProvider
from fogbank.provider.resource import Failure, Provider, ProvisionError
from fogbank.provider.standin import TABLE, StandIn
from fogbank.testing.cloud import CloudProcess

undo_dill()
Program = Callable[[], Mapping[str, Any] | None]
LOCAL_CONFIG = {"aws:region": "us-east-1", "aws:skipCredentialsValidation": "true"}


@dataclass
class Deployment:
    """What a program made. `resources` maps logical names to states (mocks only); `driver` drives the stack (engine only)."""

    outputs: Mapping[str, Any]
    summary: Summary | None = None
    driver: StackDriver | None = None
    resources: dict[str, dict[str, Any]] = field(default_factory=dict)
    steps: list[Operation] = field(default_factory=list)


def deploy_with_engine(program: Program | Path, cloud: CloudProcess, state: Path, stack: str = "local") -> Deployment:
    """`pulumi up` by the real engine; its state lies in `state`. Raises EngineError."""
    engine = find_engine(lambda _: None)
    environment = stack_environment(state, engine, cloud.url, cloud.address.provider_port, cloud.secret)
    if isinstance(program, Path):
        driver = StackDriver(program, engine, environment, stack, previews=Previews(program, state / "previewed"))
    else:
        driver = StackDriver(state, engine, environment, stack, _exporting(program))
        driver.set_config({**LOCAL_CONFIG, "aws:endpoints": [{"s3": cloud.url}]})
    summary = driver.up(lambda _: None)
    return Deployment(outputs=summary.outputs, summary=summary, driver=driver, steps=list(summary.operations))


def deploy_with_mocks(program: Program, cloud: CloudProcess) -> Deployment:
    """Create only, in this process: Pulumi's engine mocks, with the stand-in's own check and create behind them.

    Raises EngineError for an input that the stand-in refuses.
    """
    mocks = StandInMocks(StandIn(clients=LocalClients(cloud.url, cloud.secret)))
    outputs: dict[str, Any] = {}

    @pulumi.runtime.test  # type: ignore[untyped-decorator]  # Pulumi's own
    def run() -> Any:
        exports = program() or {}
        return pulumi.Output.all(**exports).apply(outputs.update) if exports else None

    loop = asyncio.new_event_loop()  # Pulumi takes the thread's loop; this one is closed when the program is done
    asyncio.set_event_loop(loop)
    try:
        pulumi.runtime.set_mocks(mocks, project="program", stack="local", preview=False)
        run()
    except Exception as error:
        raise mocks.failure or error from error
    finally:
        pulumi.runtime.settings.reset_options()  # mocks are set for the process: what comes next begins without them
        asyncio.set_event_loop(None)
        loop.close()
    if mocks.failure:
        raise mocks.failure
    return Deployment(outputs=outputs, resources=mocks.resources)


class StandInMocks(pulumi.runtime.Mocks):
    """Pulumi's mocks over a stand-in."""

    def __init__(self, standin: StandIn) -> None:
        self._standin = standin
        self._own: Provider = FogbankProvider(
            images=PackageImages(),
            version=fogbank_version(),
            clients=lambda service, _: standin.clients(service, "us-east-1"),
        )
        self.resources: dict[str, dict[str, Any]] = {}
        self.failure: EngineError | None = None

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        """Check and create."""
        inputs = {key: _plain(value) for key, value in args.inputs.items()}
        if not args.custom and args.typ not in TABLE:
            return args.name, inputs
        try:
            provider = self._own if args.typ in OWN else self._standin
            named, failures = provider.check(args.typ, inputs, {}, args.name, args.name.encode())
            refuse(failures)
            id_, state = provider.create(args.typ, named)
        except ProvisionError as error:
            self.failure = self.failure or EngineError("up-failed", f"{args.name}: {error}", "mend the program")
            raise
        self.resources[args.name] = state
        return id_, state

    def call(self, args: pulumi.runtime.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        """Data sources."""
        if args.token == LIVE_CONFIGURATION:
            return self._own.invoke(args.token, dict(args.args)), []
        return self._standin.invoke(args.token, dict(args.args)), []


def refuse(failures: list[Failure]) -> None:
    """Raises ProvisionError for inputs that the stand-in refuses."""
    if failures:
        raise ProvisionError("; ".join(f"{item.property} {item.reason}" for item in failures))


def _exporting(program: Program) -> Callable[[], None]:
    def run() -> None:
        for name, value in (program() or {}).items():
            pulumi.export(name, value)

    return run


def _plain(value: Any) -> Any:
    """Assets as the stand-in has them."""
    if isinstance(value, pulumi.FileAsset):
        return {"path": str(value.path)}
    if isinstance(value, pulumi.StringAsset):
        return {"text": value.text}
    if isinstance(value, pulumi.AssetArchive):
        members = {name: {SIGNATURE: ASSET, **_plain(asset)} for name, asset in value.assets.items()}
        return {SIGNATURE: ARCHIVE, "assets": members}
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def collect_pulumis_leftovers() -> None:
    """Collect what Pulumi's SDK leaves open after programs in this process: event loops and coroutines.

    Python would collect them at any later moment and print a traceback for each. That blames a test which has nothing to do
    with them, and in Python 3.11 it breaks a parser that happens to run (a traceback's carets are made by parsing).
    """
    hook = sys.unraisablehook
    sys.unraisablehook = lambda _: None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()
    finally:
        sys.unraisablehook = hook
