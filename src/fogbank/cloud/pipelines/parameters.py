"""Parameters of a pipeline, pure. In: what a definition declares and what an execution is given; out: values of the declared types."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

TYPES: Mapping[str, type | tuple[type, ...]] = {"String": str, "Integer": int, "Float": (int, float), "Boolean": bool}
TRUTHS = {"true": True, "false": False}


class ParameterError(ValueError):
    """A value that a parameter does not take, or one that is missing."""


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """A declared parameter; one whose `default` is None must be given. `allowed` are its EnumValues, if any."""

    name: str
    type: str
    default: Any = None
    allowed: tuple[Any, ...] = ()

    def read(self, given: str) -> Any:
        """The value of a text. Raises ParameterError.

        >>> Parameter(name="Epochs", type="Integer").read("3")
        3
        """
        try:
            value = self._read(given)
        except ValueError as error:
            raise ParameterError(f"Parameter {self.name}: {given!r} is no {self.type}") from error
        if self.allowed and value not in self.allowed:
            raise ParameterError(f"Parameter {self.name}: {given!r} is none of its EnumValues {list(self.allowed)}")
        return value

    def _read(self, given: str) -> Any:
        if self.type == "Integer":
            return int(given)
        if self.type == "Float":
            return float(given)
        if self.type == "Boolean" and given.lower() not in TRUTHS:
            raise ValueError(given)
        return TRUTHS[given.lower()] if self.type == "Boolean" else given


def declared(documents: Any) -> tuple[tuple[Parameter, ...], list[str]]:
    """The parameters of a definition, and what is wrong with them."""
    if not isinstance(documents, list):
        return (), ["Parameters is no list"]
    found, problems = [], []
    for document in documents:
        wrong = list(_problems(document))
        problems += wrong
        if not wrong:
            found.append(
                Parameter(
                    name=document["Name"],
                    type=document["Type"],
                    default=document.get("DefaultValue"),
                    allowed=tuple(document.get("EnumValues") or ()),
                )
            )
    names = [parameter.name for parameter in found]
    problems += [f"parameter {name} is there twice" for name in sorted({n for n in names if names.count(n) > 1})]
    return tuple(found), problems


def _problems(document: Any) -> Iterator[str]:
    if not isinstance(document, dict) or not isinstance(document.get("Name"), str):
        yield "a parameter has no Name"
        return
    name, kind = document["Name"], str(document.get("Type"))
    if extra := sorted(set(document) - {"Name", "Type", "DefaultValue", "EnumValues"}):
        yield f"parameter {name} has {', '.join(extra)}, which the local cloud does not have"
    if kind not in TYPES:
        yield f"parameter {name} has Type {kind}: it is one of {', '.join(TYPES)}"
        return
    if not isinstance(document.get("EnumValues") or [], list):
        yield f"parameter {name}: EnumValues is no list"
        return
    for value in (document.get("DefaultValue"), *(document.get("EnumValues") or ())):
        if value is not None and (not isinstance(value, TYPES[kind]) or isinstance(value, bool) != (kind == "Boolean")):
            yield f"parameter {name}: {value!r} is no {kind}"
    if (
        document.get("EnumValues")
        and document.get("DefaultValue", document["EnumValues"][0]) not in document["EnumValues"]
    ):
        yield f"parameter {name}: DefaultValue is none of its EnumValues"


def given_values(parameters: Sequence[Parameter], given: Mapping[str, str]) -> dict[str, Any]:
    """The value of each declared parameter. Raises ParameterError."""
    names = {parameter.name for parameter in parameters}
    if unknown := sorted(set(given) - names):
        raise ParameterError(f"The pipeline has no parameter {', '.join(unknown)}")
    values = {}
    for parameter in parameters:
        if parameter.name in given:
            values[parameter.name] = parameter.read(given[parameter.name])
        elif parameter.default is None:
            raise ParameterError(f"Parameter {parameter.name} has no default value and must be given")
        else:
            values[parameter.name] = parameter.default
    return values
