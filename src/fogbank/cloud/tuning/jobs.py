"""Hyperparameter tuning jobs: real training jobs whose values a strategy chooses, a few at a time, and the best by the objective in their logs.

In: a CreateHyperParameterTuningJob request; out: a job that ends with the best training job. One that was running when the cloud was stopped or
killed goes on: values whose job ended with the cloud are tried again. Source: the SageMaker API reference and Developer Guide, "Automatic model tuning".
"""

from __future__ import annotations

import math
import secrets
import threading
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any, Self

from fogbank.cloud.api.control import Operation, Params, Scope
from fogbank.cloud.api.errors import ApiError, in_use, not_found, validation
from fogbank.cloud.api.listing import Listing
from fogbank.cloud.api.resource import Ground, Kind, NoState, Record
from fogbank.cloud.ground.store import Document
from fogbank.cloud.jobs.job import INTERRUPTED, Course, Ending, JobError, Jobs, JobStoppedError
from fogbank.cloud.training.jobs import TrainingJobs
from fogbank.cloud.training.jobs import check as check_training
from fogbank.cloud.tuning.ranges import Choices, RangeError, combinations, read
from fogbank.cloud.tuning.strategies import chosen
from fogbank.contracts.status import TRANSFORM_JOB as TRANSITIONS

LOOK_S = 0.2
OWN = "HyperParameterTuningResourceConfig"
"""The member that stands for a ResourceConfig in a tuning job."""
NAME, STATUS = "HyperParameterTuningJobName", "HyperParameterTuningJobStatus"
CONFIG, DEFINITION = "HyperParameterTuningJobConfig", "TrainingJobDefinition"
TUNING_JOB = Kind(
    path="hyper-parameter-tuning-job",
    stem="HyperParameterTuningJob",
    key=NAME,
    arn="HyperParameterTuningJobArn",
    missing=lambda arn: not_found(f"Amazon SageMaker can't find a tuning job with the name {arn.rpartition('/')[2]}."),
    taken=lambda arn: in_use(f"Hyperparameter tuning job names must be unique, and there is one already ({arn})"),
    listing=Listing(
        operation="ListHyperParameterTuningJobs",
        answer="HyperParameterTuningJobSummaries",
        name=NAME,
        status=STATUS,
        newest_first=False,
        by="Name",
    ),
    status=STATUS,
    transitions=TRANSITIONS,
    deletable=False,
)
TRAINED = Listing(
    operation="ListTrainingJobsForHyperParameterTuningJob",
    answer="TrainingJobSummaries",
    name="TrainingJobName",
    status="TrainingJobStatus",
    newest_first=False,
    by="Name",
)
COURSE = Course(restart="again", end="HyperParameterTuningEndTime")
SUMMARY = (
    "TrainingJobName", "TrainingJobArn", "CreationTime", "TrainingStartTime", "TrainingEndTime", "TrainingJobStatus", "FailureReason",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class TuningState:
    """The training jobs: names and their values, in the order in which they were chosen."""

    seed: int = 0
    trials: tuple[tuple[str, Mapping[str, str]], ...] = ()

    def encode(self) -> Document:
        """As JSON values."""
        return asdict(self)

    @classmethod
    def decode(cls, document: Document) -> Self:
        """From what `encode` gave."""
        trials = tuple((name, values) for name, values in document.get("trials", ()))
        return cls(seed=document.get("seed", 0), trials=trials)


Tuning = Record[TuningState]


class TuningJobs(Jobs[TuningState]):
    """The tuning jobs of every region."""

    def __init__(self, ground: Ground, training: TrainingJobs) -> None:
        super().__init__(TUNING_JOB, COURSE, TuningState, ground)
        self._training = training

    def operations(self) -> Mapping[str, Operation]:
        """The calls that this room answers."""
        return {
            **super().operations(),
            "CreateHyperParameterTuningJob": self.create,
            "DeleteHyperParameterTuningJob": self.forget,
            "ListTrainingJobsForHyperParameterTuningJob": self.trained,
        }

    def create(self, scope: Scope, params: Params) -> Params:
        """Refuses what could not run, then runs the job."""
        check(params)
        seed = params[CONFIG].get("RandomSeed", secrets.randbelow(1 << 31))
        job = self.start(scope, params[NAME], params, TuningState(seed=seed))
        return {"HyperParameterTuningJobArn": job.public["HyperParameterTuningJobArn"]}

    def role(self, job: Tuning) -> str:
        """Its training jobs'."""
        return str(job.public[DEFINITION]["RoleArn"])

    def forget(self, scope: Scope, params: Params) -> Params:
        """Delete a job that has ended; its training jobs stay."""
        with self.lock:
            job = self.find(scope.region, params[NAME])
            if job is not None and job.public[STATUS] in {"InProgress", "Stopping"}:
                raise validation(f"The tuning job {job.name} is in status {job.public[STATUS]}: stop it first.")
            if job is not None:
                self.remove(scope.region, job.name)
        return {}

    def described(self, record: Tuning) -> Params:
        """With the best training job so far, and how many there are of each status."""
        jobs = self._jobs(record)
        statuses, objectives = (
            Counter(each["TrainingJobStatus"] for each in jobs),
            Counter(each["ObjectiveStatus"] for each in jobs),
        )
        best = self._best(record, jobs)
        return {
            **record.public,
            "TrainingJobStatusCounters": {
                "Completed": statuses["Completed"],
                "InProgress": statuses["InProgress"] + statuses["Stopping"],
                "RetryableError": 0,
                "NonRetryableError": statuses["Failed"],
                "Stopped": statuses["Stopped"],
            },
            "ObjectiveStatusCounters": {key: objectives[key] for key in ("Succeeded", "Pending", "Failed")},
            **({"BestTrainingJob": best} if best else {}),
        }

    def summary(self, record: Tuning) -> Params:
        """As List looks at it."""
        config = record.public[CONFIG]
        named = {"Strategy": config["Strategy"], "ResourceLimits": config["ResourceLimits"], "_id": record.name}
        return {**self.described(record), **named}

    def trained(self, scope: Scope, params: Params) -> Params:
        """One page of its training jobs."""
        asked = dict(params)
        job = self.get(scope.region, asked.pop(NAME))
        jobs = [{**each, "FinalObjectiveMetricValue": _value(each)} for each in self._jobs(job)]
        if asked.get("SortBy") == "FinalObjectiveMetricValue":  # those without a value come last
            jobs = [each for each in jobs if each["FinalObjectiveMetricValue"] is not None]
        return TRAINED.page(jobs, asked)

    def work(self, job: Tuning, stop: threading.Event) -> Ending:
        """Let training jobs run until there are enough."""
        limits = job.public[CONFIG]["ResourceLimits"]
        ranges = read(job.public[CONFIG]["ParameterRanges"])
        most = limits.get("MaxNumberOfTrainingJobs", combinations(ranges))
        target = (job.public[CONFIG].get("TuningJobCompletionCriteria") or {}).get("TargetObjectiveMetricValue")
        while True:
            found = self.find(job.region, job.name)
            if found is None:
                raise JobStoppedError
            if stop.is_set():
                if found.public[STATUS] == "Stopping":
                    self._stop(found)
                raise JobStoppedError
            found = self._again(found)
            jobs = self._jobs(found)
            running = [each for each in jobs if each["TrainingJobStatus"] in {"InProgress", "Stopping"}]
            if self._reached(found, jobs, target):
                self._stop(found)
                most = len(jobs)
            for number in range(len(jobs), min(most, len(jobs) + limits["MaxParallelTrainingJobs"] - len(running))):
                self._try(found, number, jobs)
                running.append({})
            if not running:
                return self._ending(found, jobs)
            stop.wait(LOOK_S)

    def _try(self, job: Tuning, number: int, jobs: list[Document]) -> None:
        """The training job of a number, whose name and values are kept before it is there: it is made once."""
        config = job.public[CONFIG]
        sign = -1.0 if config["HyperParameterTuningJobObjective"]["Type"] == "Maximize" else 1.0
        scored = [(each["TunedHyperParameters"], sign * _value(each)) for each in jobs if _value(each) is not None]
        values = chosen(config["Strategy"], read(config["ParameterRanges"]), number, job.state.seed, scored)
        trial = (f"{job.name}-{number + 1:03d}-{secrets.token_hex(4)}", values)
        self.change(job.region, job.name, lambda state: replace(state, trials=(*state.trials, trial)))
        self._make(job, *trial)

    def _again(self, job: Tuning) -> Tuning:
        """Training jobs that the cloud's end has ended, or that it did not come to make, are made again."""
        for number, (name, values) in enumerate(job.state.trials):
            found = self._training.find(job.region, name)
            if found is None:
                self._make(job, name, values)
            elif str(found.public.get("FailureReason", "")).startswith(INTERRUPTED):
                trial = (f"{job.name}-{number + 1:03d}-{secrets.token_hex(4)}", values)
                self.change(job.region, job.name, partial(_replaced, number=number, trial=trial))
                self._make(job, *trial)
        return self.find(job.region, job.name) or job

    def _make(self, job: Tuning, name: str, values: Mapping[str, str]) -> None:
        """Raises JobError where the training job is refused."""
        try:
            self._training.create(Scope(job.region), request(job.public, name, values))
        except ApiError as error:
            raise JobError(f"ClientError: {error.message}") from error
        self._training.change(job.region, name, TuningJobArn=job.public["HyperParameterTuningJobArn"])

    def _end(self, region: str, name: str, ending: Ending, *, closing: bool) -> None:
        """A job that fails lets its training jobs leave off: after a write that failed nobody looks at them any more."""
        job = self.find(region, name)
        if job is not None and ending.status == "Failed":
            self._stop(job)
        super()._end(region, name, ending, closing=closing)

    def _stop(self, job: Tuning) -> None:
        for name, _ in job.state.trials:
            found = self._training.find(job.region, name)
            if found is not None and found.public["TrainingJobStatus"] == "InProgress":
                with suppress(ApiError):  # it has ended since it was looked at
                    self._training.stop_job(Scope(job.region), {"TrainingJobName": name})

    def _jobs(self, job: Tuning) -> list[Document]:
        """Summaries of the training jobs, in the order in which they were chosen."""
        found = ((self._training.find(job.region, name), values) for name, values in job.state.trials)
        return [_summary(each, values, job.public) for each, values in found if each is not None]

    @staticmethod
    def _best(job: Tuning, jobs: list[Document]) -> Document | None:
        scored = [each for each in jobs if _value(each) is not None and each["TrainingJobStatus"] == "Completed"]
        sign = -1.0 if job.public[CONFIG]["HyperParameterTuningJobObjective"]["Type"] == "Maximize" else 1.0
        return min(scored, key=lambda each: sign * _value(each), default=None)

    def _reached(self, job: Tuning, jobs: list[Document], target: float | None) -> bool:
        best = self._best(job, jobs)
        if best is None or target is None:
            return False
        maximize = job.public[CONFIG]["HyperParameterTuningJobObjective"]["Type"] == "Maximize"
        return bool(_value(best) >= target if maximize else _value(best) <= target)

    def _ending(self, job: Tuning, jobs: list[Document]) -> Ending:
        """Completed, or Failed where no training job came to anything."""
        if all(each["TrainingJobStatus"] == "Failed" for each in jobs):
            raise JobError(
                "All training jobs failed. Please take a look at the training jobs failures to get more details."
            )
        if self._best(job, jobs) is None:
            raise JobError(
                f"No objective metrics found after running {len(jobs)} training jobs. Please ensure that the custom algorithm is emitting "
                "the objective metric as defined by the regular expression provided."
            )
        return Ending()


def check(params: Params) -> None:
    """Refuse what the local cloud could not run. Raises ValidationException."""
    config, definition = params[CONFIG], params.get(DEFINITION)
    if definition is None:
        raise validation("TrainingJobDefinition must be given.")
    if config["Strategy"] == "Hyperband":
        raise validation("The local cloud does not have the Strategy Hyperband yet; it is refused, not ignored.")
    if config.get("TrainingJobEarlyStoppingType", "Off") != "Off":
        raise validation(
            "The local cloud does not have TrainingJobEarlyStoppingType Auto yet; it is refused, not ignored."
        )
    objective = config.get("HyperParameterTuningJobObjective")
    metrics = {each["Name"] for each in definition["AlgorithmSpecification"].get("MetricDefinitions", [])}
    if objective is None or objective["MetricName"] not in metrics:
        raise validation("HyperParameterTuningJobObjective must name one of the MetricDefinitions of the training job.")
    try:
        ranges = read(config.get("ParameterRanges") or {})
    except RangeError as error:
        raise validation(str(error)) from error
    if both := sorted({each.name for each in ranges} & set(definition.get("StaticHyperParameters", {}))):
        raise validation(f"{', '.join(both)} cannot have a range and be a static hyperparameter.")
    most = config["ResourceLimits"].get("MaxNumberOfTrainingJobs")
    if config["Strategy"] == "Grid":
        if not all(isinstance(each, Choices) for each in ranges):
            raise validation("The Strategy Grid has categorical ranges alone.")
        if most not in {None, combinations(ranges)}:
            raise validation(f"MaxNumberOfTrainingJobs of the Strategy Grid is {combinations(ranges)}, or not given.")
    elif most is None:
        raise validation("MaxNumberOfTrainingJobs must be given.")
    check_training(request(params, f"{params[NAME]}-001-00000000", {each.name: each.at(0.0) for each in ranges}))


def request(tuning: Document, name: str, values: Mapping[str, str]) -> Document:
    """A training job with values for what is tuned, and the tuning job's tags."""
    definition = tuning[DEFINITION]
    own = {
        key: value for key, value in definition.items() if key not in {"StaticHyperParameters", "DefinitionName", OWN}
    }
    if OWN in definition:
        own["ResourceConfig"] = definition[OWN]
    if tuning.get("Tags"):
        own["Tags"] = tuning["Tags"]
    hyperparameters = {**definition.get("StaticHyperParameters", {}), **values}
    return {**own, "TrainingJobName": name, "HyperParameters": hyperparameters}


def _summary(job: Record[NoState], values: Mapping[str, str], tuning: Document) -> Document:
    objective = tuning[CONFIG]["HyperParameterTuningJobObjective"]
    public = job.public
    finals = {each["MetricName"]: each["Value"] for each in public.get("FinalMetricDataList", [])}
    value = finals.get(objective["MetricName"])
    value = value if value is not None and math.isfinite(value) else None
    ended = public["TrainingJobStatus"] not in {"InProgress", "Stopping"}
    status = "Succeeded" if value is not None else "Failed" if ended else "Pending"
    final = {"Type": objective["Type"], "MetricName": objective["MetricName"], "Value": value}
    return {
        **{key: public[key] for key in SUMMARY if public.get(key) is not None},
        "TunedHyperParameters": dict(values),
        "ObjectiveStatus": status,
        **(
            {"TrainingJobDefinitionName": tuning[DEFINITION]["DefinitionName"]}
            if "DefinitionName" in tuning[DEFINITION]
            else {}
        ),
        **({"FinalHyperParameterTuningJobObjectiveMetric": final} if value is not None else {}),
    }


def _value(summary: Document) -> Any:
    """The objective's value, or None."""
    return (summary.get("FinalHyperParameterTuningJobObjectiveMetric") or {}).get("Value")


def _replaced(state: TuningState, number: int, trial: tuple[str, Mapping[str, str]]) -> TuningState:
    return replace(state, trials=(*state.trials[:number], trial, *state.trials[number + 1 :]))
