"""What went wrong, as an HTTP status and a sentence for the caller."""

from __future__ import annotations

EXIT_STOPPED, EXIT_LOAD, EXIT_WORN_OUT = 0, 3, 4
"""A server's exit statuses: stopped on request, the model cannot be loaded; a worker's besides: to be replaced."""


class RequestError(Exception):
    """An answer other than 200; `status` is the HTTP status and the text is for the caller."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status

    def __reduce__(self) -> tuple[type[RequestError], tuple[int, str]]:
        """As it is made: another process gets it whole."""
        return type(self), (self.status, str(self))


def bad_request(message: str) -> RequestError:
    """400: the body is not what the schema says."""
    return RequestError(400, message)


def overloaded(message: str) -> RequestError:
    """503: try again later; the answer carries Retry-After."""
    return RequestError(503, message)


class HandlerTimeoutError(BaseException):
    """The handler ran longer than it may: raised inside it, past any `except Exception` of its own; answered as 504."""


class LoadError(Exception):
    """The model or its handler cannot be loaded; the text is one readable cause, `code` its kind in a word."""

    def __init__(self, message: str, code: str = "load-failed") -> None:
        super().__init__(message)
        self.code = code
