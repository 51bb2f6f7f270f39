"""statistics.json of a data set, in SageMaker's form."""

from __future__ import annotations

from fogbank.monitor.dataset import read_csv
from fogbank.monitor.profile import statistics


def test_statistics_in_sagemakers_form() -> None:
    data = read_csv("n,x,s,e\n1,1.5,red,\n2,2.5,blue,\n3,,red,\n")
    features = {item["name"]: item for item in statistics(data)["features"]}

    assert [features[name]["inferred_type"] for name in "nxse"] == ["Integral", "Fractional", "String", "Unknown"]
    numeric = features["x"]["numerical_statistics"]
    assert numeric["common"] == {"num_present": 2, "num_missing": 1}
    assert (numeric["mean"], numeric["std_dev"], numeric["min"], numeric["max"]) == (2.0, 0.5, 1.5, 2.5)
    buckets = numeric["distribution"]["kll"]["buckets"]
    assert len(buckets) == 10
    assert sum(bucket["count"] for bucket in buckets) == 2
    first = features["s"]["string_statistics"]["distribution"]["categorical"]["buckets"][0]
    assert first == {"value": "red", "count": 2}
