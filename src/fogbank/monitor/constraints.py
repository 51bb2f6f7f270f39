"""A baseline's constraints.json and the checks against it, in SageMaker's format and with SageMaker's defaults.

Source: AWS Developer Guide, "Schema for constraints" and "Schema for violations"; the defaults are the analyzer's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fogbank.monitor.drift import drift, is_p_value
from fogbank.monitor.profile import Column, Document, Profile

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


def violations(data: Profile, now: Document, constraints: Document, base: Document | None) -> list[Document]:
    """Every check that the data fails, in the baseline's order of features."""
    config = monitoring_config(constraints)
    if config["evaluate_constraints"] != "Enabled":
        return []
    expected = [item["name"] for item in constraints["features"]]
    failures = list(_columns(list(data.columns), expected))
    current = {item["name"]: item for item in now["features"]}
    before = {item["name"]: item for item in base["features"]} if base else {}
    for item in constraints["features"]:
        name = item["name"]
        if name in data.columns:
            limits = _limits(config, item.get("monitoring_config_overrides", {}))
            if limits["evaluate_constraints"] == "Enabled":
                failures += _feature(item, data.columns[name], data.rows, limits)
                failures += _drift(name, before.get(name), current[name], limits["distribution_constraints"])
    return failures


def monitoring_config(constraints: Document | None) -> Mapping[str, Any]:
    """What a constraints file says about the whole, SageMaker's defaults where it says nothing."""
    return _limits(MONITORING_CONFIG, (constraints or {}).get("monitoring_config", {}))


def _limits(config: Mapping[str, Any], own: Mapping[str, Any]) -> Mapping[str, Any]:
    distribution = {**config["distribution_constraints"], **own.get("distribution_constraints", {})}
    return {**config, **own, "distribution_constraints": distribution}


def _columns(present: Sequence[str], expected: Sequence[str]) -> Iterator[Document]:
    difference = (
        f"There are {'fewer' if len(present) < len(expected) else 'more'} columns in the current dataset. Number of columns in "
        f"current dataset: {len(present)}, Number of columns in baseline constraints: {len(expected)}"
    )
    there, known = set(present), set(expected)
    missing, extra = [n for n in expected if n not in there], [n for n in present if n not in known]
    if missing:
        yield _violation(missing[0] if len(missing) == 1 else "Missing columns", "missing_column_check", difference)
    if extra:
        yield _violation(extra[0] if len(extra) == 1 else "Extra columns", "extra_column_check", difference)


def _feature(item: Document, column: Column, rows: int, limits: Mapping[str, Any]) -> Iterator[Document]:
    name, kind = item["name"], item["inferred_type"]
    share = share_of_type(column, kind)
    if share < limits["datatype_check_threshold"]:
        yield _violation(
            name,
            "data_type_check",
            f"Data type match requirement is not met. Expected data type: {kind}, Expected match: {100 * limits['datatype_check_threshold']}%. "
            f"Observed: Only {100 * share}% of data is {kind}.",
        )
    complete = column.present / rows if rows else 1.0
    if complete < item["completeness"]:
        yield _violation(name, "completeness_check", f"Value: {complete} does not meet the constraint requirement! ")
    domains = item.get("string_constraints", {}).get("domains")
    if domains and column.present:
        inside = column.frequent.within(domains) / column.present
        if inside < limits["domain_content_threshold"]:
            yield _violation(
                name, "categorical_values_check", f"Value: {inside} does not meet the constraint requirement! "
            )


def _drift(name: str, base: Document | None, now: Document, limits: Mapping[str, Any]) -> Iterator[Document]:
    if base is None or limits["perform_comparison"] != "Enabled":
        return
    distance = drift(base, now, limits)
    limit = limits["comparison_threshold" if "numerical_statistics" in base else "categorical_comparison_threshold"]
    if distance is None:
        return
    if is_p_value(base, limits):
        if distance < limit:
            yield _violation(
                name, "baseline_drift_check", f"Baseline drift p-value: {distance} is below threshold: {limit}"
            )
    elif distance > limit:
        yield _violation(
            name, "baseline_drift_check", f"Baseline drift distance: {distance} exceeds threshold: {limit}"
        )


def share_of_type(column: Column, kind: str) -> float:
    """The share of the values that are there that are of a type; any value is a String."""
    if not column.present or kind in {"String", "Unknown"}:
        return 1.0
    return (column.integral if kind == "Integral" else column.numbers) / column.present


def _violation(feature: str, check: str, description: str) -> Document:
    return {"feature_name": feature, "constraint_check_type": check, "description": description}


def drift_distances(base: Document, now: Document) -> dict[str, float]:
    """The drift distance of every feature that both statistics have, by SageMaker's `Robust` comparison."""
    current = {item["name"]: item for item in now["features"]}
    distances = {
        item["name"]: drift(item, current[item["name"]], MONITORING_CONFIG["distribution_constraints"])
        for item in base["features"]
        if item["name"] in current
    }
    return {name: value for name, value in distances.items() if value is not None}
