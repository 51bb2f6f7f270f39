"""Names: of a stack, and of what never changes, which Pulumi names: what the program says, and seven letters that are new each time.

Other arguments, whichever they are, are another resource beside the old one, which can be made before the old one goes. A name out of
the arguments themselves would not do: after a rollout that failed the earlier model is still there, waiting to be deleted, and a
program that goes back to it would ask for its name a second time.
"""

from __future__ import annotations

from collections.abc import Sequence

import pulumi

from fogbank.contracts import names
from fogbank.contracts.container import LAYOUT_SCHEME


def is_local_stack() -> bool:
    """Whether the program runs for a local cloud's stack."""
    groups = pulumi.Config("aws").get_object("endpoints") or []
    urls = [str(url) for group in groups for url in group.values()]
    return names.is_local_stack(pulumi.get_stack(), urls)


def default_tags() -> list[dict[str, str]] | None:
    """The stack's `aws:defaultTags` as SageMaker's API has tags: for jobs, which schedules start and no provider tags."""
    tags = (pulumi.Config("aws").get_object("defaultTags") or {}).get("tags") or {}
    return [{"Key": str(key), "Value": str(value)} for key, value in sorted(tags.items())] or None


def stack_prefix(project: str) -> str:
    """What the names of this stack's resources begin with: in an account that stacks share, the project and the stack.

    A local cloud is the project's own: there it is the project alone, `churn-live`, and `churn-prod-live` on AWS.
    """
    return names.stack_prefix(project, pulumi.get_stack(), local=is_local_stack())


def by_content(text: str, sha256: str) -> str:
    """The program's own name of an object whose key is its content's: another content is another resource, and none's replacement.

    A replaced one waits in the state to be deleted, by its key: after a rollout that failed, the way back would put the object there
    again, and the deletion would take it.

    >>> by_content("churn-model-data", "1a2b3c4d5e6f7a8b")
    'churn-model-data-1a2b3c4d5e6f'
    """
    return f"{text}-{sha256[:12]}"


def beside_the_old(parent: pulumi.Resource, needs: Sequence[pulumi.Resource] = ()) -> pulumi.ResourceOptions:
    """Options with which a replacement is made before the old one goes: pulumi-aws would delete first what the program names."""
    return pulumi.ResourceOptions(parent=parent, depends_on=[*needs], delete_before_replace=False)


def deployable(image: str) -> str:
    """The image, if it can be reached from where the stack is. Raises pulumi.RunError for one of this machine on AWS."""
    if image.startswith(LAYOUT_SCHEME) and not is_local_stack():
        raise pulumi.RunError(
            f"the image {image} lies on this machine, and the stack {pulumi.get_stack()} is on AWS: name the repository that `up` "
            f"pushes it to, `pulumi config set -s {pulumi.get_stack()} fogbank:repository <account>.dkr.ecr.<region>.amazonaws.com/<name>`"
        )
    return image
