"""The hourly monitor of what is asked and answered."""

from serving import live, prefix

from fogbank.components import MonitoringSchedule

quality = MonitoringSchedule("quality", endpoint=live, schedule_name=f"{prefix}-quality", schedule="cron(0 * ? * * *)")
