"""Every night at two: what lies under customers/ is scored, and each line of scores/ is a customer's number with the score."""

from serving import prefix, service

from fogbank.components import BatchTransform, DataProcessing, Failures

nightly = BatchTransform(
    "nightly",
    service=service,
    schedule_name=f"{prefix}-nightly",
    schedule="cron(0 2 * * ? *)",
    input_prefix="customers/",
    output_prefix="scores/",
    # The model does not see the number in front, and of a line nothing is written but the number and the score.
    processing=DataProcessing(input_filter="$[1:]", join_source="Input", output_filter="$[0,-1]"),
    failures=Failures(),
)
