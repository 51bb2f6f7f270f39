"""What CreateTransformJob refuses at once, in AWS's words where they are known.

Source: the API reference, CreateTransformJob; AWS Developer Guide, "Associate Prediction Results with Input Records"; for the words about
objects aws/amazon-sagemaker-examples#2414.
"""

from __future__ import annotations

from collections.abc import Iterator

from fogbank.cloud.api.errors import validation
from fogbank.cloud.jobs.objects import ObjectError, Objects
from fogbank.contracts.container import BATCH_PAYLOAD_LIMIT, MEBIBYTE
from fogbank.contracts.transform import TransformRequest
from fogbank.ground.aws import split_uri
from fogbank.transform.association import CSV, JSON, JSON_LINES, Association
from fogbank.transform.jsonpath import PathError


def check(request: TransformRequest) -> None:
    """Refuse combinations that SageMaker refuses. Raises ValidationException."""
    for problem in _problems(request):
        raise validation(problem)


def check_input(uri: str, objects: Objects, region: str, role: str) -> None:
    """Refuse a job over nothing. Raises ValidationException."""
    bucket, prefix = split_uri(uri)
    try:
        found = objects.any(bucket, prefix)
    except ObjectError:
        found = False
    if not found:
        raise validation(
            f'No S3 objects found under S3 URL "{uri}" given in input data source. Please ensure that the bucket exists in the selected '
            f'region ({region}), that objects exist under that S3 prefix, and that the role "{role}" has "s3:ListBucket" permissions on '
            f'bucket "{bucket}".'
        )


def _problems(request: TransformRequest) -> Iterator[str]:
    split_type = request.source.split_type or "None"
    if request.source.data_type == "AugmentedManifestFile":
        yield "AugmentedManifestFile is not supported by batch transform."
    if request.batch_strategy == "MultiRecord" and split_type == "None":
        yield "BatchStrategy MultiRecord needs a SplitType other than None."
    payload_mb = 6 if request.max_payload_mb is None else request.max_payload_mb
    if payload_mb * max(1, request.max_concurrent or 1) * MEBIBYTE > BATCH_PAYLOAD_LIMIT:
        yield "MaxConcurrentTransforms * MaxPayloadInMB must not exceed 100 MB."
    captured = [request.capture.uri] if request.capture else []
    for uri in (request.source.uri, request.target.uri, *captured):
        try:
            split_uri(uri)
        except ValueError as error:
            yield str(error)
    yield from _association_problems(request, split_type)


def _association_problems(request: TransformRequest, split_type: str) -> Iterator[str]:
    """What does not fit the filters, the join and the ids that are asked for."""
    try:
        association = Association.of(request.processing)
    except PathError as error:
        yield f"DataProcessing has a filter that is not a supported JSONPath: {error}."
        return
    content_type, accept = (_media(text) for text in (request.source.content_type, request.target.accept))
    if request.capture is not None and request.capture.generate_inference_id and accept not in {CSV, JSON, JSON_LINES}:
        yield f"GenerateInferenceId needs an Accept of {CSV}, {JSON} or {JSON_LINES}."
    if not association.reads:
        return
    if content_type != accept or accept not in {CSV, JSON, JSON_LINES}:
        yield f"DataProcessing needs one ContentType and Accept, of {CSV}, {JSON} or {JSON_LINES}."
    if split_type != (request.target.assemble_with or "None"):
        yield "DataProcessing needs a SplitType and an AssembleWith that are the same."
    if accept != JSON and split_type != "Line":
        yield f"DataProcessing of {accept} needs SplitType and AssembleWith Line."
    for name, path in (("InputFilter", association.input), ("OutputFilter", association.output)):
        try:
            if accept == CSV:
                path.indexes()
        except PathError as error:
            yield f"{name} {error}."


def _media(text: str | None) -> str:
    """A media type without its parameters."""
    return (text or "").partition(";")[0].strip().lower()
