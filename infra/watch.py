"""The hourly data quality monitor of the live endpoint."""

from serving import live, prefix

from fogbank.components import MonitoringSchedule

# EventBridge Scheduler starts the analyzer out of the service's own image. An account that has SageMaker's Model Monitor may take that
# instead: carrier="model-monitor".
quality = MonitoringSchedule("quality", endpoint=live, schedule_name=f"{prefix}-quality", schedule="cron(0 * ? * * *)")
