"""The same container on a Graviton instance, which has a camera's architecture: frames that a camera got wrong are looked at here."""

from release import prefix, service

from fogbank.components import DataCapture, Endpoint

live = Endpoint(
    "bench",
    service=service,
    endpoint_name=f"{prefix}-bench",
    instance_type="ml.m6g.large",
    capture=DataCapture(sampling=100),
)
