"""The nightly batch job: every CSV under batch/in/, scored at 02:00 UTC."""

from serving import prefix, service

from fogbank.components import BatchTransform

nightly = BatchTransform("nightly", service=service, schedule_name=f"{prefix}-nightly", schedule="cron(0 2 * * ? *)")
