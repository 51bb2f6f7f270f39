"""What calls of pipelines ask of IAM besides their own action, pure. In: a request; out: actions, resources, and how it is said that they are lacking.

A definition that lies in S3 is read for who names it. The sentence is ours: AWS documents that the caller needs `s3:GetObject`, not its words.
"""

from __future__ import annotations

from collections.abc import Iterator

from fogbank.cloud.enforcement.actions import operation_of
from fogbank.cloud.ground.wire import Request

LACKS_READING = "The pipeline definition cannot be read from S3: User is missing the following permissions: {missing}"


def needs(request: Request) -> Iterator[tuple[str, str, str]]:
    """Reading the definition, where a request says where it lies."""
    operation, params = operation_of(request)
    if request.service != "sagemaker" or operation not in {"CreatePipeline", "UpdatePipeline"}:
        return
    place = params.get("PipelineDefinitionS3Location")
    if isinstance(place, dict):
        yield "s3:GetObject", f"arn:aws:s3:::{place.get('Bucket')}/{place.get('ObjectKey')}", LACKS_READING
