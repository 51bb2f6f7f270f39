"""A shadow endpoint is made, asked and deleted, whatever happens in between; SageMaker is a server of the test's."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fogbank.contracts.clarify import PredictorConfig, ShapConfig
from fogbank.monitor.dataset import DatasetError
from fogbank.monitor.explain import drift, explained
from fogbank.monitor.facets import Table
from fogbank.monitor.predictor import ShadowEndpoint
from fogbank.monitor.tasks import task

ROWS = np.array([["1", "2"], ["3", "4"]], dtype=object)


class SageMaker(BaseHTTPRequestHandler):
    """Answers what it is told to, and remembers what it was asked."""

    asked: list[str]
    status: str
    answer: bytes

    def do_POST(self) -> None:
        operation = self.headers.get("x-amz-target", "").removeprefix("SageMaker.") or "InvokeEndpoint"
        self.rfile.read(int(self.headers["content-length"]))
        self.asked.append(operation)
        assert "Credential=key/" in self.headers["authorization"]
        body = (
            self.answer
            if operation == "InvokeEndpoint"
            else json.dumps({"EndpointStatus": self.status, "FailureReason": "no"}).encode()
        )
        self.send_response(400 if operation == "CreateEndpoint" and self.status == "refused" else 200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def sagemaker() -> Iterator[tuple[type[SageMaker], dict[str, str]]]:
    handler = type("Handler", (SageMaker,), {"asked": [], "status": "InService", "answer": b"a,0.5\nb,0.25\n"})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        env = {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}",
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "s",
        }
        yield handler, env
        server.shutdown()


def test_it_is_made_asked_and_deleted(sagemaker: tuple[type[SageMaker], dict[str, str]]) -> None:
    handler, env = sagemaker
    with ShadowEndpoint(PredictorConfig(model="m"), env) as endpoint:
        assert endpoint.scores(ROWS).tolist() == [0.5, 0.25]

    assert handler.asked == [
        "CreateEndpointConfig", "CreateEndpoint", "DescribeEndpoint", "InvokeEndpoint", "DeleteEndpoint", "DeleteEndpointConfig",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("status", "answer", "reason"),
    [
        ("Failed", b"", "the shadow endpoint is Failed: no"),
        ("refused", b"", "SageMaker says 400"),
        ("InService", b"0.5\n", "the model answers 1 rows to 2"),
        ("InService", b"x\ny\n", "has no score in it"),
    ],
)
def test_it_is_deleted_when_something_fails(
    sagemaker: tuple[type[SageMaker], dict[str, str]], status: str, answer: bytes, reason: str
) -> None:
    handler, env = sagemaker
    handler.status, handler.answer = status, answer
    with pytest.raises(DatasetError, match=reason), ShadowEndpoint(PredictorConfig(model="m"), env) as endpoint:
        endpoint.scores(ROWS)

    assert handler.asked[-2:] == ["DeleteEndpoint", "DeleteEndpointConfig"]


def test_a_column_that_the_answer_lacks_is_named(sagemaker: tuple[type[SageMaker], dict[str, str]]) -> None:
    _, env = sagemaker
    with (
        pytest.raises(DatasetError, match=r"the model's answer 'a,0\.5' has no column 2"),
        ShadowEndpoint(PredictorConfig(model="m", score=2), env) as endpoint,
    ):
        endpoint.scores(ROWS)


def test_without_credentials_it_says_so() -> None:
    with pytest.raises(DatasetError, match="no role's credentials"):
        ShadowEndpoint(PredictorConfig(model="m"), {})


def test_a_table_is_explained_beside_its_middle() -> None:
    table = Table({"n": ["1", "3"], "s": ["x", "x"]})
    config = ShapConfig(predictor=PredictorConfig(model="m"), headers=("n", "s"))
    told = explained(table, config, lambda rows: rows[:, 0].astype(float))["kernel_shap"]["label0"]

    assert told == {"global_shap_values": {"n": 1.0, "s": 0.0}, "expected_value": 2.0}


def test_an_empty_cell_of_the_background_is_asked_as_one() -> None:
    asked: list[list[str]] = []

    def score(rows: np.ndarray) -> np.ndarray:
        asked.extend(rows.tolist())
        return np.zeros(len(rows))

    config = ShapConfig(predictor=PredictorConfig(model="m"), headers=("n", "s"), baseline=[[1.5, None]])
    explained(Table({"n": ["1"], "s": ["x"]}), config, score)
    assert asked[0] == ["1.5", ""]


@pytest.mark.parametrize(
    ("predictor", "others", "expected"),
    [
        ({}, {"label_values_or_threshold": ["a"]}, {"DI": 0.0, "AD": -1.0}),
        ({"label": 0, "probability": 1}, {"label_values_or_threshold": ["a"]}, {"DI": 0.0, "AD": -1.0}),
        ({"probability": 1}, {"probability_threshold": 0.3}, {"DI": 0.0, "AD": 1.0}),
        ({"probability": 1}, {"probability_threshold": 0.2}, {"DI": 1.0, "AD": 0.0}),
        (
            {"probability": 1},
            {"label_values_or_threshold": [0], "probability_threshold": 0.3},
            {"DI": float("inf"), "AD": 1.0},
        ),
        ({"label": 0, "probability": 1}, {"probability_threshold": 0.3}, {"DI": 0.0, "AD": 1.0}),
        ({"label": 1}, {"probability_threshold": 0.3}, {"DI": 0.0, "AD": 1.0}),
    ],
    ids=[
        "the first column",
        "a column",
        "a probability",
        "a lower threshold",
        "where 0 is positive",
        "beside a label",
        "a label",
    ],
)
def test_a_predictor_makes_the_predictions_of_a_bias_analysis(
    sagemaker: tuple[type[SageMaker], dict[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    predictor: dict[str, Any], others: dict[str, Any], expected: dict[str, float],
) -> None:  # fmt: skip
    handler, env = sagemaker
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    for place in ("config", "data"):
        (tmp_path / "processing/input" / place).mkdir(parents=True)
    config = {
        "headers": ["y", "sex", "n"], "label": "y", "facet": [{"name_or_index": "sex", "value_or_threshold": ["f"]}],
        "predictor": {"model_name": "m", **predictor}, "methods": {"post_training_bias": {"methods": ["DI", "AD"]}},
        "label_values_or_threshold": [1], **others,
    }  # fmt: skip
    (tmp_path / "processing/input/config/analysis_config.json").write_text(json.dumps(config))
    (tmp_path / "processing/input/data/d.csv").write_text("1,m,1\n1,f,2\n")
    task({"SAGEMAKER_BASE_DIR": str(tmp_path)})()

    found = json.loads((tmp_path / "processing/output/analysis.json").read_text())["post_training_bias_metrics"]
    metrics = {item["name"]: float(item["value"]) for item in found["facets"]["sex"][0]["metrics"]}
    assert metrics == pytest.approx(expected)
    assert handler.asked[-2:] == ["DeleteEndpoint", "DeleteEndpointConfig"]


def test_single_rows_values_and_the_background_are_written_where_they_are_asked_for(tmp_path: Path) -> None:
    table = Table({"n": ["1", "3", "5"], "s": ["x", "x", "y"]})
    config = ShapConfig(predictor=PredictorConfig(model="m", name="risk"), headers=("n", "s"), local=True)
    told = explained(table, config, lambda rows: rows[:, 0].astype(float), tmp_path)["kernel_shap"]

    assert told.keys() == {"risk"}
    assert (tmp_path / "explanations_shap/out.csv").read_text() == "n_risk,s_risk\n-2.0,0.0\n0.0,0.0\n2.0,0.0\n"
    assert (tmp_path / "explanations_shap/baseline.csv").read_text() == "n,s\n3.0,x\n"


def test_log_odds_are_of_probabilities() -> None:
    table = Table({"n": ["0.2", "0.8"]})
    config = ShapConfig(predictor=PredictorConfig(model="m"), headers=("n",), baseline=[[0.5]], logit=True)
    told = explained(table, config, lambda rows: rows[:, 0].astype(float))["kernel_shap"]["label0"]

    assert told["global_shap_values"]["n"] == pytest.approx(np.log(4))
    with pytest.raises(DatasetError, match="use_logit needs probabilities"):
        explained(Table({"n": ["2"]}), config, lambda rows: rows[:, 0].astype(float))


def test_an_order_that_is_kept_is_no_violation() -> None:
    def ordered(**values: float) -> dict[str, Any]:
        return {"explanations": {"kernel_shap": {"label0": {"global_shap_values": values, "expected_value": 0.0}}}}

    assert drift(ordered(a=3.0, b=1.0), ordered(a=0.5, b=0.1)) == []
    [violation] = drift(ordered(a=0.0, b=1.0), ordered(a=1.0, b=0.0))
    assert violation["description"] == f"Feature attribution drift {1 / np.log2(3)} exceeds threshold 0.9"
    with pytest.raises(DatasetError, match="has no explanations"):
        drift(ordered(a=1.0), {})
    with pytest.raises(DatasetError, match=r"has no explanations .*KeyError"):
        drift(ordered(a=1.0), {"explanations": {"kernel_shap": {"another label": {}}}})
    with pytest.raises(
        DatasetError, match="none of the features that the baseline has values of is one of the model's"
    ):
        drift(ordered(a=1.0), ordered(b=1.0))
    with pytest.raises(DatasetError, match="the baseline's global_shap_values of label0 are not all numbers"):
        drift(ordered(a=1.0), ordered(a="1"))  # type: ignore[arg-type]  # as a hand may write it
