"""constraints.json as it may have been edited by hand: what is wrong with it, each with its place.

Source: AWS Developer Guide, "Schema for constraints".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

MOST = 1e308
"""A float can be no larger number, and JSON has no infinite one."""
Check = Callable[[Any], str]
Rules = Mapping[str, "Check | Rules"]


def _share(value: Any) -> str:
    fits = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1
    return "" if fits else "must be a number from 0 to 1"


def _one_of(*words: str) -> Check:
    return lambda value: "" if isinstance(value, str) and value in words else f"must be one of {', '.join(words)}"


def _text(value: Any) -> str:
    return "" if isinstance(value, str) and value else "must be a text"


def _texts(value: Any) -> str:
    fits = isinstance(value, list) and all(isinstance(item, str) for item in value)
    return "" if fits else "must be a list of texts"


def _flag(value: Any) -> str:
    return "" if isinstance(value, bool) else "must be true or false"


def _threshold(value: Any) -> str:
    fits = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= MOST
    return "" if fits else "must be a number of at least 0"


def _anything(_: Any) -> str:
    return ""


SWITCH = _one_of("Enabled", "Disabled")
CONFIG: Rules = {
    "evaluate_constraints": SWITCH,
    "emit_metrics": SWITCH,
    "datatype_check_threshold": _share,
    "domain_content_threshold": _share,
    "distribution_constraints": {
        "perform_comparison": SWITCH,
        "comparison_threshold": _threshold,
        "comparison_method": _one_of("Simple", "Robust"),
        "categorical_comparison_threshold": _threshold,
        "categorical_drift_method": _one_of("LInfinity", "ChiSquared"),
    },
}
FEATURE: Rules = {
    "name": _text,
    "inferred_type": _one_of("Integral", "Fractional", "String", "Unknown"),
    "completeness": _share,
    "num_constraints": {"is_non_negative": _flag},
    "string_constraints": {"domains": _texts},
    "monitoring_config_overrides": CONFIG,
}
REQUIRED = ("name", "inferred_type", "completeness")
WHOLE: Rules = {"version": _anything, "features": _anything, "monitoring_config": CONFIG}


def constraint_problems(document: Any) -> list[str]:
    """What is wrong with a constraints document, each as `place: what it must be`; nothing where nothing is."""
    if not isinstance(document, dict) or not isinstance(document.get("features"), list):
        return ["features: must be a list of features"]
    return [*_problems(document, WHOLE, ""), *_features(document["features"])]


def _features(features: list[Any]) -> Iterator[str]:
    seen: set[str] = set()
    for number, feature in enumerate(features):
        name = feature.get("name") if isinstance(feature, dict) else None
        place = f"features[{number}]" + (f" ({name})" if isinstance(name, str) else "")
        yield from _problems(feature, FEATURE, place)
        if not isinstance(feature, dict):
            continue
        yield from (f"{place}.{key}: is missing" for key in REQUIRED if key not in feature)
        if isinstance(name, str) and name in seen:
            yield f"{place}: is there twice"
        seen.add(str(name))


def _problems(value: Any, rules: Rules, place: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{place}: must be an object"
        return
    for key, own in value.items():
        at = f"{place}.{key}" if place else str(key)
        rule = rules.get(key)
        if rule is None:
            guess = get_close_matches(str(key), rules, 1)
            yield f"{at}: is not known" + (f"; did you mean {guess[0]}?" if guess else "")
        elif callable(rule):
            if problem := rule(own):
                yield f"{at}: {problem}, not {own!r:.60}"
        else:
            yield from _problems(own, rule, at)
