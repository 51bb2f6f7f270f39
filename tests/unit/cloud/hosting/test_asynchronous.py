"""InvokeEndpointAsync's headers become a request, or SageMaker's error."""

from __future__ import annotations

import pytest

from fogbank.cloud.api.errors import ApiError
from fogbank.cloud.hosting.asynchronous import AsyncConfig, AsyncRequest, Taken, accepted

CONFIG = {
    "AsyncInferenceConfig": {
        "OutputConfig": {
            "S3OutputPath": "s3://b/out/",
            "S3FailurePath": "s3://b",
            "NotificationConfig": {"ErrorTopic": "t", "IncludeInferenceResponseIn": ["ERROR_NOTIFICATION_TOPIC"]},
        }
    }
}
PREFIX = "x-amzn-sagemaker-"


def taken() -> Taken:
    config = AsyncConfig.of(CONFIG)
    assert config is not None
    return Taken(id="u", region="r", endpoint="e", endpoint_made=1.0, received=2.0, config=config)


def test_a_request_with_all_that_there_is_and_back_from_the_store() -> None:
    headers = {
        "content-type": "application/octet-stream",
        PREFIX + "content-type": "text/csv",
        PREFIX + "accept": "application/json",
        PREFIX + "custom-attributes": "c",
        PREFIX + "inference-id": "i",
        PREFIX + "inputlocation": "s3://b/in",
        PREFIX + "requestttlseconds": "60",
        PREFIX + "invocationtimeoutseconds": "5",
    }
    request = accepted(headers, b"", taken())

    assert (request.output, request.failure) == ("s3://b/out/u.out", "s3://b/u-error.out")
    assert (request.ttl_s, request.timeout_s, request.inference_id) == (60, 5, "i")
    assert request.headers == {
        "content-type": "text/csv",
        "accept": "application/json",
        PREFIX + "custom-attributes": "c",
        PREFIX + "inference-id": "i",
    }
    assert request.topics == {"ERROR_NOTIFICATION_TOPIC": "t"}
    assert AsyncRequest.decode(request.encode()) == request


def test_defaults_and_an_inline_body() -> None:
    request = accepted({PREFIX + "filename": "f.csv", PREFIX + "s3outputpathextension": "/x/"}, b"\xff1", taken())

    assert (request.output, request.inline, request.inference_id) == ("s3://b/out/x/f.csv", b"\xff1", "u")
    assert (request.ttl_s, request.timeout_s) == (21_600, 900)


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ({"requestttlseconds": "soon"}, "RequestTTLSeconds must be a number, not soon."),
        ({"requestttlseconds": "1"}, "Member must have value greater than or equal to 60"),
        ({"filename": "a/b"}, "satisfy regular expression pattern"),
        ({"s3outputpathextension": "s3://x"}, "satisfy regular expression pattern"),
        ({"inputlocation": "s3://b/k"}, "Exactly one of Body and InputLocation must be given."),
    ],
)
def test_what_does_not_fit_is_a_validation_error(headers: dict[str, str], said: str) -> None:
    with pytest.raises(ApiError) as caught:
        accepted({PREFIX + name: value for name, value in headers.items()}, b"x", taken())

    assert (caught.value.code, said in caught.value.message) == ("ValidationError", True), caught.value.message
