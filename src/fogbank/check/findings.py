"""What a check can find: a code that stays, the cause in this case, and the fix.

In: nothing; out: the words that the static checks, the rehearsal and the command line share.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

FIXES = {
    "answer-columns": "answer with the columns that `output` in schema.json declares, or declare those of the answer: the monitor reads it by them",
    "answer-rows": "return one row of the answer for each row of the request: batch transform joins them by their place",
    "archive-bomb": "look at what was packed: the archive grows without measure",
    "archive-device": "pack plain files alone",
    "archive-escapes": "pack relative names: `tar czf model.tar.gz -C FOLDER .`",
    "archive-link-out": "pack the file itself in place of the link",
    "archive-nested": "pack what is in the folder, not the folder: `tar czf model.tar.gz -C FOLDER .`",
    "archive-not-gzip": "SageMaker takes gzip alone: `tar czf model.tar.gz -C FOLDER .`",
    "archive-not-tar": "pack a folder, not a file: `tar czf model.tar.gz -C FOLDER .`",
    "archive-truncated": "make or upload the archive again",
    "archive-unwritable": "make room on the disk, or pack names that do not collide",
    "check-failed": "this is a bug in fogbank: please report it",
    "code-outside-code": "put the handler and its modules below code/",
    "dependency-missing": "add the distribution that holds the module to `dependencies`, or to code/requirements.txt",
    "dependency-uninstallable": "look at the name and the version; what has no wheel for the platform cannot be installed",
    "file-differs": "pack again; somebody has changed the archive since",
    "handler-contract": "define model_fn, and either transform_fn or some of input_fn, predict_fn and output_fn",
    "handler-import-error": "mend that line; it runs when the container starts",
    "handler-missing": "put the handler below code/, under the name that SAGEMAKER_PROGRAM says",
    "handler-syntax": "mend that line",
    "load-failed": "mend the cause; the server ends before it answers /ping",
    "memory-exceeded": "choose an instance with more memory (`memory_mb`), fewer workers, or a smaller model",
    "model-dir-read-only": "write to /tmp: /opt/ml/model cannot be written on SageMaker",
    "model-fn-error": "mend model_fn; it runs when the container starts",
    "model-unreadable": "train and pack again with the versions that are locked",
    "model-version-differs": "train again with the version that is locked, or lock the one that trained",
    "needs-network": "bring it in the package; with network isolation, and here, a container reaches nothing",
    "ping-slow": "do no work in /ping, and leave it a thread: it must answer in 2 s",
    "python-differs": "train and pack with the Python of the container",
    "sample-failed": "mend the handler, or the sample in sample.csv",
    "sample-refused": "make input_fn take what sample.csv holds, or mend the sample",
    "sample-slow": "an endpoint must answer in 60 s: make it faster, or use batch transform",
    "server-died": "look at the log's last lines; memory, a native library or os._exit are the usual causes",
    "slow-start": "make loading faster, or raise ContainerStartupHealthCheckTimeoutInSeconds: "
    "`Endpoint(hosting=Hosting(startup_timeout_s=600))`",
    "stop-slow": "end within 30 s of SIGTERM: SageMaker kills it then",
    "wheel-missing": "choose a version that has a wheel for the platform, or build one and lock it",
    "wrong-architecture": "pack libraries of the container's own architecture",
    "wrong-port": "listen on 8080, or on SAGEMAKER_BIND_TO_PORT where it is set",
}
"""Every kind of finding, and what to do about it."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One way in which the package would fail in the cloud."""

    code: str
    cause: str

    @property
    def fix(self) -> str:
        """What to do about it."""
        return FIXES.get(self.code, FIXES["load-failed"])


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a check found, and what it saw. Times are seconds, `peak_bytes` the memory of all processes at its highest.

    `unchecked` names the conditions of SageMaker's that could not be had on this machine.
    """

    findings: tuple[Finding, ...] = ()
    ready_s: float | None = None
    answer_s: float | None = None
    peak_bytes: int = 0
    unchecked: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    def document(self) -> dict[str, Any]:
        """The report as JSON has it."""
        findings = [{**asdict(item), "fix": item.fix} for item in self.findings]
        return {**asdict(self), "findings": findings, "passed": self.passed}
