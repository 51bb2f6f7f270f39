"""How the model is asked: the request's word, then the container's, then the default."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from fogbank.cloud.jobs.job import JobError
from fogbank.cloud.jobs.scoring import Settings, environment_of, headers_of, settings_of
from fogbank.contracts.container import MEBIBYTE
from fogbank.contracts.transform import ModelClient
from tests.fakes.reply import FakeReply
from tests.fakes.scorers import FakeScorer
from tests.unit.cloud.jobs.test_batch import REQUEST

DEFAULTS = Settings(concurrency=1, strategy="MultiRecord", payload_limit=6 * MEBIBYTE, timeout_s=600, retries=3)


def said(document: object) -> FakeScorer:
    """An instance whose /execution-parameters answers a document."""
    return FakeScorer(0, lambda *_: FakeReply(), FakeReply(data=json.dumps(document).encode()))


@pytest.mark.parametrize(
    ("own", "asked", "settings"),
    [
        (None, {}, {}),
        ({}, {}, {}),
        ({"MaxConcurrentTransforms": 4, "BatchStrategy": "SINGLE_RECORD", "MaxPayloadInMB": 2}, {},
         {"concurrency": 4, "strategy": "SingleRecord", "payload_limit": 2 * MEBIBYTE}),
        ({"MaxConcurrentTransforms": 4, "BatchStrategy": "SINGLE_RECORD", "MaxPayloadInMB": 2},
         {"max_concurrent": 2, "batch_strategy": "MultiRecord", "max_payload_mb": 0}, {"concurrency": 2, "payload_limit": 0}),
        ({"MaxConcurrentTransforms": 4}, {"max_concurrent": 0}, {"concurrency": 4}),
        (None, {"client": ModelClient(timeout_s=5, retries=0)}, {"timeout_s": 5, "retries": 0}),
    ],
)  # fmt: skip
def test_precedence(own: object, asked: dict[str, Any], settings: dict[str, Any]) -> None:
    scorer = FakeScorer(0, lambda *_: FakeReply()) if own is None else said(own)

    assert settings_of(replace(REQUEST, **asked), scorer) == replace(DEFAULTS, **settings)


@pytest.mark.parametrize(
    "own",
    [
        [],
        1,
        {"BatchStrategy": "ALL"},
        {"MaxPayloadInMB": "much"},
        {"MaxPayloadInMB": 1e999},
        {"MaxConcurrentTransforms": [2]},
    ],
)
def test_parameters_that_are_none_fail_the_job(own: object) -> None:
    with pytest.raises(JobError, match=r"^AlgorithmError: the container's /execution-parameters cannot be read"):
        settings_of(REQUEST, said(own))


def test_what_the_container_is_told() -> None:
    full = replace(
        REQUEST,
        max_payload_mb=1,
        batch_strategy="SingleRecord",
        max_concurrent=3,
        environment={"A": "b", "SAGEMAKER_BATCH": "mine"},
    )

    assert environment_of(REQUEST) == {"SAGEMAKER_BATCH": "true"}
    assert environment_of(full) == {
        "SAGEMAKER_BATCH": "mine", "SAGEMAKER_MAX_PAYLOAD_IN_MB": "1", "SAGEMAKER_BATCH_STRATEGY": "SINGLE_RECORD",
        "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS": "3", "A": "b",
    }  # fmt: skip
    assert headers_of(REQUEST) == {"Content-Type": "text/csv"}
    assert (
        headers_of(replace(REQUEST, target=replace(REQUEST.target, accept="application/json")))["Accept"]
        == "application/json"
    )
