"""Whether a function's own policy lets a caller in that is no user: everybody by its URL, or an HTTP API.

Sources: the Lambda Developer Guide, "Control access to Lambda function URLs" (since October 2025 both InvokeFunctionUrl and InvokeFunction are
needed) and "Granting API Gateway permission to invoke"; the API Gateway Developer Guide, "ARN format of executing APIs".
"""

from __future__ import annotations

from fogbank.cloud.enforcement.policy import Asked, verdict
from fogbank.cloud.moto.identities import of_resource
from fogbank.ground.aws import LOCAL_ACCOUNT

URL, FUNCTION = "lambda:InvokeFunctionUrl", "lambda:InvokeFunction"
URL_TYPE, VIA_URL = "lambda:functionurlauthtype", "lambda:invokedviafunctionurl"
GATEWAY = "apigateway.amazonaws.com"


def everybody_may(arn: str) -> bool:
    """Whether a function may be asked by its URL without a signature."""
    return all(
        _allows(arn, Asked(action=action, resource=arn, principals=frozenset({"*"}), context=context))
        for action, context in ((URL, {URL_TYPE: ["NONE"]}), (FUNCTION, {VIA_URL: ["true"]}))
    )


def gateway_may(arn: str, source: str) -> bool:
    """Whether an HTTP API may invoke a function for a request, which the ARN `source` names."""
    context = {"aws:sourcearn": [source], "aws:sourceaccount": [LOCAL_ACCOUNT]}
    principals = frozenset({"*", GATEWAY})
    return _allows(arn, Asked(action=FUNCTION, resource=arn, principals=principals, context=context))


def _allows(arn: str, asked: Asked) -> bool:
    return verdict(of_resource(arn), asked, resource_based=True) == "allow"
