"""What was deployed, and the way back: the stack's history as the engine keeps it, and packages that are kept.

In: a project and a stack; out: its deployments, and the package of one of them in the project's place.
"""

from __future__ import annotations

import getpass
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.errors import AwsError, PackageError
from fogbank.contracts.manifest import Manifest
from fogbank.project.account.stacks import ProjectStacks
from fogbank.project.versions import kept
from fogbank.project.versions.deployments import Deployment, deployments, target
from fogbank.project.workplace.events import Steps


def refusals() -> tuple[type[Exception], ...]:
    """What boto3 raises; it is a fifth of a second to import, and a local stack's history asks it nothing."""
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError

    return ClientError, BotoCoreError, Boto3Error


class History:
    """The deployments of one stack."""

    def __init__(self, config: ProjectConfig, stacks: ProjectStacks, stack: str, steps: Steps) -> None:
        self._config, self._stacks, self._stack, self._steps = config, stacks, stack, steps

    def deployments(self) -> tuple[Deployment, ...]:
        """All of them, newest first. Raises CloudError, EngineError."""
        return deployments(self._stacks.history(self._stack))

    def who(self) -> str:
        """Who deploys: the caller in the account, without its number; on this machine its user."""
        if not self._stacks.is_local(self._stack):
            from fogbank.project.account.preflight import identity

            try:
                return identity(self._stacks.clients(self._stack)).arn.rpartition(":")[2]
            except AwsError:
                pass
        return f"{getpass.getuser()}@{socket.gethostname()}"

    def keep(self, manifest: Manifest) -> None:
        """Keep a package that was deployed, here, and in the bucket of a stack on AWS; that it lies here alone is said."""
        kept.keep(self._config, self._stack, manifest)
        if self._stacks.is_local(self._stack):
            return
        try:
            if bucket := self._stacks.bucket(self._stack):
                kept.send(self._stacks.clients(self._stack)("s3"), bucket, manifest)
                return
            why = "the program has no ModelService"
        except refusals() as error:
            why = str(error)
        self._steps.notice(f"the package is kept on this machine alone, for `fogbank rollback` from here: {why}")

    @contextmanager
    def rolled_back(self, to: str) -> Iterator[Manifest]:
        """The package of an earlier deployment in the project's place. Raises ProjectError, PackageError (`package-not-kept`)."""
        chosen = target(self.deployments(), to)
        with self._steps(f"package of deployment {chosen.number}") as step:
            manifest = self._found(chosen)
            step.done(f"sha256 {chosen.digest[:12]}, deployed {chosen.when:%Y-%m-%d %H:%M} UTC by {chosen.who}")
        with kept.in_its_place(self._config, manifest):
            yield manifest

    def _found(self, deployment: Deployment) -> Manifest:
        digest = deployment.digest
        manifest = kept.kept(self._config, digest)
        if manifest is None and not self._stacks.is_local(self._stack) and self._brought(digest):
            manifest = kept.kept(self._config, digest)
        if manifest is None:
            raise PackageError(
                "package-not-kept",
                f"the package {digest[:12]} of deployment {deployment.number} is kept no more: the last {kept.KEPT} that were deployed are",
                "choose a newer one (`fogbank history`), or check its commit out and run `fogbank up`",
            )
        return manifest

    def _brought(self, digest: str) -> bool:
        try:
            bucket = self._stacks.bucket(self._stack)
            return bool(bucket) and kept.bring(
                self._stacks.clients(self._stack)("s3"), bucket, self._config, self._stack, digest
            )
        except refusals() as error:
            raise PackageError(
                "package-not-kept", f"the package {digest[:12]} cannot be fetched: {error}", "see what AWS says"
            ) from error
