"""CloudWatch's alarms: kept, evaluated on the cloud's clock, and acted upon."""
