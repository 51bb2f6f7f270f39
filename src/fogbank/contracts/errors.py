"""Every error a user can meet, as one tree.

FogbankError            code, cause, hint (the next step), exit_code
├── ProjectError        no project here; a file the project needs is missing or broken        exit 2
│   └── ConfigError     [tool.fogbank] has problems (all of them, in one report)              exit 2
├── PackageError        a model, handler or dependency that cannot be packaged                exit 3
│   ├── CheckError      a package that would fail on SageMaker, with the whole report         exit 3
│   ├── DigestError     bytes that are not the ones the manifest names                        exit 3
│   └── TrustError      bytes that are not those that were signed, or a key that is none      exit 3
├── GateError           a model that is not good enough to be packaged                        exit 3
├── EngineError         no Pulumi engine, or a Pulumi operation that failed                   exit 4
├── CloudError          the local cloud is not running, or did not start                      exit 5
├── DataError           bad input data: wrong columns, no data, not in the stated format      exit 6
├── AwsError            the AWS API (local or real) answered an error; its code is verbatim   exit 7
├── RegistryError       a container registry that refuses, cannot be reached, or errs         exit 9
├── BudgetError         a stack that may cost more than its budget                            exit 10
└── PolicyError         a stack that breaks its team's rules                                  exit 11

Exit codes besides these: 0 success, 1 a bug in fogbank, 2 also wrong usage, 8 violations or known vulnerabilities were found, 130 interrupted.
"""

from __future__ import annotations

from collections.abc import Mapping


class FogbankError(Exception):
    """An error with a stable `code`, the `cause` in one or a few lines, and a `hint`: the next step."""

    exit_code = 1

    def __init__(self, code: str, cause: str, hint: str = "") -> None:
        super().__init__(cause)
        self.code = code
        self.cause = cause
        self.hint = hint

    def __reduce__(self) -> tuple[object, ...]:
        """It travels between processes, whatever its class is made from."""
        return _remade, (type(self), self.code, self.cause, self.hint), self.__dict__

    def __str__(self) -> str:
        return f"{self.code}: {self.cause}" + (f"\nnext: {self.hint}" if self.hint else "")

    def document(self) -> dict[str, object]:
        """The error as `--json` prints it."""
        return {"error": {"code": self.code, "cause": self.cause, "hint": self.hint, "exit_code": self.exit_code}}


def _remade(kind: type[FogbankError], code: str, cause: str, hint: str) -> FogbankError:
    error = kind.__new__(kind)
    FogbankError.__init__(error, code, cause, hint)
    return error


class ProjectError(FogbankError):
    """There is no project here, or a file that it needs is missing or broken."""

    exit_code = 2


class ConfigError(ProjectError):
    """`[tool.fogbank]` has problems; `problems` holds all of them."""

    def __init__(self, problems: list[str], where: str) -> None:
        lines = "\n".join(f"  - {problem}" for problem in problems)
        super().__init__("config-invalid", f"{where} has {len(problems)} problem(s):\n{lines}", f"edit {where}")
        self.problems = problems


class PackageError(FogbankError):
    """A model, a handler or a dependency cannot be packaged or read back."""

    exit_code = 3


class CheckError(PackageError):
    """A package would fail on SageMaker; `report` is the check's whole report, as JSON has it."""

    def __init__(self, code: str, cause: str, hint: str, report: Mapping[str, object]) -> None:
        super().__init__(code, cause, hint)
        self.report = report

    def document(self) -> dict[str, object]:
        """The report, and the error beside it."""
        return {**self.report, **super().document()}


class DigestError(PackageError):
    """The bytes of `name` are not the ones the manifest names."""

    def __init__(self, name: str, expected: str, actual: str) -> None:
        super().__init__(
            "digest-mismatch",
            f"{name} is not the file that was packed: expected sha256 {expected}, found {actual}",
            "run `fogbank pack` again, or restore the file; nothing was loaded",
        )
        self.name, self.expected, self.actual = name, expected, actual


class TrustError(PackageError):
    """A package is not what was sealed, or a key cannot be read."""


class GateError(FogbankError):
    """A trained model misses a quality gate, so it is not packaged."""

    exit_code = 3


class EngineError(FogbankError):
    """The Pulumi engine cannot be had, or an operation of it failed."""

    exit_code = 4


class CloudError(FogbankError):
    """The local cloud is not running or did not start."""

    exit_code = 5


class DataError(FogbankError):
    """Data that does not fit: wrong columns, nothing to read, another format."""

    exit_code = 6


class AwsError(FogbankError):
    """An AWS API answered an error; `code` is AWS's own."""

    exit_code = 7


class RegistryError(FogbankError):
    """A container registry refuses, cannot be reached, or has other bytes than it says."""

    exit_code = 9


class BudgetError(FogbankError):
    """A stack may cost more than its configuration allows, or nobody knows what it costs."""

    exit_code = 10


class PolicyError(FogbankError):
    """A stack declares what the rules in its configuration forbid, and no waiver allows."""

    exit_code = 11


VIOLATIONS_FOUND = 8
"""Exit code of a monitoring run that completed and found violations, and of an audit that found vulnerabilities."""
