"""What exists: a model, and the job that scores every night; what fails reaches a queue. There is no endpoint, and none is paid for."""

import pulumi
from batch import nightly
from serving import service

pulumi.export("bucket", service.bucket)
pulumi.export("model", service.model_name)
pulumi.export("batch_schedule", nightly.schedule_name)
pulumi.export("batch_input", nightly.input_uri)
pulumi.export("batch_output", nightly.output_uri)
pulumi.export("transform_job", nightly.job)
