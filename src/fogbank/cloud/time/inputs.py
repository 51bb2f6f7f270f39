"""What a rule's target gets of an event, pure: all of it, a part, a constant, or a template that was filled in.

In: a target as the EventBridge API has it, and an event; out: JSON text. Source: the EventBridge User Guide, "Input transformation".
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

PLACE = re.compile(r"<([A-Za-z0-9._-]+)>")
STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]|\['([^']+)'\]")
MISSING = object()


def target_input(target: Mapping[str, Any], event: Mapping[str, Any], rule_arn: str, rule_name: str) -> str:
    """The text that the target gets. Raises ValueError for a template that gives no JSON."""
    if "Input" in target:
        return str(target["Input"])
    if "InputPath" in target:
        found = value_at(target["InputPath"], event)
        return json.dumps(None if found is MISSING else found)
    transformer = target.get("InputTransformer")
    if transformer is None:
        return json.dumps(event)
    values = {name: value_at(path, event) for name, path in (transformer.get("InputPathsMap") or {}).items()}
    whole = dict(event)
    values |= {
        "aws.events.rule-arn": rule_arn,
        "aws.events.rule-name": rule_name,
        "aws.events.event.ingestion-time": event["time"],
        "aws.events.event.json": whole,
        "aws.events.event": {key: value for key, value in whole.items() if key != "detail"},
    }
    return filled(transformer["InputTemplate"], values)


def filled(template: str, values: Mapping[str, Any]) -> str:
    """A template with its places filled: inside of a string by text, outside by JSON; one that is plain text becomes a JSON string.

    Raises ValueError.
    """
    plain = template.lstrip()[:1] not in {"{", "[", '"'}
    out, inside, position = [], plain, 0
    for match in PLACE.finditer(template):
        between = template[position : match.start()]
        inside ^= not plain and _quotes(between) % 2 == 1
        out += [between, _text(values[match[1]], inside=inside) if match[1] in values else match[0]]
        position = match.end()
    text = "".join([*out, template[position:]])
    if plain:
        text = json.dumps(text)
    json.loads(text)
    return text


def value_at(path: str, event: Any) -> Any:
    """What a path such as `$.detail.items[0].name` leads to; MISSING where it leads nowhere."""
    position, found = 1, event
    while position < len(path):
        step = STEP.match(path, position)
        if step is None:
            return MISSING
        name, number, quoted = step.groups()
        key = name or quoted
        if key is not None and isinstance(found, Mapping) and key in found:
            found = found[key]
        elif number is not None and isinstance(found, list) and int(number) < len(found):
            found = found[int(number)]
        else:
            return MISSING
        position = step.end()
    return found


def _quotes(text: str) -> int:
    """Quotation marks that are none of a string's own."""
    return len(re.findall(r'(?<!\\)"', text))


def _text(value: Any, *, inside: bool) -> str:
    if value is MISSING:
        return "" if inside else "null"
    if not inside:
        return json.dumps(value)
    return json.dumps(value if isinstance(value, str) else json.dumps(value))[1:-1]
