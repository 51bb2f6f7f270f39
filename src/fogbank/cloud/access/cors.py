"""Cross-origin resource sharing as function URLs and HTTP APIs do it: which pages may read the answers. Pure.

In: a declared configuration and a request's headers; out: headers of an answer. Sources: the Lambda Developer Guide, "Cross-origin resource
sharing (CORS)" of function URLs; the API Gateway Developer Guide, "Configure CORS for HTTP APIs"; the Fetch standard.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

PREFIX = "access-control-"


@dataclass(frozen=True, kw_only=True)
class Cors:
    """What a configuration says; both services have the same members."""

    origins: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    exposed: tuple[str, ...] = ()
    max_age_s: int | None = None
    credentials: bool = False

    @classmethod
    def of(cls, document: Mapping[str, Any] | None) -> Cors | None:
        """From the API's own form; None where nothing is declared."""
        if not document:
            return None
        return cls(
            origins=tuple(document.get("AllowOrigins") or ()),
            methods=tuple(document.get("AllowMethods") or ()),
            headers=tuple(document.get("AllowHeaders") or ()),
            exposed=tuple(document.get("ExposeHeaders") or ()),
            max_age_s=document.get("MaxAge"),
            credentials=bool(document.get("AllowCredentials")),
        )

    def allows(self, origin: str) -> bool:
        """Whether pages of an origin may read the answers. `*` is every one, `https://*` every one of a scheme.

        >>> Cors(origins=("https://*",)).allows("https://shop.example")
        True
        """
        return any(
            allowed in {"*", origin} or (allowed.endswith("://*") and origin.startswith(allowed[:-1]))
            for allowed in self.origins
        )

    def answered(self, origin: str | None) -> dict[str, str]:
        """The headers of an answer to a page of an origin; none for one that is not allowed."""
        if origin is None or not self.allows(origin):
            return {}
        wide = "*" in self.origins and not self.credentials
        return {
            "access-control-allow-origin": "*" if wide else origin,
            **({} if wide else {"vary": "Origin"}),
            **({"access-control-allow-credentials": "true"} if self.credentials else {}),
            **({"access-control-expose-headers": ",".join(self.exposed)} if self.exposed else {}),
        }

    def preflight(self, origin: str | None) -> dict[str, str]:
        """The headers that answer a browser which asks whether it may."""
        answered = self.answered(origin)
        if not answered:
            return {}
        return {
            **answered,
            **({"access-control-allow-methods": ",".join(self.methods)} if self.methods else {}),
            **({"access-control-allow-headers": ",".join(self.headers)} if self.headers else {}),
            **({"access-control-max-age": str(self.max_age_s)} if self.max_age_s is not None else {}),
        }


def is_preflight(method: str, headers: Mapping[str, str]) -> bool:
    """Whether a browser asks whether it may ask."""
    return method == "OPTIONS" and "origin" in headers and "access-control-request-method" in headers


def shared(headers: Mapping[str, str], cors: Cors | None, origin: str | None) -> dict[str, str]:
    """A function's headers with what is declared; where something is declared, what the function says itself goes."""
    if cors is None:
        return dict(headers)
    own = {name: value for name, value in headers.items() if not name.lower().startswith(PREFIX)}
    return {**own, **cors.answered(origin)}
