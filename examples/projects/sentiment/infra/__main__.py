"""What exists: a serverless endpoint, and the HTTP API in front of it."""

import pulumi
from front import api
from serving import live, service

pulumi.export("endpoint", live.endpoint_name)
pulumi.export("bucket", service.bucket)
pulumi.export("url", api.url)
