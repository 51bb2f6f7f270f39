"""References, joined texts and paths: what a definition says instead of a value."""

from __future__ import annotations

from typing import Any

import pytest

from fogbank.cloud.pipelines.expressions import ExpressionError, Values, literal, look, references, resolve

PROPERTIES = {
    "FinalMetricDataList": [{"MetricName": "loss", "Value": 0.5}],
    "ModelArtifacts": {"S3ModelArtifacts": "s3://b/m"},
}
FILES = {("E", "Report"): {"a": [{"b": 1}, {"b": 2}]}}
VALUES = Values(
    parameters={"N": 2, "F": 1.0, "T": True},
    execution={"PipelineExecutionId": "id"},
    steps={"Train-1": PROPERTIES},
    file=lambda step, name: FILES[step, name],
    read=lambda uri: {"uri": uri},
)
FILE = {"Get": "Steps.E.PropertyFiles.Report"}


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ({"Get": "Parameters.N"}, 2),
        ({"Get": "Execution.PipelineExecutionId"}, "id"),
        ({"Get": "Steps.Train-1.ModelArtifacts.S3ModelArtifacts"}, "s3://b/m"),
        ({"Get": "Steps.Train-1.FinalMetricDataList['loss'].Value"}, 0.5),
        ({"Get": "Steps.Train-1.FinalMetricDataList[0].Value"}, 0.5),
        ({"Std:Join": {"On": "-", "Values": ["a", {"Get": "Parameters.N"}, {"Get": "Parameters.T"}]}}, "a-2-true"),
        ({"Std:Join": {"On": "", "Values": [{"Std:Join": {"On": "/", "Values": ["a", 1.5]}}, "b"]}}, "a/1.5b"),
        ({"Std:JsonGet": {"PropertyFile": FILE, "Path": "a[1].b"}}, 2),
        ({"Std:JsonGet": {"PropertyFile": FILE, "Path": "$.a[0]['b']"}}, 1),
        ({"Std:JsonGet": {"S3Uri": {"Std:Join": {"On": "/", "Values": ["s3:/", "k"]}}, "Path": "uri"}}, "s3://k"),
        ({"x": [{"Get": "Parameters.F"}], "Get": "y"}, {"x": [1.0], "Get": "y"}),
    ],
)
def test_what_stands_for_another_value(said: Any, value: Any) -> None:
    assert resolve(said, VALUES) == value


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"Get": "Parameters.Z"}, "Parameters.Z has no value"),
        ({"Get": "Steps.Other.X"}, "Steps.Other.X has no value"),
        ({"Get": "Steps.Train-1.Nothing"}, "'Nothing' is not there"),
        ({"Get": "Steps.Train-1.FinalMetricDataList['f1']"}, "no item is called 'f1'"),
        ({"Std:JsonGet": {"PropertyFile": FILE, "Path": "a[9]"}}, "nothing at a\\[9\\]"),
        ({"Std:JsonGet": {"PropertyFile": FILE, "Path": "a[["}}, "the path a\\[\\[ is none"),
        ({"Std:JsonGet": {"Path": "a"}}, "needs the PropertyFile"),
        ({"Std:Add": {}}, "the function Std:Add is none"),
    ],
)
def test_what_has_no_value_says_so(said: Any, words: str) -> None:
    with pytest.raises(ExpressionError, match=words):
        resolve(said, VALUES)


def test_references_are_found_wherever_they_are_and_left_out_of_what_is_literal() -> None:
    said = {
        "a": {"Std:JsonGet": {"PropertyFile": FILE, "Path": {"Get": "Parameters.N"}}},
        "b": [1, {"Get": "Parameters.F"}],
    }

    assert list(references(said)) == ["Steps.E.PropertyFiles.Report", "Parameters.N", "Parameters.F"]
    assert literal(said) == {"b": [1]}
    assert look({"a": 1}, "") == {"a": 1}
