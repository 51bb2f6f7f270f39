"""What exists: the released model with its container, and a bench: the endpoint that answers as every camera does."""

import pulumi
from bench import live
from release import image, released, service

pulumi.export("image", image)
pulumi.export("model_data", service.model_data_uri)
pulumi.export("bucket", service.bucket)
pulumi.export("model_version", released.version)
pulumi.export("endpoint", live.endpoint_name)
