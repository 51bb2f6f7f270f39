"""Names: of a stack, and of what never changes, a digest of the arguments as they are when all is known, so that no two contents
have one name.

Other arguments, whichever they are, are another resource beside the old one, which can be made before the old one goes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

from fogbank.contracts import names
from fogbank.ground.digest import canonical_json, sha256_bytes


def is_local_stack() -> bool:
    """Whether the program runs for a local cloud's stack."""
    groups = pulumi.Config("aws").get_object("endpoints") or []
    urls = [str(url) for group in groups for url in group.values()]
    return names.is_local_stack(pulumi.get_stack(), urls)


def stack_prefix(project: str) -> str:
    """What the names of this stack's resources begin with: in an account that stacks share, the project and the stack.

    A local cloud is the project's own: there it is the project alone, `churn-live`, and `churn-prod-live` on AWS.
    """
    return names.stack_prefix(project, pulumi.get_stack(), local=is_local_stack())


def named_by_content(prefix: str, arguments: Mapping[str, Any]) -> pulumi.Output[str]:
    """`<prefix>-<12 hex digits>`, at most 63 characters, of resource arguments that may hold outputs."""
    known: pulumi.Output[Any] = pulumi.Output.from_input(dict(arguments))
    return known.apply(lambda values: f"{prefix[:50]}-{sha256_bytes(canonical_json(values))[:12]}")


def beside_the_old(parent: pulumi.Resource, needs: Sequence[pulumi.Resource] = ()) -> pulumi.ResourceOptions:
    """Options with which a replacement is made before the old one goes: pulumi-aws would delete first what the program names."""
    return pulumi.ResourceOptions(parent=parent, depends_on=[*needs], delete_before_replace=False)
