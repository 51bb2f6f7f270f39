"""A baseline's constraints.json and the checks against it, in SageMaker's format and with SageMaker's defaults.

Source: AWS Developer Guide, "Schema for constraints" and "Schema for violations"; the defaults are the analyzer's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fogbank.monitor import sketch
from fogbank.monitor.dataset import Dataset
from fogbank.monitor.profile import Document, is_integral, is_number

MANY = 50
"""A string feature with more distinct values than this gets no domain."""
MONITORING_CONFIG: Mapping[str, Any] = {
    "evaluate_constraints": "Enabled",
    "emit_metrics": "Enabled",
    "datatype_check_threshold": 1.0,
    "domain_content_threshold": 1.0,
    "distribution_constraints": {
        "perform_comparison": "Enabled",
        "comparison_threshold": 0.1,
        "comparison_method": "Robust",
        "categorical_comparison_threshold": 0.1,
        "categorical_drift_method": "LInfinity",
    },
}


def suggest_constraints(stats: Document) -> Document:
    """Constraints that the data of these statistics meets."""
    return {
        "version": 0.0,
        "features": [_suggest(item) for item in stats["features"]],
        "monitoring_config": dict(MONITORING_CONFIG),
    }


def _suggest(item: Document) -> Document:
    own = item.get("numerical_statistics") or item["string_statistics"]
    rows = own["common"]["num_present"] + own["common"]["num_missing"]
    constraint: Document = {
        "name": item["name"],
        "inferred_type": item["inferred_type"],
        "completeness": own["common"]["num_present"] / rows if rows else 1.0,
    }
    if "numerical_statistics" in item:
        constraint["num_constraints"] = {"is_non_negative": own["min"] >= 0}
    elif item["inferred_type"] == "String" and own["distinct_count"] <= MANY:
        constraint["string_constraints"] = {
            "domains": [bucket["value"] for bucket in own["distribution"]["categorical"]["buckets"]]
        }
    return constraint


def violations(data: Dataset, now: Document, constraints: Document, base: Document | None) -> list[Document]:
    """Every check that the data fails, in the baseline's order of features."""
    config = {**MONITORING_CONFIG, **constraints.get("monitoring_config", {})}
    if config["evaluate_constraints"] != "Enabled":
        return []
    expected = [item["name"] for item in constraints["features"]]
    failures = list(_columns(list(data.columns), expected))
    current = {item["name"]: item for item in now["features"]}
    before = {item["name"]: item for item in base["features"]} if base else {}
    for item in constraints["features"]:
        name = item["name"]
        if name in data.columns:
            limits = {**config, **item.get("monitoring_config_overrides", {})}
            failures += _feature(item, data.columns[name], current[name], before.get(name), limits)
    return failures


def _columns(present: Sequence[str], expected: Sequence[str]) -> Iterator[Document]:
    difference = (
        f"There are {'fewer' if len(present) < len(expected) else 'more'} columns in the current dataset. Number of columns in "
        f"current dataset: {len(present)}, Number of columns in baseline constraints: {len(expected)}"
    )
    missing, extra = [n for n in expected if n not in present], [n for n in present if n not in expected]
    if missing:
        yield _violation(missing[0] if len(missing) == 1 else "Missing columns", "missing_column_check", difference)
    if extra:
        yield _violation(extra[0] if len(extra) == 1 else "Extra columns", "extra_column_check", difference)


def _feature(
    item: Document, values: Sequence[str | None], now: Document, base: Document | None, config: Mapping[str, Any]
) -> Iterator[Document]:
    name, kind = item["name"], item["inferred_type"]
    present = [value for value in values if value is not None]
    share = _share_of_type(present, kind)
    if share < config["datatype_check_threshold"]:
        yield _violation(
            name,
            "data_type_check",
            f"Data type match requirement is not met. Expected data type: {kind}, Expected match: {100 * config['datatype_check_threshold']}%. "
            f"Observed: Only {100 * share}% of data is {kind}.",
        )
    complete = len(present) / len(values) if values else 1.0
    if complete < item["completeness"]:
        yield _violation(name, "completeness_check", f"Value: {complete} does not meet the constraint requirement! ")
    domains = item.get("string_constraints", {}).get("domains")
    if domains and present:
        inside = sum(value in set(domains) for value in present) / len(present)
        if inside < config["domain_content_threshold"]:
            yield _violation(
                name, "categorical_values_check", f"Value: {inside} does not meet the constraint requirement! "
            )
    if base is not None:
        yield from _drift(
            name, base, now, {**MONITORING_CONFIG["distribution_constraints"], **config["distribution_constraints"]}
        )


def _drift(name: str, base: Document, now: Document, limits: Mapping[str, Any]) -> Iterator[Document]:
    if limits["perform_comparison"] != "Enabled":
        return
    distance = drift(base, now, limits["comparison_method"])
    limit = limits["comparison_threshold" if "numerical_statistics" in base else "categorical_comparison_threshold"]
    if distance is not None and distance > limit:
        yield _violation(
            name, "baseline_drift_check", f"Baseline drift distance: {distance} exceeds threshold: {limit}"
        )


def drift(base: Document, now: Document, method: str) -> float | None:
    """The distance between two features' distributions; None where they are not of one kind, or empty."""
    if "numerical_statistics" in base and "numerical_statistics" in now:
        old, new = base["numerical_statistics"], now["numerical_statistics"]
        plain = sketch.distance(
            old["distribution"]["kll"]["sketch"]["data"], new["distribution"]["kll"]["sketch"]["data"]
        )
        n, m = old["common"]["num_present"], new["common"]["num_present"]
    elif base["inferred_type"] == now["inferred_type"] == "String":
        old, new = base["string_statistics"], now["string_statistics"]
        n, m = old["common"]["num_present"], new["common"]["num_present"]
        plain = _largest_share_difference(_shares(old, n), _shares(new, m))
    else:
        return None
    return sketch.robust(plain, int(n), int(m)) if method == "Robust" else plain


def _shares(stats: Document, rows: int) -> dict[str, float]:
    return (
        {bucket["value"]: bucket["count"] / rows for bucket in stats["distribution"]["categorical"]["buckets"]}
        if rows
        else {}
    )


def _largest_share_difference(base: Mapping[str, float], now: Mapping[str, float]) -> float:
    return max((abs(base.get(value, 0.0) - now.get(value, 0.0)) for value in {*base, *now}), default=0.0)


def _share_of_type(present: Sequence[str], kind: str) -> float:
    if not present or kind in {"String", "Unknown"}:
        return 1.0
    fits = is_integral if kind == "Integral" else is_number
    return sum(map(fits, present)) / len(present)


def _violation(feature: str, check: str, description: str) -> Document:
    return {"feature_name": feature, "constraint_check_type": check, "description": description}


def drift_distances(base: Document, now: Document) -> dict[str, float]:
    """The drift distance of every feature that both statistics have, by SageMaker's `Robust` comparison."""
    current = {item["name"]: item for item in now["features"]}
    distances = {
        item["name"]: drift(item, current[item["name"]], "Robust")
        for item in base["features"]
        if item["name"] in current
    }
    return {name: value for name, value in distances.items() if value is not None}
