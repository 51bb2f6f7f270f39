"""The Clarify container's contract: analysis_config.json and a data set in, analysis.json out; and a bias monitor's verdict."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fogbank.contracts.capture import CaptureRecord, captured
from fogbank.contracts.quality import MERGE_FORMAT
from fogbank.monitor.dataset import DatasetError
from fogbank.monitor.tasks import task
from tests.unit.monitor.traffic import NOON

CONFIG: dict[str, Any] = {
    "dataset_type": "text/csv", "headers": ["y", "sex", "age", "guess"], "label": "y", "label_values_or_threshold": [1],
    "facet": [{"name_or_index": "sex", "value_or_threshold": ["f"]}, {"name_or_index": "age", "value_or_threshold": [40.5]}],
    "group_variable": "sex", "predicted_label": "guess",
    "methods": {"pre_training_bias": {"methods": ["CI", "DPL"]}, "post_training_bias": {"methods": ["DI", "AD"]}, "report": {}},
}  # fmt: skip
ROWS = ["1,m,30.5,1", "0,m,50.5,1", "1,f,45.5,0", "0,f,20.5,0", "1,m,60.5,1"]


def clarified(folder: Path, rows: list[str], **config: Any) -> dict[str, Any]:
    for place in ("config", "data"):
        (folder / "processing/input" / place).mkdir(parents=True)
    (folder / "processing/input/config/analysis_config.json").write_text(json.dumps({**CONFIG, **config}))
    (folder / "processing/input/data/d.csv").write_text("\n".join(rows) + "\n")
    task({"SAGEMAKER_BASE_DIR": str(folder)})()
    document: dict[str, Any] = json.loads((folder / "processing/output/analysis.json").read_text())
    return document


def values(facet: dict[str, Any]) -> dict[str, float]:
    return {metric["name"]: metric["value"] for metric in facet["metrics"]}


def test_a_data_set_is_analyzed_as_its_configuration_says(tmp_path: Path) -> None:
    document = clarified(tmp_path, [*ROWS, "1,f"])

    pre, post = document["pre_training_bias_metrics"], document["post_training_bias_metrics"]
    assert (document["version"], pre["label"], pre["label_value_or_threshold"]) == ("1.0", "y", "1")
    [sex], [age] = pre["facets"]["sex"], pre["facets"]["age"]
    assert values(sex) == pytest.approx({"CI": (3 - 2) / 5, "DPL": 2 / 3 - 1 / 2})
    assert (sex["value_or_threshold"], age["value_or_threshold"]) == ("f", "(40.5, 60.5]")
    assert values(post["facets"]["sex"][0]) == pytest.approx({"DI": 0.0, "AD": 2 / 3 - 1 / 2})
    assert "Set aside: 1 records" in (tmp_path / "output/message").read_text()


def test_a_facet_without_values_is_each_of_them(tmp_path: Path) -> None:
    document = clarified(tmp_path, ROWS, facet={"name_or_index": 1})

    assert [item["value_or_threshold"] for item in document["pre_training_bias_metrics"]["facets"]["sex"]] == ["f", "m"]


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({"label": None}, "analysis_config.json needs label"),
        ({"methods": {"shap": {}}}, "needs predictor.model_name"),
        ({"predicted_label": None}, "post_training_bias needs predicted_label, .* or a predictor"),
        ({"methods": {"pre_training_bias": {"methods": ["XX"]}}}, "has no metric 'XX'"),
        ({"facet": [{"name_or_index": "race"}]}, "there is no column 'race'; there are y, sex, age, guess"),
        ({"methods": {"report": {}}}, "needs methods: pre_training_bias, post_training_bias, shap"),
        (
            {"methods": {"pdf": {}}},
            "methods.pdf is not supported here: pdp, post_training_bias, pre_training_bias, report, shap are",
        ),
        ({"methods": []}, "methods must be an object"),
        ({"facet_dataset_uri": "s3://b/f"}, "facet_dataset_uri is not supported here"),
        ({"features": "a[0]"}, "features is not supported here"),
        ({"facet": [{"name_or_index": "sex", "values": [1]}]}, "facet.values is not supported here"),
        (
            {"methods": {"pre_training_bias": {"method": "all"}}},
            "methods.pre_training_bias.method is not supported here",
        ),
        ({"methods": {"shap": {"num_clusters": 3}}}, "methods.shap.num_clusters is not supported here"),
        (
            {"methods": {"pre_training_bias": {}, "report": {"name": "../x"}}},
            "methods.report.name must be a file's name",
        ),
        (
            {"predictor": {"model_name": "m", "content_template": "$features"}},
            "predictor.content_template is not supported here",
        ),
        ({"probability_threshold": "half"}, "probability_threshold must be a number, not 'half'"),
        ({"probability_threshold": True}, "probability_threshold must be a number, not True"),
        ({"probability_threshold": float("nan")}, "probability_threshold must be a number, not nan"),
        ({"probability_threshold": 10**400}, "probability_threshold must be a number, not 1000"),
        ({"label": [1]}, r"label must be the name or the index of a column, not \[1\]"),
        ({"label": -1}, "label must be the name or the index of a column, not -1"),
        ({"label": True}, "label must be the name or the index of a column, not True"),
        ({"predicted_label": {}}, "predicted_label must be the name or the index of a column"),
        ({"group_variable": 1.5}, "group_variable must be the name or the index of a column, not 1.5"),
        ({"excluded_columns": [None]}, "excluded_columns must be the name or the index of a column, not None"),
        ({"headers": "y,sex"}, "headers must be a list of names, not 'y,sex'"),
        ({"headers": ["y", None]}, r"headers must be a list of names, not \['y', None\]"),
        ({"headers": ["y", "sex", "y"]}, "headers must name each column once, and 'y' is there twice"),
        ({"label_values_or_threshold": [1, None]}, "label_values_or_threshold must be values, .* not None"),
        ({"label_values_or_threshold": {"a": 1}}, "label_values_or_threshold must be values, .* not {'a': 1}"),
        ({"facet": [None]}, "a facet needs name_or_index"),
        ({"facet": {"name_or_index": None}}, "a facet needs name_or_index"),
        (
            {"facet": {"name_or_index": "sex", "value_or_threshold": [["f"]]}},
            r"facet.value_or_threshold must be values, .* not \['f'\]",
        ),
        ({"methods": {"pre_training_bias": None}}, "needs methods: pre_training_bias, post_training_bias, shap"),
        ({"methods": {"pre_training_bias": False}}, "methods.pre_training_bias must be an object"),
        (
            {"methods": {"pre_training_bias": {"methods": [1]}}},
            "methods.pre_training_bias.methods must be a text, not 1",
        ),
        ({"methods": {"pre_training_bias": {}, "report": {"title": 3}}}, "methods.report.title must be a text, not 3"),
        ({"dataset_type": 1}, "dataset_type must be a text, not 1"),
        (
            {"probability_threshold": 0.5, "predicted_label": "sex"},
            "probability_threshold is set, and the prediction 'm' is no number",
        ),
        (
            {"probability_threshold": 0.5, "label_values_or_threshold": ["yes"]},
            "and label_values_or_threshold has 'yes': give 1 or 0",
        ),
        ({"dataset_type": "application/x-parquet"}, "dataset_type 'application/x-parquet' is not supported here"),
    ],
)
def test_what_is_not_right_is_named(tmp_path: Path, config: dict[str, Any], reason: str) -> None:
    with pytest.raises(DatasetError, match=reason):
        clarified(tmp_path, ROWS, **config)


@pytest.mark.parametrize(
    ("shap", "reason"),
    [
        ({"use_logit": "false"}, "methods.shap.use_logit must be true or false, not 'false'"),
        ({"save_local_shap_values": 1}, "methods.shap.save_local_shap_values must be true or false, not 1"),
        ({"num_samples": "many"}, "methods.shap.num_samples must be a whole number from 1 on, not 'many'"),
        ({"num_samples": -5}, "methods.shap.num_samples must be a whole number from 1 on, not -5"),
        ({"num_samples": 0}, "methods.shap.num_samples must be a whole number from 1 on, not 0"),
        ({"seed": -1}, "methods.shap.seed must be a whole number from 0 on, not -1"),
        ({"seed": False}, "methods.shap.seed must be a whole number from 0 on, not False"),
        ({"baseline": [1, 2]}, "methods.shap.baseline must be rows of cells, each of as many"),
        ({"baseline": [[1], [1, 2]]}, "methods.shap.baseline must be rows of cells, each of as many"),
        ({"baseline": [[]]}, "methods.shap.baseline must be rows of cells, each of as many"),
        ({"baseline": {"a": 1}}, "methods.shap.baseline must be rows of cells, each of as many"),
        ({"baseline": [[[1]]]}, r"methods.shap.baseline must have numbers and texts, not \[1\]"),
        ({"baseline": "s3://b/rows.csv"}, "no address is read here"),
        ({"agg_method": ["median"]}, "methods.shap.agg_method must be one of"),
    ],
)
def test_a_member_of_shap_of_another_type_is_named(tmp_path: Path, shap: dict[str, Any], reason: str) -> None:
    with pytest.raises(DatasetError, match=reason):
        clarified(tmp_path, ROWS, methods={"shap": shap}, predictor={"model_name": "m"})


@pytest.mark.parametrize(
    ("predictor", "reason"),
    [
        ({"label": -1}, "predictor.label must be the index of a column of the answer, not -1"),
        ({"model_name": ["m"]}, r"predictor.model_name must be a text, not \['m'\]"),
        ({"initial_instance_count": 0}, "predictor.initial_instance_count must be a whole number from 1 on, not 0"),
        ({"label_headers": [1]}, "label_headers must be a text, not 1"),
    ],
)
def test_a_member_of_the_predictor_of_another_type_is_named(
    tmp_path: Path, predictor: dict[str, Any], reason: str
) -> None:
    with pytest.raises(DatasetError, match=reason):
        clarified(tmp_path, ROWS, methods={"shap": {}}, predictor={"model_name": "m", **predictor})


def test_a_member_that_is_null_is_left_out(tmp_path: Path) -> None:
    facet = {"name_or_index": "sex", "value_or_threshold": None}
    methods = {"pre_training_bias": {"methods": None}, "post_training_bias": None, "shap": None, "report": None}
    nothing = dict.fromkeys(("predictor", "predicted_label", "probability_threshold", "group_variable", "headers"))
    rows = [",".join(CONFIG["headers"]), *ROWS]
    found = clarified(tmp_path, rows, facet=[facet], methods=methods, **nothing)

    assert found.keys() == {"version", "pre_training_bias_metrics"}
    pre = found["pre_training_bias_metrics"]["facets"]["sex"]
    assert [item["value_or_threshold"] for item in pre] == ["f", "m"]
    assert len(pre[0]["metrics"]) > 5, "all of them"
    assert [file.name for file in (tmp_path / "processing/output").iterdir()] == ["analysis.json"]


def test_probabilities_are_cut_at_the_threshold(tmp_path: Path) -> None:
    rows = [row[:-1] + guess for row, guess in zip(ROWS, ("0.9", "0.7", "0.2", "0.1", "0.8"), strict=True)]
    cut = clarified(tmp_path, rows, probability_threshold=0.6)

    assert values(cut["post_training_bias_metrics"]["facets"]["sex"][0]) == pytest.approx(
        {"DI": 0.0, "AD": 2 / 3 - 1 / 2}
    )


CUT = {"DPPL": -1.0, "AD": 2 / 3 - 1 / 2, "RD": -1.0}
"""What smclarify 0.5 tells of twenty times the rows, cut at 0.6, where 0 is the positive label."""


@pytest.mark.parametrize("positive", [0, "0", False, 0.0])
def test_where_0_is_the_positive_label_it_is_what_is_not_above_the_threshold(tmp_path: Path, positive: Any) -> None:
    words = ("false", "true") if positive is False else ("0", "1")
    guesses = ("0.9", "0.7", "0.2", "0.1", "0.8")
    rows = [words[int(row[0])] + row[1:-1] + guess for row, guess in zip(ROWS, guesses, strict=True)]
    methods = {"post_training_bias": {"methods": [*CUT]}}
    cut = clarified(tmp_path, rows, probability_threshold=0.6, label_values_or_threshold=[positive], methods=methods)

    assert values(cut["post_training_bias_metrics"]["facets"]["sex"][0]) == pytest.approx(CUT)


def test_columns_that_are_set_aside_are_no_features(tmp_path: Path) -> None:
    """The flip test looks at features that are numbers: names among them leave it without a value."""
    headers = ["id", *CONFIG["headers"], "town"]
    rows = [f"n{number},{row},x" for number, row in enumerate(ROWS)]
    config = {"headers": headers, "methods": {"post_training_bias": {"methods": ["FT"]}}, "facet": CONFIG["facet"][:1]}
    (with_names, without) = (
        clarified(tmp_path / name, rows, **config, **others)["post_training_bias_metrics"]["facets"]["sex"][0]["metrics"][0]
        for name, others in (
            ("with", {}), ("without", {"excluded_columns": ["town"], "joinsource_name_or_index": 0}),
        )
    )  # fmt: skip

    assert with_names["value"] is None
    assert isinstance(without["value"], float)


def test_a_report_is_written_where_one_is_asked_for(tmp_path: Path) -> None:
    report = {"name": "mine", "title": "Sex & <age>"}
    methods = {**CONFIG["methods"], "report": report}
    clarified(tmp_path, [*ROWS, "1,f"], methods=methods)

    page = (tmp_path / "processing/output/mine.html").read_text()
    assert page.count("<h1>Sex &amp; &lt;age&gt;</h1>") == 1
    assert "Facet <b>age</b>: <b>(40.5, 60.5]</b>" in page
    assert "Pre-training bias" in page
    assert "Post-training bias" in page
    assert "1 records could not be read and were left out. The first: d.csv line 6" in page
    assert not any(word in page for word in ("<script", "http://", "https://", "src="))
    assert sorted(file.name for file in (tmp_path / "processing/output").iterdir()) == ["analysis.json", "mine.html"]


def merged_line(asked: str, answer: str, truth: str) -> str:
    record = CaptureRecord(
        event_id="e",
        time=NOON,
        input=captured(asked.encode(), "text/csv", "INPUT", ["text/csv"], []),
        output=captured(answer.encode(), "text/csv", "OUTPUT", ["text/csv"], []),
    )
    return json.dumps({**json.loads(record.line()), "groundTruthData": {"data": truth, "encoding": "CSV"}})


def test_a_bias_monitor_is_held_to_its_baseline(tmp_path: Path) -> None:
    config = {**CONFIG, "headers": ["y", "sex", "age"], "facet": CONFIG["facet"][:1]}
    del config["predicted_label"]
    (tmp_path / "in").mkdir()
    (tmp_path / "config.json").write_text(json.dumps(config))
    lines = [merged_line(f"{sex},{age}", guess, y) for y, sex, age, guess in (row.split(",") for row in ROWS)]
    (tmp_path / "in" / "x.jsonl").write_text("\n".join(lines) + "\n")
    fair = {
        "label": "y",
        "facets": {
            "sex": [
                {"value_or_threshold": "f", "metrics": [{"name": "DI", "value": 0.9}, {"name": "AD", "value": -0.5}]}
            ]
        },
    }
    (tmp_path / "analysis.json").write_text(json.dumps({"version": "1.0", "post_training_bias_metrics": fair}))
    message = task({
        "analysis_type": "MODEL_BIAS", "analysis_config": str(tmp_path / "config.json"), "dataset_format": MERGE_FORMAT,
        "dataset_source": str(tmp_path / "in"), "output_path": str(tmp_path / "out"), "SAGEMAKER_BASE_DIR": str(tmp_path / "ml"),
        "inference_attribute": "0", "baseline_constraints": str(tmp_path / "analysis.json"), "publish_cloudwatch_metrics": "Enabled",
    })()  # fmt: skip

    assert message == "CompletedWithViolations: Job completed successfully with 1 violations."
    assert json.loads((tmp_path / "out/constraint_violations.json").read_text())["violations"] == [{
        "facet": "sex", "facet_value": "f", "metric_name": "DI", "constraint_check_type": "bias_drift_check",
        "description": "Metric value 0.0 doesn't meet the baseline constraint requirement 0.9",
    }]  # fmt: skip
    metric = json.loads(
        (tmp_path / "ml/output/metrics/cloudwatch/cloudwatch_metrics.jsonl").read_text().splitlines()[0]
    )
    assert metric["MetricName"] == "bias_metric_CI"
    assert {item["Name"]: item["Value"] for item in metric["Dimensions"]}["FacetValue"] == "f"


def monitored(folder: Path, env: dict[str, str], **config: Any) -> tuple[dict[str, float], str]:
    """The values of a bias monitor's records, of whose answers the first column is a label and the second a probability, and its message."""
    own = {**CONFIG, "headers": ["y", "sex", "age"], "facet": CONFIG["facet"][:1], **config}
    del own["predicted_label"]
    (folder / "in").mkdir()
    (folder / "config.json").write_text(json.dumps(own))
    answers = ("1,0.9", "1,0.7", "1,0.2", "1,0.1", "1,0.8")
    lines = [merged_line(row[2:-2], answer, row[0]) for row, answer in zip(ROWS, answers, strict=True)]
    (folder / "in" / "x.jsonl").write_text("\n".join(lines) + "\n")
    message = task({
        "analysis_type": "MODEL_BIAS", "analysis_config": str(folder / "config.json"), "dataset_format": MERGE_FORMAT,
        "dataset_source": str(folder / "in"), "output_path": str(folder / "out"), "SAGEMAKER_BASE_DIR": str(folder / "ml"), **env,
    })()  # fmt: skip
    found = json.loads((folder / "out/analysis.json").read_text())["post_training_bias_metrics"]
    return values(found["facets"]["sex"][0]), message


@pytest.mark.parametrize(
    ("env", "config"),
    [
        ({"probability_attribute": "1", "probability_threshold_attribute": "0.6"}, {}),
        ({"probability_attribute": "1"}, {"probability_threshold": 0.6}),
        ({"probability_attribute": "1", "probability_threshold_attribute": "0.6"}, {"probability_threshold": 0.6}),
        ({"probability_attribute": "1", "inference_attribute": "0"}, {"probability_threshold": 0.6}),
        ({"inference_attribute": "1"}, {"probability_threshold": 0.6}),
        ({"inference_attribute": "1", "probability_threshold_attribute": "0.6"}, {}),
    ],
)
def test_a_bias_monitors_probabilities_are_cut(tmp_path: Path, env: dict[str, str], config: dict[str, Any]) -> None:
    methods = {"post_training_bias": {"methods": [*CUT]}}
    found, _ = monitored(tmp_path, env, label_values_or_threshold=[0], methods=methods, **config)

    assert found == pytest.approx(CUT)


def test_two_thresholds_of_a_bias_monitor_are_refused(tmp_path: Path) -> None:
    env = {"probability_attribute": "1", "probability_threshold_attribute": "0.5"}
    with pytest.raises(DatasetError, match=r"probability_threshold .* is 0.6 and the monitor's Probability.* 0.5"):
        monitored(tmp_path, env, probability_threshold=0.6)


@pytest.mark.parametrize("methods", [{"report": {}}, {"shap": {}}, {"pre_training_bias": None}, {}])
def test_a_bias_monitor_that_asks_for_no_bias_is_refused(tmp_path: Path, methods: dict[str, Any]) -> None:
    with pytest.raises(DatasetError, match="needs methods: pre_training_bias or post_training_bias"):
        monitored(tmp_path, {"inference_attribute": "0"}, methods=methods)


def held_to(folder: Path, stage: Any) -> str:
    (folder / "analysis.json").write_text(json.dumps({"version": "1.0", "post_training_bias_metrics": stage}))
    env = {"inference_attribute": "0", "baseline_constraints": str(folder / "analysis.json")}
    return monitored(folder, env)[1]


def facet(value: Any, name: Any = "DI", said: Any = "f") -> dict[str, Any]:
    return {"sex": [{"value_or_threshold": said, "metrics": [{"name": name, "value": value}]}]}


@pytest.mark.parametrize(
    ("stage", "reason"),
    [
        ([], r"post_training_bias_metrics must be an object, not \[\]"),
        ({"label": "y"}, "post_training_bias_metrics.facets must be an object, not None"),
        ({"facets": facet(0.5)}, "post_training_bias_metrics.label must be a text"),
        ({"label": "y", "facets": {"sex": {}}}, r"facets.sex must be a list"),
        ({"label": "y", "facets": facet(0.5, name=3)}, r"facets.sex\[0\].metrics\[0\].name must be a text, not 3"),
        ({"label": "y", "facets": facet(True)}, r"metrics\[0\] \(DI\).value must be a number, not True"),
        ({"label": "y", "facets": facet("0.5")}, r"metrics\[0\] \(DI\).value must be a number, not '0.5'"),
        ({"label": "y", "facets": facet(0.5, said="m")}, r"none of the baseline's facets is one of the analysis: it has .*'m'"),
        ({"label": "z", "facets": facet(0.5)}, r"it has \('post_training_bias_metrics', 'z', 'sex', 'f'\), and there is"),
    ],
)  # fmt: skip
def test_a_baseline_that_cannot_be_compared_is_told_by_its_place(tmp_path: Path, stage: Any, reason: str) -> None:
    with pytest.raises(DatasetError, match=reason):
        held_to(tmp_path, stage)


@pytest.mark.parametrize("value", ["Infinity", float("inf"), None])
def test_a_baseline_that_is_infinitely_unfair_is_never_violated(tmp_path: Path, value: Any) -> None:
    assert held_to(tmp_path, {"label": "y", "facets": facet(value)}).startswith("Completed: ")


def test_a_file_that_is_no_csv_is_set_aside(tmp_path: Path) -> None:
    (tmp_path / "processing/input/data").mkdir(parents=True)
    (tmp_path / "processing/input/data/broken.csv").write_bytes(b"1,m,30\n\x00\r\r" + b'"' + b"x" * 10)
    document = clarified_beside(tmp_path)

    assert document["pre_training_bias_metrics"]["label"] == "y"


def clarified_beside(folder: Path) -> dict[str, Any]:
    (folder / "processing/input/config").mkdir(parents=True)
    (folder / "processing/input/config/analysis_config.json").write_text(json.dumps(CONFIG))
    (folder / "processing/input/data/d.csv").write_text("\n".join(ROWS) + "\n")
    task({"SAGEMAKER_BASE_DIR": str(folder)})()
    document: dict[str, Any] = json.loads((folder / "processing/output/analysis.json").read_text())
    return document
