"""A pipeline's definition, pure: parsed once, checked whole, and kept as steps that know what they wait for.

In: the JSON of schema 2020-12-01; out: a `Definition`, or every problem that it has. What is not carried out here is refused by step and name.
Source: the pipeline definition's JSON schema; the Developer Guide, "Pipelines steps", "Caching", "Retry Policy".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fogbank.cloud.pipelines import conditions, retries, shapes
from fogbank.cloud.pipelines.expressions import (
    EXECUTION,
    JOIN,
    JSON,
    PARAMETERS,
    STEPS,
    functions,
    is_expression,
    misshapen,
    references,
    step_of,
)
from fogbank.cloud.pipelines.parameters import Parameter, declared
from fogbank.cloud.pipelines.retries import Retry

VERSION = "2020-12-01"
KNOWN = frozenset({"Version", "Metadata", "Parameters", "PipelineExperimentConfig", "Steps"})
EXPERIMENT = frozenset({"ExperimentName", "TrialName"})
NAME = re.compile(r"[A-Za-z0-9\-_]{1,64}")
DURATION = re.compile(
    r"P?(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?", re.IGNORECASE
)
SECONDS = (365 * 86_400, 30 * 86_400, 7 * 86_400, 86_400, 3600, 60, 1)
VARIABLES = frozenset({
    "PipelineName", "PipelineArn", "PipelineExecutionId", "PipelineExecutionArn", "StartDateTime", "CurrentDateTime", "TrainingJobName",
    "ProcessingJobName",
})  # fmt: skip
MEMBERS = frozenset({"Name", "Type", "Arguments", "DependsOn", "DisplayName", "Description"})
OWN: Mapping[str, frozenset[str]] = {
    "Training": frozenset({"CacheConfig", "RetryPolicies"}),
    "Processing": frozenset({"CacheConfig", "RetryPolicies", "PropertyFiles"}),
    "Transform": frozenset({"CacheConfig", "RetryPolicies"}),
    "Tuning": frozenset({"CacheConfig", "RetryPolicies"}),
    "Model": frozenset({"RetryPolicies"}),
    "RegisterModel": frozenset({"RetryPolicies"}),
    "Condition": frozenset(),
    "Fail": frozenset(),
    "Lambda": frozenset({"CacheConfig", "FunctionArn", "OutputParameters"}),
    "Callback": frozenset({"CacheConfig", "SqsQueueUrl", "OutputParameters"}),
}
"""The members that a step of each type has besides those that all have; a type that is not here is not carried out."""


class DefinitionError(ValueError):
    """All that a definition is refused for."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """A step. `after` names those that it waits for; `branch` is the condition step that it hangs on, with the outcome that it needs."""

    name: str
    type: str
    arguments: Mapping[str, Any]
    after: frozenset[str]
    branch: tuple[str, bool] | None = None
    shown: str | None = None
    described: str | None = None
    files: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Property files: name to an output's name and a path below it."""
    expires_s: float | None = None
    """How old a result may be that is taken in the place of a new one; None where none may."""
    retries: tuple[Retry, ...] = ()
    target: Any = None
    """A Lambda step's function, or a callback step's queue."""
    outputs: tuple[str, ...] = ()
    """What a function or a callback answers."""


@dataclass(frozen=True, kw_only=True)
class Definition:
    """A pipeline. `experiment` is its PipelineExperimentConfig."""

    parameters: tuple[Parameter, ...]
    steps: tuple[Step, ...]
    experiment: Mapping[str, Any]


def parse(text: str) -> Definition:
    """A definition. Raises DefinitionError with everything that is wrong."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DefinitionError(f"it is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise DefinitionError("it is no JSON object")
    try:
        return _parsed(document)
    except RecursionError as error:
        raise DefinitionError("its values lie too deep in one another") from error


def _parsed(document: Mapping[str, Any]) -> Definition:
    """Raises DefinitionError, and RecursionError where it is too deep."""
    problems = [f"the local cloud does not have {key}" for key in sorted(set(document) - KNOWN)]
    if document.get("Version") != VERSION:
        problems.append(f"Version must be {VERSION}")
    parameters, wrong = declared(document.get("Parameters") or [])
    problems += wrong
    found = list(_flat(document.get("Steps"), None))
    problems += [each for each in found if isinstance(each, str)]
    read = [each for each in found if isinstance(each, _Read)]
    experiment = document.get("PipelineExperimentConfig") or {}
    problems += _experimental(experiment)
    problems += _meant([each.document for each in read], experiment, parameters)
    if not problems:
        problems += _cyclic(
            {step.name: step.after | set((step.branch or ())[:1]) for step in (each.step for each in read)}
        )
    if problems:
        raise DefinitionError("; ".join(dict.fromkeys(problems)))
    return Definition(parameters=parameters, steps=tuple(each.step for each in read), experiment=experiment)


@dataclass(frozen=True)
class _Read:
    step: Step
    document: Mapping[str, Any]


def _flat(documents: Any, branch: tuple[str, bool] | None) -> Iterator[_Read | str]:
    """The steps of a list, those that hang on a condition after it; and what is wrong with them."""
    if not isinstance(documents, list) or (branch is None and not documents):
        yield "Steps must be a list of steps"
        return
    for document in documents:
        problems = list(_problems(document))
        yield from problems
        if problems:
            continue
        step = _step(document, branch)
        yield _Read(step, document)
        if step.type == "Condition":
            for member, outcome in (("IfSteps", True), ("ElseSteps", False)):
                yield from _flat(document["Arguments"].get(member) or [], (step.name, outcome))


def _problems(document: Any) -> Iterator[str]:
    """What is wrong with a step by itself."""
    name = document.get("Name") if isinstance(document, dict) else None
    if not isinstance(name, str) or not NAME.fullmatch(name):
        yield f"a step has no Name of letters, digits, - and _: {str(name)[:80]}"
        return
    kind = document.get("Type")
    if not isinstance(kind, str) or kind not in OWN:
        yield f"the local cloud does not have steps of Type {kind} yet ({name}); they are refused, not ignored"
        return
    if extra := sorted(set(document) - MEMBERS - OWN[kind]):
        yield f"step {name}: the local cloud does not have {', '.join(extra)} of a {kind} step"
    arguments = document.get("Arguments") or {}
    if not isinstance(arguments, dict):
        yield f"step {name}: Arguments is no object"
        return
    waits = document.get("DependsOn") or []
    if not isinstance(waits, list) or not all(isinstance(each, str) for each in waits):
        yield f"step {name}: DependsOn is no list of names"
    yield from (f"step {name}: {problem}" for problem in misshapen(document))
    if kind == "Condition":
        yield from (f"step {name} {problem}" for problem in conditions.problems(arguments.get("Conditions")))
    yield from (f"step {name}: {problem}" for problem in shapes.problems(kind, arguments))
    yield from (f"step {name}: {problem}" for problem in _settings(document))


def _settings(document: Mapping[str, Any]) -> Iterator[str]:
    try:
        _expiry(document.get("CacheConfig"))
        retries.read(document.get("RetryPolicies"))
        _files(document.get("PropertyFiles"))
        _outputs(document)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        yield f"its settings cannot be read: {error!r}"
    for kind, member in (("Lambda", "FunctionArn"), ("Callback", "SqsQueueUrl")):
        if document["Type"] == kind and not document.get(member):
            yield f"needs {member}"


def _step(document: Mapping[str, Any], branch: tuple[str, bool] | None) -> Step:
    kind = document["Type"]
    arguments = document.get("Arguments") or {}
    if kind == "Condition":
        arguments = {"Conditions": arguments["Conditions"]}
    target = document.get("FunctionArn") or document.get("SqsQueueUrl")
    waits = {step_of(reference)[0] for reference in references([arguments, target])}
    return Step(
        name=document["Name"], type=kind, arguments=arguments, branch=branch,
        after=frozenset({*(document.get("DependsOn") or []), *waits} - {""}),
        shown=document.get("DisplayName"), described=document.get("Description"),
        files=_files(document.get("PropertyFiles")), expires_s=_expiry(document.get("CacheConfig")),
        retries=retries.read(document.get("RetryPolicies")), target=target,
        outputs=_outputs(document),
    )  # fmt: skip


def _outputs(document: Mapping[str, Any]) -> tuple[str, ...]:
    names = tuple(output["OutputName"] for output in document.get("OutputParameters") or [])
    if not all(isinstance(name, str) for name in names):
        raise TypeError(f"OutputParameters are called {names}")
    return names


def _files(documents: Any) -> dict[str, tuple[str, str]]:
    found = {each["PropertyFileName"]: (each["OutputName"], each["FilePath"]) for each in documents or []}
    if not all(isinstance(said, str) for name, file in found.items() for said in (name, *file)):
        raise TypeError(f"PropertyFiles are {found}")
    return found


def _expiry(config: Any) -> float | None:
    """How old a result may be, in seconds. Raises ValueError.

    >>> _expiry({"Enabled": True, "ExpireAfter": "P4DT12H"})
    388800.0
    """
    if not config or not config.get("Enabled"):
        return None
    said = str(config.get("ExpireAfter") or "")
    match = DURATION.fullmatch(said)
    if match is None or not any(match.groups()):
        raise ValueError(f"ExpireAfter {said!r} is no duration of ISO 8601")
    return float(sum(int(count or 0) * unit for count, unit in zip(match.groups(), SECONDS, strict=True)))


def _experimental(config: Any) -> Iterator[str]:
    """What is wrong with a PipelineExperimentConfig by itself."""
    if not isinstance(config, dict):
        yield "PipelineExperimentConfig is no object"
        return
    if extra := sorted(set(config) - EXPERIMENT):
        yield f"the local cloud does not have {', '.join(extra)} of PipelineExperimentConfig"
    for name, value in config.items():
        if not (value is None or isinstance(value, str) or is_expression(value)):
            yield f"PipelineExperimentConfig: {name} is no name"
    yield from (f"PipelineExperimentConfig: {problem}" for problem in misshapen(config))


def _meant(documents: Sequence[Mapping[str, Any]], experiment: Any, parameters: Sequence[Parameter]) -> Iterator[str]:
    """What is wrong with what a definition names."""
    types = {document["Name"]: document["Type"] for document in documents}
    names = [document["Name"] for document in documents]
    yield from (f"step {name} is there twice" for name in sorted({n for n in names if names.count(n) > 1}))
    known = {parameter.name for parameter in parameters}
    yield from _unknown("PipelineExperimentConfig", experiment, known, {})
    for document in documents:
        name, said = document["Name"], {**document, "Arguments": dict(document.get("Arguments") or {})}
        for branch in ("IfSteps", "ElseSteps"):  # those are steps of their own
            if document["Type"] == "Condition":
                said["Arguments"].pop(branch, None)
        yield from _unknown(f"step {name}", said, known, types)
        waits = [*(document.get("DependsOn") or []), *(step_of(each)[0] for each in references(said))]
        for other in waits:
            if other and types.get(other) == "Fail":
                yield f"{name} can not depends on {other}"
            elif other and other not in types:
                yield f"step {name} depends on {other}, which is no step"


def _unknown(where: str, value: Any, parameters: set[str], types: Mapping[str, str]) -> Iterator[str]:
    for reference in references(value):
        scope, _, rest = reference.partition(".")
        known = {
            PARAMETERS: rest in parameters,
            EXECUTION: rest in VARIABLES,
            STEPS: step_of(reference)[0] in types,
        }
        if not known.get(scope):
            yield f"{where}: there is no {reference}"
    yield from (
        f"{where}: the local cloud does not have {each}" for each in functions(value) if each not in {JOIN, JSON}
    )


def _cyclic(after: Mapping[str, frozenset[str]]) -> Iterator[str]:
    left = dict(after)
    while left:
        free = {name for name, others in left.items() if not others & set(left)}
        if not free:
            yield f"the steps {', '.join(sorted(left))} wait for one another"
            return
        left = {name: others for name, others in left.items() if name not in free}
