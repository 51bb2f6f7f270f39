"""What a batch must capture for each kind of monitor, and the package's baseline without its answers."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fogbank.components.baselines import of_columns
from fogbank.components.captured import captured, of_batch
from fogbank.components.monitor_kinds import Bias, DataQuality, Explainability, ModelQuality
from fogbank.contracts.transform import DataProcessing
from tests.unit.components.test_monitor_kinds import manifest

JOINED = DataProcessing(join_source="Input")
FILTERED = DataProcessing(input_filter="$[1:]", join_source="Input")
QUALITY = ModelQuality("BinaryClassification", inference=2)


def batch(processing: DataProcessing | None = None, *, inference_ids: bool = True) -> Any:
    """A BatchTransform, as far as it is looked at: of a model of two columns."""
    service = SimpleNamespace(package=manifest(accuracy=0.9))
    return SimpleNamespace(service=service, processing=processing, inference_ids=inference_ids, capture_uri=None)


@pytest.mark.parametrize(
    ("kind", "of", "said"),
    [
        (DataQuality(), batch(inference_ids=False), []),
        (DataQuality(), batch(FILTERED), ["DataQuality looks at what the jobs were given"]),
        (Explainability(), batch(FILTERED), ["ModelExplainability looks at"]),
        (QUALITY, batch(inference_ids=False), ["inference_ids=True"]),
        (QUALITY, batch(JOINED), []),
        (ModelQuality("BinaryClassification", inference=0), batch(), []),
        (ModelQuality("BinaryClassification", inference=0, probability=1), batch(JOINED), ["inference 0 is a feature", "probability 1"]),
        (ModelQuality("BinaryClassification", inference=0), batch(FILTERED), []),
        (Bias({"sex": ["f"]}, inference=2), batch(inference_ids=False), ["inference_ids=True", "join_source"]),
        (Bias({"sex": ["f"]}, inference=2), batch(FILTERED), ["a row begins with others"]),
        (Bias({"sex": ["f"]}, inference=2), batch(JOINED), []),
    ],
)  # fmt: skip
def test_what_a_kind_cannot_find_in_a_batch_is_refused(kind: Any, of: Any, said: list[str]) -> None:
    problems = list(of_batch(kind, of))

    assert len(problems) == len(said)
    assert all(words in problem for words, problem in zip(said, problems, strict=True))


def test_a_monitor_looks_at_one_thing_that_captures() -> None:
    silent = SimpleNamespace(capture_uri=None)
    for endpoint, of, said in (
        (None, None, "one of endpoint and batch"),
        (silent, batch(), "one of endpoint and batch"),
        (silent, None, "the endpoint captures nothing"),
        (None, batch(), "the batch captures nothing"),
    ):
        with pytest.raises(ValueError, match=said):
            captured(endpoint, of)  # type: ignore[arg-type]  # as far as they are looked at


def test_what_jobs_are_given_is_held_to_the_baseline_without_answers_in_the_models_order(tmp_path: Path) -> None:
    file = tmp_path / "constraints.json"
    file.write_text(
        json.dumps({"version": 0.0, "features": [{"name": "prediction"}, {"name": "sex"}, {"name": "age"}]})
    )

    found = json.loads(of_columns(file, ("age", "sex")))
    assert found == {"version": 0.0, "features": [{"name": "age"}, {"name": "sex"}]}
    with pytest.raises(ValueError, match="no column height"):
        of_columns(file, ("age", "height"))
