"""The reference model's lifecycle: the same split every time, gates that mean something, and what training leaves."""

from __future__ import annotations

import json
from pathlib import Path

import joblib
import numpy as np
import pytest

from fogbank.contracts.config import ProjectConfig
from fogbank.pack import read_trained
from handlers.inference import predict_fn
from model.data import load, split
from model.evaluate import GATES, evaluate
from model.features import OUTPUT_COLUMNS


def test_the_split_is_stratified_and_the_same_every_time() -> None:
    table = load()
    first, second = split(table), split(table)

    assert table.x.shape == (569, 30)
    assert (len(first.train.y), len(first.held_out.y)) == (426, 143)
    np.testing.assert_array_equal(first.held_out.x, second.held_out.x)
    assert first.train.y.mean() == pytest.approx(table.y.mean(), abs=0.01)
    assert all(name == name.lower() and " " not in name for name in table.names)


def test_the_metrics_are_those_of_rows_it_has_not_seen_and_the_gates_hold(fogbank_project: ProjectConfig) -> None:
    model = joblib.load(fogbank_project.trained / "model.joblib")
    written = json.loads((fogbank_project.trained / "metrics.json").read_text())
    measured = evaluate(model, split(load()).held_out)

    assert {name: written["metrics"][name] for name in measured} == pytest.approx(measured)
    assert written["gates"] == GATES
    assert all(measured[name] >= least for name, least in GATES.items())


def test_what_training_leaves_is_what_pack_takes(fogbank_project: ProjectConfig) -> None:
    trained = read_trained(fogbank_project.trained)
    header = (fogbank_project.trained / "baseline.csv").read_text().splitlines()[0].split(",")

    assert trained.input.names == load().names
    assert header == [*(column["name"] for column in OUTPUT_COLUMNS), *trained.input.names]
    assert len((fogbank_project.trained / "rows.csv").read_text().splitlines()) == 570


def test_the_handler_answers_label_and_probability(fogbank_project: ProjectConfig) -> None:
    answers = predict_fn(load().x, joblib.load(fogbank_project.trained / "model.joblib"))

    assert len(answers) == 569
    assert all(label == int(p >= 0.5) and 0 <= p <= 1 for label, p in answers)


def test_a_gate_file_is_plain_json(fogbank_project: ProjectConfig) -> None:
    for name in ("schema.json", "metrics.json", "evaluation.json"):
        assert isinstance(json.loads(Path(fogbank_project.trained / name).read_text()), dict)
