"""What CreateTransformJob refuses at once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fogbank.cloud.api.errors import ApiError
from fogbank.cloud.jobs.refusals import check, check_input
from fogbank.contracts.transform import BatchCapture, DataProcessing
from tests.fakes.objects import MemoryObjects
from tests.unit.cloud.jobs.test_batch import REQUEST

SOURCE, TARGET = REQUEST.source, REQUEST.target
LINES = {"target": replace(TARGET, accept="text/csv", assemble_with="Line")}
JSON = {
    "source": replace(SOURCE, content_type="application/json", split_type="None"),
    "target": replace(TARGET, accept="application/json"),
}


def filters(before: str = "$", after: str = "$", join: str = "None") -> dict[str, Any]:
    return {"processing": DataProcessing(input_filter=before, output_filter=after, join_source=join)}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"source": replace(SOURCE, data_type="AugmentedManifestFile")}, "AugmentedManifestFile is not supported"),
        ({"source": replace(SOURCE, split_type=None), "batch_strategy": "MultiRecord"}, "needs a SplitType"),
        ({"max_payload_mb": 60, "max_concurrent": 2}, "must not exceed 100 MB"),
        ({"max_concurrent": 17}, "must not exceed 100 MB"),
        ({"target": replace(TARGET, uri="/not/s3")}, "not an S3 URI"),
        ({"source": replace(SOURCE, uri="s3:///x")}, "not an S3 URI"),
        ({"capture": BatchCapture(uri="/x")}, "not an S3 URI"),
        ({"capture": BatchCapture(uri="s3://b/c", generate_inference_id=True)}, "GenerateInferenceId needs an Accept"),
        (filters("$[1:]"), "needs one ContentType and Accept"),
        ({**filters(join="Input"), "target": replace(TARGET, accept="application/json")}, "needs one ContentType"),
        ({**filters(join="Input"), "target": replace(TARGET, accept="text/csv")}, "that are the same"),
        ({**filters(join="Input"), "target": replace(TARGET, accept="text/csv"), "source": replace(SOURCE, split_type="None")},
         "needs SplitType and AssembleWith Line"),
        ({**filters("$.id"), **LINES}, "InputFilter $.id does not fit CSV"),
        ({**filters(after="$['a']"), **LINES}, "OutputFilter $['a'] does not fit CSV"),
        ({**filters("$..id"), **LINES}, "is not a supported JSONPath"),
    ],
)  # fmt: skip
def test_what_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ApiError) as refusal:
        check(replace(REQUEST, **change))

    assert refusal.value.code == "ValidationException"
    assert message in refusal.value.message


@pytest.mark.parametrize(
    "change",
    [
        {},
        filters(),
        {"max_payload_mb": 0, "max_concurrent": 100},
        {"source": replace(SOURCE, split_type=None)},
        {"source": replace(SOURCE, split_type="RecordIO", content_type="application/x-recordio-protobuf")},
        {**filters("$[1:]", "$[0,-1]", "Input"), **LINES},
        {**filters("$.a", "$['a','SageMakerOutput']", "Input"), **JSON},
        {"capture": BatchCapture(uri="s3://b/c", generate_inference_id=True), **LINES},
        {
            **filters("$[1:]"),
            **LINES,
            "source": replace(SOURCE, content_type="text/csv; charset=utf-8"),
        },
    ],
)
def test_what_is_taken(change: dict[str, Any]) -> None:
    check(replace(REQUEST, **change))


@pytest.mark.parametrize("uri", ["s3://b/none/", "s3://gone/in/"])
def test_a_job_over_nothing_is_refused_in_the_words_of_aws(uri: str) -> None:
    objects = MemoryObjects(b={"in/a": b""})
    with pytest.raises(ApiError) as refusal:
        check_input(uri, objects, "us-west-2", "arn:aws:iam::123456789012:role/r")

    bucket = uri.split("/")[2]
    assert refusal.value.code == "ValidationException"
    assert refusal.value.message == (
        f'No S3 objects found under S3 URL "{uri}" given in input data source. Please ensure that the bucket exists in the selected '
        f"region (us-west-2), that objects exist under that S3 prefix, and that the role "
        f'"arn:aws:iam::123456789012:role/r" has "s3:ListBucket" permissions on bucket "{bucket}".'
    )
    check_input("s3://b/in/", objects, "us-west-2", "")
