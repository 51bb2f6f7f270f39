"""What exists: one endpoint, one nightly batch job, one hourly monitor. The same program for the local cloud and for AWS."""

import pulumi
from batch import nightly
from serving import live, service
from watch import quality

pulumi.export("endpoint", live.endpoint_name)
pulumi.export("endpoint_config", live.config_name)
pulumi.export("model", service.model_name)
pulumi.export("bucket", service.bucket)
pulumi.export("batch_schedule", nightly.schedule_name)
pulumi.export("batch_input", nightly.input_uri)
pulumi.export("batch_output", nightly.output_uri)
pulumi.export("transform_job", nightly.job)
pulumi.export("monitor", quality.schedule_name)
pulumi.export("monitor_results", quality.results_uri)
