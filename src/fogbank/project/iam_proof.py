"""`fogbank iam prove`: which permissions a whole life of the project takes on the local cloud, and the proof that it takes no fewer.

In: a project that is packed; out: for each principal the least policy, and what each of its statements is needed for. The project lives
twice, in a copy of its own with a cloud that enforces IAM: once under its own roles, recorded, and once more under the proposed policies
alone, the deployer's too. That a statement cannot go is proven by IAM's evaluation of the recorded calls without it, not by a third life.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from fogbank.cloud.client import CloudClient
from fogbank.cloud.enforcement.ledger import USER, Call
from fogbank.contracts.errors import DataError
from fogbank.contracts.manifest import load_manifest
from fogbank.ground.aws import LOCAL_ACCOUNT, split_uri
from fogbank.ground.folders import private_folder
from fogbank.ground.locks import locked
from fogbank.ground.paths import inside
from fogbank.project.access.deployer import policy
from fogbank.project.access.iam_asking import Ask, ask, plan
from fogbank.project.access.permissions import general, least, principal, refused, removals, statements, unused
from fogbank.project.account.accounts import offline
from fogbank.project.local.launch import stop_cloud
from fogbank.project.project import Project
from fogbank.project.workplace.config import load_config
from fogbank.project.workplace.events import Steps

DEPLOYER, OPERATOR = "deployer", "operator"
"""Whoever runs `up` and `destroy`; and whoever asks, brings rows and reads results in between."""
BEFORE_NIGHT = 90
"""Minutes after midnight, UTC, at which a life begins; and the minutes that it takes: 02:00 is when batches are wont to run."""
SAMPLE, PLACE, LOCK, COPY = "sample.csv", "iam", "iam.lock", "life"
NOTHING = '{"Version": "2012-10-17", "Statement": []}'
REGION = "us-east-1"
"""Of a stack that names none."""
STATE = frozenset(
    {".fogbank", ".git", ".venv", "__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache", "node_modules"}
)
CARRIED = ("package", "trained")


@dataclass(frozen=True, kw_only=True)
class Life:
    """What was called in a life, by principals as another life has them; `declared` are the roles' own policies, `due` what schedules did,
    `not_asked` endpoints that nobody could ask."""

    calls: Mapping[str, Sequence[Call]]
    declared: Mapping[str, Mapping[str, Any]]
    due: Sequence[Mapping[str, str]]
    not_asked: Sequence[str] = ()


def prove(root: Path, steps: Steps) -> dict[str, Any]:
    """The document. Raises FogbankError; DataError (`iam-unproven`) where the second life was refused something."""
    with _workplace(private_folder(root / ".fogbank")) as work:
        project = _copy(root, work / COPY)
        project.cloud.start(0, enforce_iam=True)
        admin = CloudClient(project.config.cloud)
        try:
            with steps("a life, recorded") as step:
                first = _life(project, admin, {})
                step.done(f"{sum(map(len, first.calls.values()))} different calls of {len(first.calls)} principals")
            policies = {name: least(calls) for name, calls in first.calls.items()}
            with steps("a life under the proposed policies alone") as step:
                second = _life(project, admin, policies)
                require_green(second)
                step.done("nothing was refused")
        finally:
            project.cloud.stop()
        who, resources = offline(project.config, project.stack_name(), LOCAL_ACCOUNT, region=REGION)
        table = policy(resources, who.where)
    return _document(first, policies, table)


@contextmanager
def _workplace(state: Path) -> Iterator[Path]:
    """A folder to live in, one at a time; what was left by one that was killed, and its cloud, go first."""
    place = state / PLACE
    with locked(state / LOCK):
        _clear(place)
        try:
            yield private_folder(place)
        finally:
            _clear(place)


def _clear(place: Path) -> None:
    for root in place.glob("*"):
        stop_cloud(root / ".fogbank" / "cloud")
    shutil.rmtree(place, ignore_errors=True)


def _copy(root: Path, place: Path) -> Project:
    """The project, as it is packed, in a folder of its own. Raises DataError (`sample-missing`), PackageError (`package-missing`)."""
    config = load_config(root)
    load_manifest(config.package)
    if not (config.trained / SAMPLE).is_file():
        raise DataError(
            "sample-missing", f"there are no rows to ask with: {config.trained / SAMPLE}", "run `fogbank train`"
        )
    shutil.copytree(root, place, ignore=lambda _, names: STATE & {*names})
    for name in CARRIED:
        source = inside(root / ".fogbank", name)
        if source.is_dir():
            shutil.copytree(source, inside(place / ".fogbank", name))
    return Project(place)


def _life(project: Project, admin: CloudClient, policies: Mapping[str, Mapping[str, Any]]) -> Life:
    """Up, a night of work, destroy; under `policies` where there are any."""
    calls: dict[str, dict[Call, None]] = {}

    def hear(as_user: str, then: str, *, free: bool = False) -> None:
        """What was called until now, by the user as `as_user`; from now on the user is `then`, or, `free`, may do as they like."""
        tried = {name: json.dumps(document) for name, document in policies.items() if name not in {DEPLOYER, OPERATOR}}
        if then in policies:
            tried[USER] = json.dumps(policies[then])
        if free:
            tried = {}
        elif policies:
            tried["*"] = NOTHING  # whoever did nothing the first time may do nothing
        for said in admin.call("iam", record=bool(then), policies=tried)["calls"]:
            call = Call(**said)
            name = as_user if call.principal == USER else principal(call.principal)
            calls.setdefault(name, {})[call] = None

    _to_night(project)
    hear("", DEPLOYER)
    project.deploy(packed=True, check=False)
    hear(DEPLOYER, "", free=True)
    asks, not_asked = plan(project.cloud.client, project.cloud.status()["endpoints"])
    hear("", OPERATOR)
    due = _night(project, asks)
    hear(OPERATOR, "")
    declared = {} if policies else _declared(project)
    hear("", DEPLOYER)
    project.destroy()
    hear(DEPLOYER, "")
    heard = {name: [*found] for name, found in sorted(calls.items())}
    return Life(calls=heard, declared=declared, due=due, not_asked=not_asked)


def _to_night(project: Project) -> None:
    now = datetime.fromisoformat(project.cloud.status()["time"]).astimezone(UTC)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    project.cloud.advance(f"{int((midnight + timedelta(minutes=BEFORE_NIGHT) - now).total_seconds())}s")


def _night(project: Project, asks: Sequence[Ask]) -> Sequence[Mapping[str, str]]:
    """Ask every endpoint, bring the batches their rows, let schedules come due, read what they wrote."""
    cloud = project.cloud
    rows = (project.config.trained / SAMPLE).read_bytes()
    ask(cloud.client, asks, rows)
    cloud.next_second()
    s3, scheduler = cloud.client("s3"), cloud.client("scheduler")
    written = []
    for name in cloud.status()["schedules"]:
        request = json.loads(scheduler.get_schedule(Name=name)["Target"].get("Input") or "{}")
        if "TransformInput" in request:
            bucket, key = split_uri(request["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"] + "rows.csv")
            s3.put_object(Bucket=bucket, Key=key, Body=rows)
            written.append(request["TransformOutput"]["S3OutputPath"])
    due = cloud.advance(f"{BEFORE_NIGHT}m")
    for uri in written:
        bucket, prefix = split_uri(uri)
        for item in s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", []):
            s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].read()
    return due


def _declared(project: Project) -> dict[str, dict[str, Any]]:
    """Each role's own policies, as one document."""
    iam = project.cloud.client("iam")
    found: dict[str, dict[str, Any]] = {}
    for role in iam.list_roles()["Roles"]:
        names = iam.list_role_policies(RoleName=role["RoleName"])["PolicyNames"]
        documents = [
            iam.get_role_policy(RoleName=role["RoleName"], PolicyName=name)["PolicyDocument"] for name in names
        ]
        said = [statement for document in documents for statement in statements(document)]
        found[principal(role["RoleName"])] = {"Version": "2012-10-17", "Statement": said}
    return found


def require_green(life: Life) -> None:
    """Whether nothing was refused in a life. Raises DataError (`iam-unproven`)."""
    denied = [
        f"{name}: {call.action} on {call.resource}"
        for name, calls in life.calls.items()
        for call in calls
        if call.denied
    ]
    failed = [f"{item['name']}: {item['result']}" for item in life.due if "not authorized" in item["result"]]
    if denied or failed:
        raise DataError(
            "iam-unproven",
            "under the proposed policies these were refused: " + "; ".join([*denied, *failed]),
            "what a life calls is not the same each time: look at what the program does by chance, and run it again",
        )


def _document(life: Life, policies: Mapping[str, Mapping[str, Any]], table: Mapping[str, Any]) -> dict[str, Any]:
    """What was found, for people and machines. `table` is the policy of the deployer that `fogbank iam deployer` prints, by what the program
    declares: pulumi-aws asks AWS more than its stand-in asks the local cloud, and what of it was not asked here is told."""
    principals = {}
    for name, document in policies.items():
        calls = life.calls[name]
        proofs = removals(document, calls)
        declared = table if name == DEPLOYER else life.declared.get(name)
        principals[name] = {
            "policy": document,
            "refused_without": [proof.refused for proof in proofs],
            "not_needed": [proof.statement for proof in proofs if not proof.refused],
            **({} if declared is None else _beside(declared, calls)),
        }
    return {
        "green": True,
        "principals": principals,
        "roles_without_calls": sorted({*life.declared} - {*policies}),
        "schedules": [*life.due],
        "not_asked": [*life.not_asked],
    }


def _beside(declared: Mapping[str, Any], calls: Sequence[Call]) -> dict[str, Any]:
    """What is declared, beside what was called: calls that it would refuse, and parts that none exercised."""
    beyond = [f"{call.action} on {general(call.resource)}" for call in refused(declared, calls)]
    return {"beyond_declared": sorted({*beyond}), "not_exercised": unused(declared, calls)}
