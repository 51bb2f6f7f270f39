"""CloudWatch Logs of SageMaker: groups and streams whose events are the lines of files."""
