"""The API's errors, by AWS's own codes."""

from __future__ import annotations

from typing import Any


class ApiError(Exception):
    """An error of the AWS API: its code, verbatim, and its message."""

    def __init__(self, code: str, message: str, status: int = 400, **members: Any) -> None:
        super().__init__(message)
        self.code, self.message, self.status, self.members = code, message, status, members


class NotOursError(Exception):
    """The call is about something that moto has."""


def validation(message: str) -> ApiError:
    """A ValidationException."""
    return ApiError("ValidationException", message)


def in_use(message: str) -> ApiError:
    """A ResourceInUse error."""
    return ApiError("ResourceInUse", message)


def not_found(message: str) -> ApiError:
    """A ResourceNotFound error."""
    return ApiError("ResourceNotFound", message)
