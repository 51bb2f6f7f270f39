"""What the engine says, as data: the events here are Pulumi's own."""

from __future__ import annotations

from pulumi.automation import EngineEvent, OpType
from pulumi.automation.events import (
    DiagnosticEvent,
    ResOpFailedEvent,
    ResOutputsEvent,
    StepEventMetadata,
    StepEventStateMetadata,
    SummaryEvent,
)

from fogbank.engine.operations import (
    ERROR,
    PROGRAMS_STDERR,
    Diagnostic,
    Operation,
    cause_of,
    changes_of,
    diagnostic_of,
    hint_of,
    operation_of,
    outputs_of,
)
from fogbank.engine.state import SIGNATURE

TOPIC = "urn:pulumi:local::churn::fogbank:components:Endpoint$aws:sns/topic:Topic::alarm::of::ours"
REFUSAL = Diagnostic(severity=ERROR, text="the stand-in does not have aws:sns/topic:Topic", kind="aws:sns/topic:Topic")
INTERRUPTED = [
    Diagnostic(severity=PROGRAMS_STDERR, text=line)
    for line in ("Traceback (most recent call last):", "    self._selector.poll()", "KeyboardInterrupt")
]


def test_the_traceback_of_a_program_that_the_engine_interrupts_is_no_cause() -> None:
    assert cause_of([REFUSAL, *INTERRUPTED]) == REFUSAL.text
    assert cause_of([*INTERRUPTED, REFUSAL, Diagnostic(severity=ERROR, text="update failed")]) == REFUSAL.text


def test_what_the_program_wrote_tells_why_it_ended_itself() -> None:
    ended = Diagnostic(severity=ERROR, text="program exited with non-zero exit code: 3", kind="pulumi:pulumi:Stack")
    words = Diagnostic(severity=PROGRAMS_STDERR, text="  no price list for this region")

    assert cause_of([words, ended]) == "program exited with non-zero exit code: 3\n  no price list for this region"
    assert cause_of([words]) == "no price list for this region"
    assert cause_of([]) == ""


def test_every_resource_that_failed_is_named() -> None:
    other = Diagnostic(
        severity=ERROR, text="the stand-in does not have aws:sqs/queue:Queue", kind="aws:sqs/queue:Queue"
    )

    assert cause_of([REFUSAL, other]) == f"{REFUSAL.text}\n{other.text}"


def test_an_event_is_read_once() -> None:
    metadata = StepEventMetadata(OpType.CREATE_REPLACEMENT, TOPIC, "aws:sns/topic:Topic", "")
    failed = EngineEvent(1, 1, res_op_failed_event=ResOpFailedEvent(metadata, 1, 0))
    message = DiagnosticEvent("<{%reset%}>no\n  such thing<{%reset%}>\n\n", "red", "error", urn=TOPIC)

    assert operation_of(failed) == Operation(
        op="create-replacement", kind="aws:sns/topic:Topic", name="alarm::of::ours", done=True, failed=True
    )
    assert operation_of(EngineEvent(2, 1)) is None
    assert diagnostic_of(message) == Diagnostic(severity="error", text="no\n  such thing", kind="aws:sns/topic:Topic")
    assert changes_of(SummaryEvent(False, 3, {OpType.CREATE: 2, OpType.SAME: 1}, {})) == {"create": 2, "same": 1}


def test_the_stacks_outputs_are_told_by_an_event_and_secrets_are_not() -> None:
    def told(kind: str, outputs: dict[str, object]) -> dict[str, object] | None:
        new = StepEventStateMetadata(kind, TOPIC, "", "", "", outputs=outputs)
        return outputs_of(
            EngineEvent(
                1, 1, res_outputs_event=ResOutputsEvent(StepEventMetadata(OpType.SAME, TOPIC, kind, "", new=new))
            )
        )

    secret = {SIGNATURE: "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "[secret]"}
    assert told("pulumi:pulumi:Stack", {"url": "u", "key": secret}) == {"url": "u", "key": "[secret]"}
    assert told("pulumi:pulumi:Stack", {}) == {}
    assert told("aws:sns/topic:Topic", {"arn": "a"}) is None
    assert outputs_of(EngineEvent(2, 1)) is None


def test_a_name_that_is_taken_is_told_with_both_ways_on() -> None:
    taken = hint_of("up", 'CreateEndpoint: ... Cannot create already existing endpoint "arn:aws:..."')

    assert "put the earlier name back" in taken
    assert 'aliases=[pulumi.Alias(name="EARLIER")]' in taken
    assert hint_of("destroy", "no quota").startswith("mend the cause and run `fogbank destroy` again")
