"""The hourly data quality monitor of the live endpoint."""

import pulumi
from serving import live, prefix

from fogbank.components import MonitoringSchedule

quality = MonitoringSchedule(
    "quality",
    endpoint=live,
    schedule_name=f"{prefix}-quality",
    schedule="cron(0 * ? * * *)",
    image=pulumi.Config("fogbank").require("monitorImage"),
)
