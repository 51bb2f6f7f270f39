"""A project, and all that can be done with it. Prints nothing: what happens is told to a listener as events.

In: a folder inside a project; out: packages, reports, deployments, answers, verdicts; or a FogbankError with the next step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.errors import EngineError, ProjectError
from fogbank.project.cloud import ProjectCloud
from fogbank.project.config import load_config
from fogbank.project.events import Listener, Steps, ignore

if TYPE_CHECKING:
    from fogbank.check import Report
    from fogbank.contracts.manifest import Manifest
    from fogbank.engine.environment import Variables
    from fogbank.engine.operations import Summary
    from fogbank.project.checking import CheckOptions
    from fogbank.project.clients import Clients
    from fogbank.project.images import PackedImage
    from fogbank.project.invoke import Answer
    from fogbank.project.monitor import Verdict
    from fogbank.project.stacks import ProjectStacks
    from fogbank.project.transform import TransformResult
    from fogbank.trust import Verified

    Agree = Callable[[Summary], bool]


@dataclass(frozen=True, kw_only=True)
class Package:
    """What `pack` made: the manifest, the images in the package's folder, and the file that seals it all."""

    manifest: Manifest
    images: tuple[PackedImage, ...]
    provenance: Path


class Project:
    """A project on disk: the nearest folder from `root` upwards whose pyproject.toml has a `[tool.fogbank]` table.

    `events` is given every event, in the thread in which it happens. A stack goes by its Pulumi name, without one the
    project's own is meant; an endpoint or a schedule by its full name, or without the project's (`live`).

    >>> project = Project(events=print)          # doctest: +SKIP
    >>> project.deploy().outputs["endpoint"]     # doctest: +SKIP
    'churn-live'
    """

    def __init__(self, root: Path | str = ".", *, events: Listener = ignore) -> None:
        self.config: ProjectConfig = load_config(Path(root))
        self._steps = Steps(events)
        self.cloud = ProjectCloud(self.config, self._steps)

    @cached_property
    def _stacks(self) -> ProjectStacks:
        from fogbank.project.stacks import ProjectStacks

        return ProjectStacks(self.config, self.cloud, self._steps)

    @property
    def manifest(self) -> Manifest:
        """The package that is there. Raises PackageError (`package-missing`)."""
        from fogbank.contracts.manifest import load_manifest

        return load_manifest(self.config.package)

    def train(self) -> str:
        """Run the project's training; its last line. Raises PackageError (`training-failed`)."""
        from fogbank.project import training

        return training.train(self.config, self._steps)

    def pack(
        self,
        *,
        image: bool = False,
        platforms: Sequence[str] = (),
        containerfile: bool = False,
        key: Path | None = None,
    ) -> Package:
        """Train if that is due, package, and seal, signed with the private `key` (PEM) if there is one.

        `image` makes the container's too, for the project's platform or for `platforms`; one that lies in the package's folder
        already belongs to it, and is kept up. Raises DataError, GateError, PackageError, RegistryError.
        """
        from fogbank.engine.environment import link_environment
        from fogbank.project import images, packing, seal

        link_environment(self.config.root)
        manifest = packing.pack(self.config, self._steps)
        present = images.packed_platforms(manifest)
        image = image or bool(present)
        chosen = platforms or present or (self.config.platform,)
        plans = images.plan_images(self.config, manifest, chosen, self._steps) if image or containerfile else ()
        built = images.pack_images(manifest, plans, self._steps) if image else ()
        if containerfile:
            images.write_containerfiles(self.config, plans, self._steps)
        provenance = seal.seal_package(self.config, manifest, plans if image else (), seal.signing_key(key))
        return Package(manifest=manifest, images=built, provenance=provenance)

    def check(self, options: CheckOptions | None = None) -> Report:
        """Train and pack if that is due, then rehearse the package as SageMaker would run it. Raises CheckError, PackageError."""
        from fogbank.project import checking, packing

        manifest = packing.pack(self.config, self._steps)
        return checking.check_package(self.config, manifest, options or checking.CheckOptions(), self._steps)

    def verify(self, key: Path | None = None, *, unsigned: bool = False) -> Verified:
        """Check every byte of the package against its seal, signed with a public `key` (PEM). Raises TrustError."""
        from fogbank.project import seal

        return seal.verify_package(self.config.package, key, self._steps, unsigned=unsigned)

    def push(self, reference: str = "", *, platform: str = "") -> str:
        """Push the package's image, to the project's `repository` if nowhere else; `host/name@sha256:...`.

        Raises PackageError, ProjectError, RegistryError.
        """
        from fogbank.project import images

        target = reference or self.config.repository
        if not target:
            raise ProjectError(
                "repository-missing",
                "no repository is named",
                "give one (`fogbank push host/name:tag`), or set `repository` in [tool.fogbank]",
            )
        with self._steps("push") as step:
            chosen = platform or self.config.platform
            uri = images.push_image(self.config, self.manifest, target, chosen, step.progress)
            step.done(uri.rpartition("@")[2][:19])
        return uri

    def deploy(
        self, stack: str = "", *, packed: bool = False, check: bool = True, agree: Agree | None = None
    ) -> Summary:
        """Train, pack and check what has changed, start the local cloud if the stack is its, then create or update the resources.

        `packed` takes the package that is there, byte for byte. `agree` is asked about the changes before they are made to a stack
        on AWS. Raises FogbankError; EngineError (`up-declined`) where it does not agree.
        """
        from fogbank.project import checking, packing

        manifest = packing.present(self.config, self._steps) if packed else packing.pack(self.config, self._steps)
        if check:
            checking.check_once(self.config, manifest, self._steps)
        name = self.stack_name(stack)
        if self.is_local(stack):
            self.cloud.start()
        elif agree is not None:
            plan = self._stacks.preview(name, expect_no_changes=False)
            if plan.changed and not agree(plan):
                raise EngineError("up-declined", f"nothing was changed in the stack {name}", "")
        return self._stacks.up(name)

    def preview(self, stack: str = "", *, expect_no_changes: bool = False) -> Summary:
        """What `deploy` would do to the resources. Raises FogbankError, also for changes where none are expected."""
        from fogbank.project import packing

        packing.pack(self.config, self._steps)
        if self.is_local(stack):
            self.cloud.start()
        return self._stacks.preview(self.stack_name(stack), expect_no_changes=expect_no_changes)

    def refresh(self, stack: str = "") -> Summary:
        """Make the stack's state what the cloud says. Raises CloudError, EngineError."""
        return self._stacks.refresh(self.stack_name(stack))

    def destroy(self, stack: str = "") -> Summary:
        """Delete every resource of the stack, and the stack; nobody is asked. Raises CloudError, EngineError."""
        return self._stacks.destroy(self.stack_name(stack))

    def outputs(self, stack: str = "") -> dict[str, Any]:
        """The stack's outputs; secret ones as `[secret]`. Raises CloudError, EngineError."""
        return self._stacks.outputs(self.stack_name(stack))

    def is_local(self, stack: str = "") -> bool:
        """Whether the stack is the local cloud's: nothing of it is on AWS. Raises ProjectError."""
        return self._stacks.is_local(self.stack_name(stack))

    def environment(self, stack: str = "") -> Variables:
        """The variables with which plain `pulumi` works on the stack, and boto3 and the AWS CLI reach the local cloud if it is its;
        what is None is to be unset. Raises CloudError, EngineError.
        """
        return self._stacks.environment(self.stack_name(stack))

    def invoke(
        self, endpoint: str, body: bytes, content_type: str = "text/csv", accept: str | None = None, *, stack: str = ""
    ) -> Answer:
        """The endpoint's answer to one request, on the local cloud or in the stack's account. Raises AwsError, CloudError."""
        from fogbank.project.invoke import send_request

        return send_request(self._clients(stack), self.full_name(endpoint, stack), body, content_type, accept)

    def transform(self, schedule: str, rows: bytes, *, name: str = "rows.csv", stack: str = "") -> TransformResult:
        """Run the batch transform job of a schedule over rows, now. Raises AwsError, CloudError, DataError."""
        from fogbank.project.transform import run_transform

        return run_transform(self._clients(stack), self.full_name(schedule, stack), name, rows, self._steps)

    def monitor(self, schedule: str, *, stack: str = "") -> Verdict:
        """Run a monitoring schedule now, over what was captured since its last execution. Raises AwsError, CloudError, DataError.

        On AWS only its schedule runs it: DataError (`monitor-not-on-demand`).
        """
        from fogbank.project.monitor import refuse_on_demand, run_monitor

        if not self.is_local(stack):
            refuse_on_demand(schedule, self.stack_name(stack))
        return run_monitor(self.cloud, self.full_name(schedule), self._steps)

    def last_verdict(self, schedule: str, *, stack: str = "") -> Verdict:
        """The verdict of a monitoring schedule's newest execution. Raises AwsError, CloudError, DataError."""
        from fogbank.project.monitor import judged, newest_verdict

        return judged(newest_verdict(self._clients(stack), self.full_name(schedule, stack)))

    def logs(self, name: str, lines: int = 40, *, stack: str = "") -> dict[str, str]:
        """The last lines of what an endpoint, or the jobs of a schedule, wrote, by their place: on the local cloud, or in the
        account's CloudWatch Logs. Raises AwsError, CloudError, DataError.
        """
        from fogbank.project.logs import account_logs

        if self.is_local(stack):
            return self.cloud.logs(name, lines)
        return account_logs(self._clients(stack), self.full_name(name, stack), lines)

    def full_name(self, name: str, stack: str = "") -> str:
        """`live` as `<project>-live`, and as `<project>-<stack>-live` on AWS; a name that begins so stays."""
        prefix = self._stacks.prefix(self.stack_name(stack))
        return name if name.startswith(f"{prefix}-") else f"{prefix}-{name}"

    def _clients(self, stack: str) -> Clients:
        return self._stacks.clients(self.stack_name(stack))

    def stack_name(self, stack: str = "") -> str:
        """The stack that is meant: the one that is named, else the project's own."""
        return stack or self.config.stack
