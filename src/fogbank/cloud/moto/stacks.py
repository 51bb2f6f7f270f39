"""CloudFormation's SageMaker types are refused: moto would keep them in a memory that no endpoint and no job here is made of.

In: a request that makes or changes a stack; out: the refusal, which names the types, or nothing.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qs, unquote, urlsplit

from fogbank.cloud.ground.wire import Answer, Request, error_answer

ACTIONS = frozenset({"CreateStack", "UpdateStack", "CreateChangeSet", "CreateStackSet", "UpdateStackSet"})
TYPE = re.compile(r"AWS::SageMaker::\w+")


def refusal(request: Request) -> Answer | None:
    """Why a stack is not made; None where it may be."""
    if request.service != "cloudformation":
        return None
    form = {name: values[0] for name, values in parse_qs(request.body.decode(errors="replace")).items()}
    if form.get("Action") not in ACTIONS:
        return None
    template = form.get("TemplateBody") or _read(form.get("TemplateURL", ""))
    types = sorted(set(TYPE.findall(template)))
    if not types:
        return None
    message = (
        f"the local cloud does not make {', '.join(types)} from a template yet; they are refused, not ignored: call SageMaker's API, "
        "or declare them with Pulumi"
    )
    return error_answer(request, 400, "ValidationError", message)


def _read(address: str) -> str:
    """A template in the cloud's own S3; empty where it is not there, which moto says better."""
    from fogbank.cloud.moto.bridge import Bridge

    path = unquote(urlsplit(address).path).lstrip("/")
    host = urlsplit(address).hostname or ""
    in_host = re.fullmatch(r"([a-z0-9.-]+)\.s3[.-].*", host)
    bucket, key = (in_host[1], path) if in_host else path.partition("/")[::2]
    held = Bridge.objects.read(bucket, key, None) if bucket and key else None
    return held.body.decode(errors="replace") if held else ""
