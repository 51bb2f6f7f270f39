"""What a function URL answers: its CORS, its authorization, the function.

In: a URL's configuration and a request; out: the function's answer. Source: the Lambda Developer Guide, "Invoking Lambda function URLs" and
"Control access to Lambda function URLs".
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from fogbank.cloud.access.callers import May, Signer, TooLargeError, asked, foreign, iam_context, told
from fogbank.cloud.access.cors import Cors, is_preflight, shared
from fogbank.cloud.access.event import Asked, BadAnswerError, answer, event
from fogbank.cloud.access.permits import FUNCTION, URL, everybody_may
from fogbank.cloud.api.errors import ApiError
from fogbank.cloud.functions.invocations import Invocations
from fogbank.cloud.ground.store import Document
from fogbank.cloud.ground.wire import Answer, Request, new_id
from fogbank.ground.aws import LOCAL_ACCOUNT
from fogbank.ground.signature import SignatureError

FORBIDDEN = "Forbidden. For troubleshooting Function URL authorization issues, see: https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"
DENIED = "AccessDeniedException"


class UrlCalls:
    """Answers them."""

    def __init__(self, invocations: Invocations, signer: Signer, may: May) -> None:
        self._invocations, self._signer, self._may = invocations, signer, may

    def answer(self, region: str, config: Document, request: Request) -> Answer:
        """The answer to one request."""
        cors, origin = Cors.of(config.get("Cors")), request.headers.get("origin")
        if (refused := foreign(request, cors)) is not None:
            return told(403, {"Message": FORBIDDEN}, refused)
        if cors is not None and is_preflight(request.method, request.headers):
            return Answer(status=200, headers=cors.preflight(origin))
        found = self._answer(region, config, request)
        headers = shared(found.headers, cors, origin)
        return Answer(status=found.status, headers=headers, payload=found.payload, cookies=found.cookies)

    def _answer(self, region: str, config: Document, request: Request) -> Answer:
        arn, authorizer = config["FunctionArn"], dict[str, Any]()
        if config["AuthType"] == "NONE":
            if not everybody_may(arn):
                reason = f"the policy of {arn} does not let everybody (*) do {URL} and {FUNCTION}: AddPermission"
                return told(403, {"Message": FORBIDDEN}, reason, **{"x-amzn-ErrorType": DENIED})
        else:
            signed = self._signed(region, arn, request)
            if isinstance(signed, Answer):
                return signed
            authorizer = dict(signed)
        sent = event(
            request,
            Asked(
                id=new_id(),
                api=config["_state"]["id"],
                account=LOCAL_ACCOUNT if authorizer else "anonymous",
                domain=request.headers.get("host", ""),
                path=request.path,
                at=time.time(),
                authorizer=authorizer,
            ),
        )
        try:
            result = asked(self._invocations, region, arn, sent)
            if result.failed:
                return told(502, {"Message": "Internal Server Error"}, f"{arn} failed: {result.payload}")
            return answer(result.payload)
        except TooLargeError:
            return told(413, {"Message": "Request must be smaller than 6291456 bytes"})
        except BadAnswerError as error:
            return told(502, {"Message": "Internal Server Error"}, f"{arn} answered with no HTTP answer: {error}")
        except ApiError as error:
            status = error.status if error.status in {429, 501} else 502
            return told(status, {"Message": error.message, **error.members}, error.message)

    def _signed(self, region: str, arn: str, request: Request) -> Mapping[str, Any] | Answer:
        """Who has signed it, for the event; or the refusal."""
        if request.region != region and request.access_key:
            return told(403, {"message": f"Credential should be scoped to a valid region: '{region}'."})
        try:
            signed = self._signer(request, "lambda")
        except SignatureError as error:
            return told(403, {"Message": FORBIDDEN}, str(error), **{"x-amzn-ErrorType": DENIED})
        for action in (URL, FUNCTION):
            if signed is not None and (why := self._may(signed, action, arn)):
                return told(403, {"Message": FORBIDDEN}, why, **{"x-amzn-ErrorType": DENIED})
        return iam_context(signed, request.access_key)
