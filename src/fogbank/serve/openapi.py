"""/openapi.json: what this container answers, made from the package's schema (OpenAPI 3.1)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from fogbank.contracts.manifest import Column, PackageManifest, Schema
from fogbank.serve import media
from fogbank.serve.documents import ROWS

TYPES: dict[str, dict[str, Any]] = {
    "float": {"type": ["number", "boolean"]},
    "integer": {"type": ["integer", "boolean"], "minimum": -(2**53), "maximum": 2**53},
    "string": {"type": ["string"]},
    "boolean": {"enum": [True, False, 0, 1]},
    "datetime": {"type": ["string"], "pattern": r"^(1[789]|20)[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])"},
}
"""A cell of each type; a category's are those of its column."""
CELLS = {
    "float": r"-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,15})?([eE][-+]?[0-9]{1,2})?",
    "integer": "-?(0|[1-9][0-9]{0,14})",
    "string": '[A-Za-z0-9 _.-]+|"[^"]+"',
    "boolean": "true|false",
    "datetime": "(1[789]|20)[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])",
}
PROBLEMS = {
    "400": "The body is empty or does not fit the schema; the error names the row and the column.",
    "406": "None of the types that Accept wants is written here.",
    "408": "The body did not arrive in time.",
    "413": "The body is larger than the payload limit.",
    "415": "The content type or its charset is not read here.",
    "500": "The handler failed.",
    "503": "The server is overloaded, or the model is not loaded yet; Retry-After says when to try again.",
    "504": "The handler ran too long and was cut off.",
}


def document(package: PackageManifest | None, accepted: Sequence[str], offered: Sequence[str]) -> dict[str, Any]:
    """The OpenAPI document. A package without a manifest has the paths and no schema of rows."""
    error = {
        "type": "object", "properties": {"error": {"type": "string"}}, "required": ["error"], "additionalProperties": False,
    }  # fmt: skip
    problems = {
        status: {"description": what, "content": {media.JSON: {"schema": {"$ref": "#/components/schemas/Error"}}}}
        for status, what in PROBLEMS.items()
    }
    rows = _rows(package.input) if package else {}
    csv = {"type": "string", "pattern": _csv_pattern(package.input)} if package else {"type": "string"}
    invocation = {
        "operationId": "invoke",
        "summary": f"Predictions of {package.name}" if package else "Predictions",
        "requestBody": {"required": True, "content": {kind: {"schema": _body(kind, rows, csv)} for kind in accepted}},
        "responses": {
            "200": {"description": "The predictions, a row for each row.", "content": {kind: {} for kind in offered}},
            **problems,
        },
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": package.name if package else "model", "version": "1"},
        "paths": {
            "/invocations": {"post": invocation},
            "/ping": {"get": _page("The health check.", {"200": "Every worker has its model.", "503": "Not yet."})},
            "/metrics": {"get": _page("Prometheus metrics.", {"200": "The text format, version 0.0.4."})},
        },
        "components": {"schemas": {"Error": error, "Row": _object(package.input) if package else {}}},
    }


def _page(summary: str, answers: dict[str, str]) -> dict[str, Any]:
    return {
        "summary": summary,
        "responses": {status: {"description": what, "content": {"text/plain": {}}} for status, what in answers.items()},
    }


def _body(kind: str, rows: dict[str, Any], csv: dict[str, Any]) -> dict[str, Any]:
    if kind in {media.JSON, media.CSV}:
        return rows if kind == media.JSON else csv
    if kind in {media.NPY, media.NPZ, media.PARQUET}:
        return {"type": "string", "format": "binary"}
    return {"type": "string"}


def _rows(schema: Schema) -> dict[str, Any]:
    """The JSON forms of rows."""
    cells = [_cell(column) for column in schema.columns]
    width = len(cells)
    array = {"type": "array", "prefixItems": cells, "minItems": width, "maxItems": width}
    row = {"$ref": "#/components/schemas/Row"}
    features = _only({"features": array})
    dense = _only({"data": _only({"features": _only({"values": array})})})
    rows = [{"type": "array", "items": item, "minItems": 1} for item in (array, row, features, dense)]
    wrapped = [_only({key: {"anyOf": [*rows, array]}}) for key in ROWS]
    split = _only({"columns": {"const": list(schema.names)}, "data": rows[0]}, index={})
    return {"anyOf": [*rows, array, row, features, dense, *wrapped, split, _only({"dataframe_split": split})]}


def _only(required: dict[str, Any], **optional: Any) -> dict[str, Any]:
    """An object with these properties and no others."""
    return {
        "type": "object",
        "properties": {**required, **optional},
        "required": list(required),
        "additionalProperties": False,
    }


def _csv_pattern(schema: Schema) -> str:
    """Rows without a header, as they are usually written; the server reads more than this."""
    row = ",".join(f"({_csv_cell(column)}){'?' if column.nullable else ''}" for column in schema.columns)
    return rf"^{row}(\n{row})*\n?$"


def _object(schema: Schema) -> dict[str, Any]:
    return _only({column.name: _cell(column) for column in schema.columns})


def _csv_cell(column: Column) -> str:
    if column.dtype == "category":
        return "|".join(re.escape(str(category)) for category in column.categories)
    return CELLS[column.dtype]


def _cell(column: Column) -> dict[str, Any]:
    cell = {"enum": list(column.categories)} if column.dtype == "category" else TYPES[column.dtype]
    return {key: [*value, None if key == "enum" else "null"] if isinstance(value, list) and column.nullable else value
            for key, value in cell.items()}  # fmt: skip
