"""SageMaker Pipelines: definitions that are checked, executions that run their steps as real jobs, and go on after a kill."""
