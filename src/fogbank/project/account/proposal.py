"""What is looked at before a stack changes, without asking AWS: its price, held to its budget, and its team's rules.

In: a project and a stack, whose program is read once; out: events, or a BudgetError or PolicyError.
"""

from __future__ import annotations

from collections.abc import Sequence

from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.errors import PolicyError, ProjectError
from fogbank.project.account.accounts import offline
from fogbank.project.account.stacks import has_limits, stack_values
from fogbank.project.declared.declaration import Declared
from fogbank.project.declared.rules import Broken, Policy, Program, judged, unused
from fogbank.project.pricing.price import Price, hold, priced
from fogbank.project.pricing.rates import rates
from fogbank.project.workplace.config import POLICY
from fogbank.project.workplace.events import Steps


def price(config: ProjectConfig, stack: str) -> Price:
    """What a stack costs in a month. Raises ProjectError (`program-failed`, `traffic-invalid`, `budget-invalid`)."""
    who, resources = offline(config, stack, region=rates().region)
    return priced(stack, who.region, stack_values(config, stack), resources)


def judge(config: ProjectConfig, stack: str) -> tuple[Broken, ...]:
    """Every rule of the stack's `fogbank:policy` that its program breaks, waived or not; none where it has no policy. Raises ProjectError."""
    _, resources = offline(config, stack, region=rates().region)
    program = _program(config, stack, resources)
    return judged(program) if program else ()


def look(config: ProjectConfig, stack: str, steps: Steps) -> None:
    """Tell the price of a stack and what is waived; refuse what is beyond its budget, and what breaks its rules.

    A program that does not run without an account has no price here; that stops a stack with a budget or a policy alone. Raises
    BudgetError, PolicyError, ProjectError.
    """
    values = stack_values(config, stack)
    try:
        with steps(f"price {stack}") as step:
            who, resources = offline(config, stack, region=rates().region)
            found = priced(stack, who.region, values, resources)
            step.done(found.words)
    except ProjectError as error:
        if error.code != "program-failed" or has_limits(config, stack):
            raise
        steps.notice(f"no price is known: {error.cause}")
        return
    steps.notice("; ".join(found.notes))
    if program := _program(config, stack, resources):
        _refuse(program, stack, steps)
    hold(found)


def _program(config: ProjectConfig, stack: str, resources: Sequence[Declared]) -> Program | None:
    values = stack_values(config, stack)
    if values.get(POLICY) is None:
        return None
    defaults = values.get("aws:defaultTags")
    tags = defaults.get("tags") if isinstance(defaults, dict) else None
    return Program(resources=resources, policy=Policy.of(values[POLICY]), default_tags=frozenset(tags or {}))


def _refuse(program: Program, stack: str, steps: Steps) -> None:
    found = judged(program)
    for item in found:
        if item.reason:
            steps.notice(f"waived: {item.waiver}: {item.reason}")
    for waiver in unused(program, found):
        steps.notice(f"the waiver {waiver!r} waives nothing any more")
    broken = [item for item in found if not item.reason]
    if broken:
        lines = "\n".join(f"  {item.waiver}: {item.cause}\n    fix: {item.fix}" for item in broken)
        raise PolicyError(
            "policy-broken",
            f"the stack {stack} breaks {len(broken)} of its rules:\n{lines}",
            f"mend that, or waive it with a reason in {POLICY} (waive: {{'{broken[0].waiver}': why}}); nothing was made or changed",
        )
