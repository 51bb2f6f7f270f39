"""A shadow endpoint of a model, asked for scores and deleted: what Clarify makes, so that explaining asks nothing of the live one.

In: a model's name and the job's environment; out: scores of rows. Calls are SageMaker's, signed with the job's role's credentials, by
the standard library alone: the analyzer runs in the model's own image.
"""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import sys
import time
import uuid
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import numpy as np

from fogbank.contracts.clarify import PredictorConfig
from fogbank.ground.signature import Sent, sign
from fogbank.monitor.dataset import DatasetError, csv_rows
from fogbank.monitor.numbers import is_number
from fogbank.monitor.shapley import Rows
from fogbank.monitor.sketch import Floats

PREFIX = "sagemaker-clarify-endpoint"
LIMIT_S, LOOK_S, ANSWER_S = 1800.0, 1.0, 70.0
ROWS_A_CALL = 1000


class ShadowEndpoint:
    """As a context: in service inside, deleted after, also when the job is stopped. Raises DatasetError with SageMaker's words."""

    def __init__(self, predictor: PredictorConfig, env: Mapping[str, str]) -> None:
        self._predictor, self._env = predictor, env
        self._name = f"{PREFIX}-{uuid.uuid4().hex[:16]}"
        self._key = _credentials(env)
        self._terminated: Any = signal.SIG_DFL

    def __enter__(self) -> Self:
        self._terminated = signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that `__exit__` comes
        own = self._predictor
        variant = {
            "VariantName": "AllTraffic",
            "ModelName": own.model,
            "InstanceType": own.instance_type,
            "InitialInstanceCount": own.instance_count,
        }
        self._call("CreateEndpointConfig", EndpointConfigName=self._name, ProductionVariants=[variant])
        try:
            self._call("CreateEndpoint", EndpointName=self._name, EndpointConfigName=self._name)
            self._await()
        except BaseException:
            self._delete()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._delete()

    def scores(self, rows: Rows) -> Floats:
        """One score for each row: the configured column of the answer, or its first that is a number."""
        return np.array([self._score(cells) for cells in self._answers(rows)])

    def labels(self, rows: Rows) -> list[str]:
        """One label for each row: the configured column of the answer, or its first."""
        column = self._predictor.label or 0
        answers = self._answers(rows)
        if short := next((cells for cells in answers if len(cells) <= column), None):
            raise DatasetError(f"the model's answer {','.join(short)!r:.80} has no column {column}")
        return [cells[column].strip() for cells in answers]

    def _answers(self, rows: Rows) -> list[list[str]]:
        starts = range(0, len(rows), ROWS_A_CALL)
        return [cells for start in starts for cells in self._ask(rows[start : start + ROWS_A_CALL])]

    def _ask(self, rows: Rows) -> list[list[str]]:
        text = io.StringIO(newline="")
        csv.writer(text, lineterminator="\n").writerows(rows.tolist())
        headers = {"content-type": "text/csv", "accept": self._predictor.accept}
        body = self._send("runtime", f"/endpoints/{self._name}/invocations", text.getvalue().encode(), headers)
        answers = csv_rows(body.decode("utf-8", "replace"))
        if len(answers) != len(rows):
            raise DatasetError(
                f"the model answers {len(answers)} rows to {len(rows)}: it must answer text/csv, a row for each"
            )
        return answers

    def _score(self, cells: list[str]) -> float:
        column = self._predictor.score
        if column is not None and column >= len(cells):
            raise DatasetError(f"the model's answer {','.join(cells)!r:.80} has no column {column}")
        cell = cells[column] if column is not None else next(filter(is_number, cells), "")
        if not is_number(cell):
            raise DatasetError(f"the model's answer {','.join(cells)!r:.80} has no score in it")
        return float(cell)

    def _await(self) -> None:
        ends = time.monotonic() + LIMIT_S
        while True:
            described = self._call("DescribeEndpoint", EndpointName=self._name)
            if described["EndpointStatus"] == "InService":
                return
            if described["EndpointStatus"] == "Failed" or time.monotonic() > ends:
                raise DatasetError(
                    f"the shadow endpoint is {described['EndpointStatus']}: {described.get('FailureReason', '')}"
                )
            time.sleep(LOOK_S)

    def _delete(self) -> None:
        for call, member in (("DeleteEndpoint", "EndpointName"), ("DeleteEndpointConfig", "EndpointConfigName")):
            try:
                self._call(call, **{member: self._name})
            except DatasetError as error:
                sys.stderr.write(f"the shadow endpoint {self._name} was not deleted: {error}\n")
        signal.signal(signal.SIGTERM, self._terminated)

    def _call(self, operation: str, **params: Any) -> dict[str, Any]:
        headers = {"content-type": "application/x-amz-json-1.1", "x-amz-target": f"SageMaker.{operation}"}
        body = self._send("api", "/", json.dumps(params).encode(), headers)
        answer: dict[str, Any] = json.loads(body or b"{}")
        return answer

    def _send(self, door: str, path: str, body: bytes, headers: dict[str, str]) -> bytes:
        region = self._env.get("AWS_REGION") or self._env.get("AWS_DEFAULT_REGION") or "us-east-1"
        base = self._env.get("AWS_ENDPOINT_URL") or f"https://{door}.sagemaker.{region}.amazonaws.com"
        whole = {**headers, "host": urlsplit(base).netloc}
        if token := self._key.get("Token"):
            whole["x-amz-security-token"] = token
        sent = Sent(method="POST", path=path, query="", headers=whole)
        signed = sign(
            sent, (self._key["AccessKeyId"], self._key["SecretAccessKey"]), body, region, "sagemaker", time.time()
        )
        return _read(Request(base.rstrip("/") + path, body, signed))  # noqa: S310 - AWS's own address, or the local cloud's


def _credentials(env: Mapping[str, str]) -> dict[str, str]:
    """Those of the job's role, as containers of AWS's get them. Raises DatasetError."""
    if env.get("AWS_ACCESS_KEY_ID"):
        return {
            "AccessKeyId": env["AWS_ACCESS_KEY_ID"],
            "SecretAccessKey": env.get("AWS_SECRET_ACCESS_KEY", ""),
            "Token": env.get("AWS_SESSION_TOKEN", ""),
        }
    relative = env.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
    address = env.get("AWS_CONTAINER_CREDENTIALS_FULL_URI") or (f"http://169.254.170.2{relative}" if relative else "")
    if not address:
        raise DatasetError("explaining asks a shadow endpoint, and the job has no role's credentials to make one with")
    token = env.get("AWS_CONTAINER_AUTHORIZATION_TOKEN")
    found: dict[str, str] = json.loads(_read(Request(address, headers={"Authorization": token} if token else {})))  # noqa: S310 - from AWS
    return found


def _read(request: Request) -> bytes:
    try:
        with urlopen(request, timeout=ANSWER_S) as answer:  # noqa: S310 - see where the request is made
            body: bytes = answer.read()
            return body
    except HTTPError as error:
        raise DatasetError(f"SageMaker says {error.code}: {error.read()[:400].decode('utf-8', 'replace')}") from error
    except (URLError, OSError) as error:
        raise DatasetError(f"SageMaker cannot be reached: {error}") from error


def shadow_endpoint(predictor: PredictorConfig) -> ShadowEndpoint:
    """With this process's own environment."""
    return ShadowEndpoint(predictor, os.environ)
