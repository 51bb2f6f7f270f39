"""A project, and all that can be done with it. Prints nothing: what happens is told to a listener as events.

In: a folder inside a project; out: packages, reports, deployments, answers, verdicts; or a FogbankError with the next step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.errors import EngineError, ProjectError
from fogbank.project.local.cloud import ProjectCloud
from fogbank.project.workplace.config import load_config
from fogbank.project.workplace.events import Listener, Steps, ignore

if TYPE_CHECKING:
    from fogbank.check import Report
    from fogbank.contracts.manifest import Manifest
    from fogbank.engine.environment import Variables
    from fogbank.engine.operations import Summary
    from fogbank.project.account.stacks import ProjectStacks
    from fogbank.project.account.suite_report import SuiteReport
    from fogbank.project.account.takeover import Adoption
    from fogbank.project.calling.clients import Clients
    from fogbank.project.calling.engines import EngineName
    from fogbank.project.calling.invoke import Answer
    from fogbank.project.calling.load import LoadReport
    from fogbank.project.calling.naming import Kind
    from fogbank.project.calling.transform import TransformResult
    from fogbank.project.declared.findings import Finding
    from fogbank.project.declared.rules import Broken
    from fogbank.project.monitoring.verdict import Verdict
    from fogbank.project.packaging.audit import Audit
    from fogbank.project.packaging.checking import CheckOptions
    from fogbank.project.packaging.images import PackedImage
    from fogbank.project.pricing.advice import Choice
    from fogbank.project.pricing.price import Price
    from fogbank.project.versions.deployments import Deployment
    from fogbank.project.versions.history import History
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
        from fogbank.project.account.stacks import ProjectStacks

        return ProjectStacks(self.config, self.cloud, self._steps)

    @property
    def manifest(self) -> Manifest:
        """The package that is there. Raises PackageError (`package-missing`)."""
        from fogbank.contracts.manifest import load_manifest

        return load_manifest(self.config.package)

    def train(self) -> str:
        """Run the project's training; its last line. Raises PackageError (`training-failed`)."""
        from fogbank.project.packaging import fetched, training

        fetched.forget(self.config)
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
        already belongs to it, and is kept up. A base that the project
        does not name is pinned in pyproject.toml. Raises DataError, GateError, PackageError, RegistryError.
        """
        from fogbank.engine.environment import link_environment
        from fogbank.project.packaging import fetched, images, packing, pinning, seal

        link_environment(self.config.root)
        fetched.forget(self.config)
        manifest = packing.pack(self.config, self._steps)
        present = images.packed_platforms(manifest)
        image = image or bool(present)
        chosen = platforms or present or (self.config.platform,)
        config = pinning.pinned_where_due(self.config, chosen, self._steps) if image or containerfile else self.config
        plans = images.plan_images(config, manifest, chosen, self._steps) if image or containerfile else ()
        built = images.pack_images(manifest, plans, self._steps) if image else ()
        if containerfile:
            images.write_containerfiles(self.config, plans, self._steps)
        provenance = seal.seal_package(self.config, manifest, plans if image else (), seal.signing_key(key))
        return Package(manifest=manifest, images=built, provenance=provenance)

    def _package(self, *, packed: bool = False) -> Manifest:
        """The package that is meant: the one that is there where it was fetched or is `packed`; else training and packing where due."""
        from fogbank.project.packaging import fetched, packing

        if packed or fetched.is_fetched(self.config):
            return packing.present(self.config, self._steps)
        return packing.pack(self.config, self._steps)

    def publish(self, place: str, *, stack: str = "") -> str:
        """Publish the package as it is, with its image and its seal, to `s3://bucket/prefix` or a repository; `<place>@sha256:<digest>`.

        S3 and ECR are asked as the stack says. Raises AwsError, CloudError, PackageError, RegistryError, TrustError.
        """
        from fogbank.project.versions import promotion

        name = self.stack_name(stack)
        return promotion.publish(self.config, place, self._clients(stack), self._stacks.profile(name), self._steps)

    def fetch(self, reference: str, *, stack: str = "") -> Manifest:
        """Let a published package be the project's, by what `publish` gave: `deploy` takes it, and trains and packs nothing, until one of
        `train` and `pack` is called. Raises AwsError, CloudError, DigestError, PackageError, RegistryError, TrustError.
        """
        from fogbank.project.versions import promotion

        name = self.stack_name(stack)
        return promotion.fetch(self.config, reference, self._clients(stack), self._stacks.profile(name), self._steps)

    def check(self, options: CheckOptions | None = None) -> Report:
        """Train and pack if that is due, then rehearse the package as SageMaker would run it. Raises CheckError, PackageError."""
        from fogbank.project.packaging import checking

        manifest = self._package()
        return checking.check_package(self.config, manifest, options or checking.CheckOptions(), self._steps)

    def verify(self, key: Path | None = None, *, unsigned: bool = False) -> Verified:
        """Check every byte of the package against its seal, signed with a public `key` (PEM), else the one that the project requires.

        Raises TrustError.
        """
        from fogbank.project.packaging import seal

        chosen = key or (None if unsigned else self.config.require_signature)
        return seal.verify_package(self.config.package, chosen, self._steps, unsigned=unsigned)

    def audit(self) -> Audit:
        """Look the locked dependencies up in OSV's data. Raises PackageError, TrustError (`osv-unreachable`, `osv-malformed`)."""
        from fogbank.project.packaging import audit

        return audit.audit(self.config, self._steps)

    def push(self, reference: str = "", *, platform: str = "") -> str:
        """Push the package's image, to the project's `repository` if nowhere else; `host/name@sha256:...`.

        Raises PackageError, ProjectError, RegistryError; TrustError where the project requires a signature that is not there.
        """
        from fogbank.project.packaging import images, seal

        target = reference or self.config.repository
        if not target:
            raise ProjectError(
                "repository-missing",
                "no repository is named",
                "give one (`fogbank push host/name:tag`), or set `repository` in [tool.fogbank]",
            )
        seal.require_signature(self.config, self._steps)
        with self._steps("push") as step:
            chosen = platform or self.config.platform
            uri = images.push_image(self.config, self.manifest, target, chosen, step.progress)
            step.done(uri.rpartition("@")[2][:19])
        return uri

    def deploy(
        self, stack: str = "", *, packed: bool = False, check: bool = True, agree: Agree | None = None
    ) -> Summary:
        """Train, pack and check what has changed, start the local cloud if the stack is its, then create or update the resources.

        `packed` takes the package that is there, byte for byte, and so is one that was fetched.
        `agree` is asked about the changes before they are made to a stack
        on AWS, into whose account `check` looks first (AwsError `preflight-failed`). Raises FogbankError; EngineError (`up-declined`) where it does not agree.
        """
        if self.is_local(stack):
            self.cloud.require_port()
        manifest = self._package(packed=packed)
        return self._deploy(manifest, stack, check=check, agree=agree)

    def _deploy(
        self, manifest: Manifest, stack: str, *, check: bool, agree: Agree | None, back: bool = False
    ) -> Summary:
        """The package that is there, to the stack; `back` says that it was there before."""
        from fogbank.project.declared.findings import refuse
        from fogbank.project.packaging import checking, seal
        from fogbank.project.versions.deployments import message

        seal.require_signature(self.config, self._steps)
        if check:
            checking.check_once(self.config, manifest, self._steps)
        name = self.stack_name(stack)
        if self.is_local(stack):
            self.cloud.start()
        elif check:
            refuse(self.preflight(stack), name)
        self._look(name)
        if not self.is_local(stack) and agree is not None:
            plan = self._stacks.preview(name, expect_no_changes=False)
            if plan.changed and not agree(plan):
                raise EngineError("up-declined", f"nothing was changed in the stack {name}", "")
        history = self._history(name)
        summary = self._stacks.up(name, message(manifest.artifact_sha256, history.who(), back=back))
        history.keep(manifest)
        return summary

    def adopt(self, endpoint: str, *, stack: str = "") -> Adoption:
        """Write a file of the program that imports an endpoint that is there, by its full name, with its configuration and models.

        Raises AwsError, CloudError, DataError, ProjectError.
        """
        from fogbank.project.account.takeover import adopt

        return adopt(self.config.root, self._clients(stack), endpoint)

    def price(self, stack: str = "") -> Price:
        """What a month of the stack costs, by what its program declares and the package's rates; AWS is not asked. Raises ProjectError."""
        from fogbank.project.account.proposal import price

        return price(self.config, self.stack_name(stack))

    def policy(self, stack: str = "") -> tuple[Broken, ...]:
        """The rules of the stack's `fogbank:policy` that its program breaks, waived or not; AWS is not asked. Raises ProjectError."""
        from fogbank.project.account.proposal import judge

        return judge(self.config, self.stack_name(stack))

    def _look(self, name: str) -> None:
        """Price and rules of a stack on AWS, and of a local one that sets them. Raises BudgetError, PolicyError, ProjectError."""
        from fogbank.project.account.stacks import has_limits

        if not self.is_local(name) or has_limits(self.config, name):
            from fogbank.project.account.proposal import look

            look(self.config, name, self._steps)

    def history(self, stack: str = "") -> tuple[Deployment, ...]:
        """The stack's deployments, newest first. Raises CloudError, EngineError."""
        return self._history(self.stack_name(stack)).deployments()

    def rollback(self, to: str = "", *, stack: str = "", agree: Agree | None = None) -> Summary:
        """Deploy an earlier package again, byte for byte: `to` is a deployment's number or the beginning of its digest, else the newest
        good one of another package is meant. `agree` as in `deploy`. Raises FogbankError.
        """
        if self.is_local(stack):
            self.cloud.start()
        from fogbank.project.packaging import fetched

        with self._history(self.stack_name(stack)).rolled_back(to) as manifest:
            fetched.go_back(self.config)
            return self._deploy(manifest, stack, check=False, agree=agree, back=True)

    def _history(self, name: str) -> History:
        from fogbank.project.versions.history import History

        return History(self.config, self._stacks, name, self._steps)

    def preview(self, stack: str = "", *, packed: bool = False, expect_no_changes: bool = False) -> Summary:
        """What `deploy` would do to the resources. Raises FogbankError, also for changes where none are expected."""
        self._package(packed=packed)
        if self.is_local(stack):
            self.cloud.start()
        self._look(self.stack_name(stack))
        return self._stacks.preview(self.stack_name(stack), expect_no_changes=expect_no_changes)

    def refresh(self, stack: str = "") -> Summary:
        """Make the stack's state what the cloud says. Raises CloudError, EngineError."""
        return self._stacks.refresh(self.stack_name(stack))

    def cancel(self, stack: str = "") -> str:
        """End the update that is under way, or take its lock away; what was done. Raises CloudError, EngineError."""
        return self._stacks.cancel(self.stack_name(stack))

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
        from fogbank.project.calling.invoke import send_request

        with self._told("endpoint", endpoint, stack) as (clients, name):
            return send_request(clients, name, body, content_type, accept)

    def load(
        self,
        endpoint: str,
        rows: bytes | None = None,
        *,
        captured: bool = False,
        rate: float = 20,
        seconds: float = 10,
        wanted: float | None = None,
        stack: str = "",
    ) -> tuple[LoadReport, tuple[Choice, ...]]:
        """Send `rate` requests a second: rows of a CSV (the training's sample by default), or what was captured. What came of it, and which
        instances would carry `wanted` requests a second (the rate by default). Raises AwsError, CloudError, DataError.
        """
        from fogbank.project.calling.load import replay_at, requests_for
        from fogbank.project.pricing.advice import choices
        from fogbank.project.pricing.rates import rates

        clients, name = self._clients(stack), self.full_name(endpoint, stack)
        requests = requests_for(clients, name, rows, self.config.trained / "sample.csv", captured=captured)
        report = replay_at(clients, name, requests, rate, seconds, self._steps)
        return report, choices(report.alone_ms / 1000, wanted or rate, rates())

    def transform(self, schedule: str, rows: bytes, *, name: str = "rows.csv", stack: str = "") -> TransformResult:
        """Run the batch transform job of a schedule over rows, now. Raises AwsError, CloudError, DataError."""
        from fogbank.project.calling.transform import run_transform

        with self._told("batch schedule", schedule, stack) as (clients, full):
            return run_transform(clients, full, name, rows, self._steps)

    def transform_file(
        self, schedule: str, file: Path, target: Path, *, engine: EngineName = "local", stack: str = ""
    ) -> None:
        """What the job of a schedule would write of a file, into `target`, by an engine and without a job: the package that is here,
        the schedule's request. Raises AwsError, CloudError, DataError, PackageError."""
        from fogbank.project.calling import engines
        from fogbank.project.calling.transform import scheduled

        with self._told("batch schedule", schedule, stack) as (clients, full):
            request = scheduled(clients, full)
        with self._steps(f"transform {file.name} by {engine}") as step:
            engines.score(engine, self.manifest, request, file, target)
            step.done(f"{target.stat().st_size:,} bytes")

    def monitor(self, schedule: str, *, stack: str = "") -> Verdict:
        """Run a monitoring schedule now, over what was captured since its last execution. Raises AwsError, CloudError, DataError.

        What SageMaker's Model Monitor carries on AWS is run by its schedule alone: DataError (`monitor-not-on-demand`).
        """
        from fogbank.project.monitoring.monitor import run_monitor

        cloud = self.cloud if self.is_local(stack) else None
        with self._told("monitoring schedule", schedule, stack) as (clients, name):
            return run_monitor(clients, name, self._steps, cloud=cloud, stack=self.stack_name(stack))

    def constraints(self) -> Path:
        """The project's own constraints.json, checked; where there is none yet, the package's suggestion is put there first.

        Raises DataError (`constraints-invalid`), PackageError.
        """
        from fogbank.project.packaging.constraints import checked, constraints_file

        file = constraints_file(self.config)
        checked(file)
        return file

    def last_verdict(self, schedule: str, *, stack: str = "") -> Verdict:
        """The verdict of a monitoring schedule's newest execution that had data. Raises AwsError, CloudError, DataError."""
        from fogbank.project.monitoring.monitor import newest_verdict
        from fogbank.project.monitoring.verdict import judged

        with self._told("monitoring schedule", schedule, stack) as (clients, name):
            verdict = judged(newest_verdict(clients, name))
        if verdict.idle:
            self._steps.notice(
                f"it is of {verdict.scheduled:%Y-%m-%d %H:%M}; {verdict.idle} later run(s) found no data"
            )
        return verdict

    def logs(self, name: str, lines: int = 40, *, stack: str = "") -> dict[str, str]:
        """The last lines of what an endpoint, a function, or the jobs of a schedule, wrote, by their place: on the local cloud, or in the
        account's CloudWatch Logs. Raises AwsError, CloudError, DataError.
        """
        from fogbank.project.calling.logs import account_logs, function_logs

        if self.is_local(stack):
            written = function_logs(self._clients(stack), name, lines) if self.cloud.running() else {}
            return written or self.cloud.logs(name, lines)
        return account_logs(self._clients(stack), self.full_name(name, stack), lines)

    def preflight(self, stack: str) -> tuple[Finding, ...]:
        """What a deployment of the stack would meet in its account, before anything bills. Raises AwsError, ProjectError."""
        from fogbank.project.account.accounts import preflight

        name = self.stack_name(stack)
        if self.is_local(stack):
            raise ProjectError("stack-local", f"the stack {name} is the local cloud's", "name a stack on AWS")
        return preflight(self.config, name, self._clients(stack), self._steps)

    def verify_account(self, stack: str) -> SuiteReport:
        """Push, deploy, invoke, update, roll back, batch, monitor and destroy in the stack's account, under names of its own; what was
        seen, beside what the local cloud answers. It bills: `account_suite.most_usd()`. Raises FogbankError.
        """
        from fogbank.project.account import accounts
        from fogbank.project.declared.findings import refuse

        manifest = self._package()
        name = self.stack_name(stack)
        refuse(self.preflight(stack), name)
        return accounts.verify_account(self.config, name, manifest, self._clients(stack), self._steps)

    def deployer_policy(self, stack: str, account: str = "") -> dict[str, Any]:
        """The least IAM policy of who deploys the stack, in that account. Nobody is asked. Raises ProjectError."""
        from fogbank.project.account.accounts import deployer_policy

        return deployer_policy(self.config, self.stack_name(stack), account, self._steps)

    def names(self, kind: Kind, stack: str = "") -> list[str]:
        """What there is of a kind, by the names that the verbs take. Raises CloudError, ProjectError."""
        from fogbank.project.calling.naming import short_names

        return short_names(self._clients(stack), kind, self._stacks.prefix(self.stack_name(stack)))

    def scheduled(self, name: str, stack: str = "") -> tuple[Clients, str]:
        """The clients of the stack, and a schedule's full name. Raises CloudError, ProjectError."""
        return self._clients(stack), self.full_name(name, stack)

    def endpoint_status(self, name: str, stack: str = "") -> str:
        """SageMaker's word for how an endpoint is. Raises AwsError, CloudError."""
        from fogbank.project.calling.invoke import endpoint_status

        with self._told("endpoint", name, stack) as (clients, full):
            return endpoint_status(clients, full)

    @contextmanager
    def _told(self, kind: Kind, name: str, stack: str) -> Iterator[tuple[Clients, str]]:
        """The stack's clients and a full name; where there is none of that name, the error says which there are."""
        from fogbank.project.calling.naming import told

        clients, full = self._clients(stack), self.full_name(name, stack)
        with told(clients, kind, full, self._stacks.prefix(self.stack_name(stack))):
            yield clients, full

    def full_name(self, name: str, stack: str = "") -> str:
        """`live` as `<project>-live`, and as `<project>-<stack>-live` on AWS; a name that begins so stays."""
        prefix = self._stacks.prefix(self.stack_name(stack))
        return name if name.startswith(f"{prefix}-") else f"{prefix}-{name}"

    def clients(self, stack: str = "") -> Clients:
        """boto3 clients of the stack's account, or of the local cloud. Raises CloudError, ProjectError."""
        return self._clients(stack)

    def now(self, stack: str = "") -> datetime:
        """The time of the stack: the local cloud's clock may have been moved. Raises CloudError."""
        return datetime.fromisoformat(self.cloud.status()["time"]) if self.is_local(stack) else datetime.now(UTC)

    def _clients(self, stack: str) -> Clients:
        return self._stacks.clients(self.stack_name(stack))

    def stack_name(self, stack: str = "") -> str:
        """The stack that is meant: the one that is named, else the project's own."""
        return stack or self.config.stack
