"""Definitions: what the steps wait for, what they are, and every reason for which one is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fogbank.cloud.pipelines.definition import DefinitionError, parse
from fogbank.cloud.pipelines.retries import Retry, next_attempt

FAIL = {"Type": "Fail", "Arguments": {}}
MODEL = {"Type": "Model", "Arguments": {"ExecutionRoleArn": "r", "PrimaryContainer": {"Image": "i"}}}
DECIDES = {
    "Type": "Condition",
    "Arguments": {
        "Conditions": [{"Type": "Equals", "LeftValue": 1, "RightValue": 1}],
        "IfSteps": [{**MODEL, "Name": "A"}],
    },
}
DEEP = '[{"Type": "Or", "Conditions": ' * 700 + "[]" + "}]" * 700
POLICY = {"ExceptionType": ["SageMaker.JOB_INTERNAL_ERROR"], "IntervalSeconds": 2, "BackoffRate": 3, "MaxAttempts": 2}


def written(*steps: dict[str, Any], **more: Any) -> str:
    return json.dumps({"Version": "2020-12-01", "Steps": list(steps), **more})


def model(name: str, **more: Any) -> dict[str, Any]:
    return {**MODEL, "Name": name, **more}


def test_steps_wait_for_what_they_name_and_hang_on_conditions() -> None:
    data = {"ExecutionRoleArn": "r", "PrimaryContainer": {"Image": "i", "ModelDataUrl": {"Get": "Steps.A.ModelName"}}}
    inner = {
        "Name": "D2", "Type": "Condition",
        "Arguments": {"Conditions": [{"Type": "Equals", "LeftValue": {"Get": "Steps.D.Outcome"}, "RightValue": 1}],
                      "IfSteps": [model("C")], "ElseSteps": [{**FAIL, "Name": "F"}]},
    }  # fmt: skip
    outer = {**inner, "Name": "D", "DependsOn": ["B"]}
    outer["Arguments"] = {
        "Conditions": [{"Type": "Equals", "LeftValue": 1, "RightValue": 1}], "IfSteps": [inner], "ElseSteps": [],
    }  # fmt: skip
    found = {step.name: step for step in parse(written(model("B", Arguments=data), outer, model("A"))).steps}

    assert list(found) == ["B", "D", "D2", "C", "F", "A"]
    assert {name: sorted(step.after) for name, step in found.items()} == {
        "B": ["A"], "D": ["B"], "D2": ["D"], "C": [], "F": [], "A": [],
    }  # fmt: skip
    assert {name: step.branch for name, step in found.items()} == {
        "B": None, "D": None, "D2": ("D", True), "C": ("D2", True), "F": ("D2", False), "A": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("P30D", 2_592_000),
        ("p30d", 2_592_000),
        ("T12H", 43_200),
        ("P1Y2M1W1DT1H1M1S", 31_536_000 + 5_184_000 + 694_861),
    ],
)
def test_how_old_a_result_may_be(said: str, seconds: float) -> None:
    step = {
        "Name": "T", "Type": "Lambda", "FunctionArn": "f", "CacheConfig": {"Enabled": True, "ExpireAfter": said},
    }  # fmt: skip

    assert parse(written(step)).steps[0].expires_s == seconds
    assert parse(written({**step, "CacheConfig": {"Enabled": False, "ExpireAfter": said}})).steps[0].expires_s is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "is not JSON"),
        ("[]", "no JSON object"),
        (json.dumps({"Version": "2020-12-01", "Steps": []}), "Steps must be a list of steps"),
        (written(model("A"), Version="1"), "Version must be 2020-12-01"),
        (written(model("A"), Extra=1), "does not have Extra"),
        (written(model("A"), model("A")), "step A is there twice"),
        (written(model("A B")), "no Name of letters"),
        (written({"Name": "A", "Type": "AutoML"}), "steps of Type AutoML yet \\(A\\)"),
        (written(model("A", CacheConfig={"Enabled": True})), "does not have CacheConfig of a Model step"),
        (written(model("A", DependsOn=["B"]), model("B", DependsOn=["A"])), "A, B wait for one another"),
        (written({**DECIDES, "Name": "D", "DependsOn": ["A"]}), "A, D wait for one another"),
        (written(model("A", DependsOn=["Z"])), "depends on Z, which is no step"),
        (written(model("A", DependsOn=[{"a": 1}])), "DependsOn is no list of names"),
        (written({"Name": "A", "Type": ["x"]}), "steps of Type \\['x'\\] yet"),
        (written({**DECIDES, "Name": "D", "Arguments": {"Conditions": [{"Type": ["x"]}]}}), "condition of Type \\['x'\\]"),
        (written({**DECIDES, "Name": "D", "Arguments": {"Conditions": "DEEP"}}).replace('"DEEP"', DEEP), "too deep|recursion"),
        (written(model("A"), PipelineExperimentConfig="abc"), "PipelineExperimentConfig is no object"),
        (written(model("A"), PipelineExperimentConfig={"TrialName": 5}), "TrialName is no name"),
        (written({**FAIL, "Name": "F", "Arguments": {"ErrorMessage": {"Std:Join": {"Values": 5}}}}), "Std:Join needs Values"),
        (written({**FAIL, "Name": "F", "Arguments": {"ErrorMessage": {"Std:Join": 5}}}), "Std:Join needs members"),
        (written({**FAIL, "Name": "F", "Arguments": {"ErrorMessage": {"Std:JsonGet": {"Path": "a"}}}}), "needs the PropertyFile"),
        (written({"Name": "L", "Type": "Lambda", "FunctionArn": "f", "OutputParameters": [{"OutputName": {}}]}), "cannot be read"),
        (written(model("A"), Parameters=[{"Name": "P", "Type": "String", "EnumValues": 5}]), "EnumValues is no list"),
        (written(model("A", DependsOn=["F"]), {**FAIL, "Name": "F"}), "A can not depends on F"),
        (written({**FAIL, "Name": "F", "Arguments": {"ErrorMessage": {"Get": "Parameters.P"}}}), "there is no Parameters.P"),
        (written({**FAIL, "Name": "F", "Arguments": {"ErrorMessage": {"Get": "Execution.P"}}}), "there is no Execution.P"),
        (written({**FAIL, "Name": "F", "Arguments": {"ErrorMessage": {"Std:Add": []}}}), "does not have Std:Add"),
        (written(model("A", Arguments={"Nothing": 1})), "does not have Nothing of CreateModel"),
        (written(model("A", Arguments={"PrimaryContainer": 1})), "can not be converted to a Structure"),
        (written(model("A", RetryPolicies=[{**POLICY, "ExpireAfterMin": 5}])), "exactly one of MaxAttempts"),
        (written(model("A", RetryPolicies=[{**POLICY, "ExceptionType": ["Any"]}])), "ExceptionType Any is none"),
        (written({"Name": "L", "Type": "Lambda"}), "needs FunctionArn"),
        (written(model("A"), Parameters=[{"Name": "P", "Type": "Integer", "DefaultValue": "1"}]), "'1' is no Integer"),
        (written(model("A"), Parameters=[{"Name": "P", "Type": "Date"}]), "P has Type Date"),
        (written(model("A"), Parameters=[{"Name": "P", "Type": "String", "DefaultValue": "c", "EnumValues": ["a"]}]), "none of"),
    ],
)  # fmt: skip
def test_what_could_not_be_carried_out_is_refused(text: str, words: str) -> None:
    with pytest.raises(DefinitionError, match=words):
        parse(text)


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(DefinitionError) as error:
        parse(written({"Name": "A", "Type": "EMR"}, model("B", DependsOn=["C"]), Version="0"))

    assert str(error.value).count(";") == 3


def test_a_policy_says_when_the_next_attempt_is() -> None:
    policies = parse(written(model("A", RetryPolicies=[POLICY]))).steps[0].retries
    timed = (Retry(types=frozenset({"Step.THROTTLING"}), interval_s=10, expires_s=60),)
    reason = "InternalServerError: it broke"

    assert [next_attempt(policies, reason, made, 0, 100) for made in range(3)] == [102, 106, None]
    assert next_attempt(policies, "AlgorithmError: the script's own", 0, 0, 100) is None
    assert next_attempt(timed, "ThrottlingException", 1, 0, 30) == 50
    assert next_attempt(timed, "ThrottlingException", 2, 0, 30) is None
