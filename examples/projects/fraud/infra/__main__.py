"""What exists: an endpoint of two instances, which moves by canaries; a monitor by the hour; and the way back from drift to a new model."""

import pulumi
from retraining import retraining
from serving import live, registry, service
from watch import quality

pulumi.export("endpoint", live.endpoint_name)
pulumi.export("bucket", service.bucket)
pulumi.export("model_version", registry.version)
pulumi.export("monitor", quality.schedule_name)
pulumi.export("monitor_results", quality.results_uri)
pulumi.export("retraining", retraining.function_name)
pulumi.export("train_data", retraining.train_uri)
pulumi.export("labelled_data", retraining.labelled_uri)
