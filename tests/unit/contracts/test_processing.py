"""The CreateProcessingJob request as a value: it has every member of the API's shape, and loses none."""

from __future__ import annotations

from botocore.loaders import Loader
from botocore.model import ServiceModel

from fogbank.contracts.processing import ProcessingRequest
from tests.unit.contracts.test_transform import filled


def test_every_member_of_the_shape_comes_back() -> None:
    model = ServiceModel(Loader().load_service_model("sagemaker", "service-2"))
    document = filled(model.operation_model("CreateProcessingJob").input_shape)

    assert ProcessingRequest.decode(document).encode() == document
    described = {**document, "ProcessingJobStatus": "InProgress", "CreationTime": 1.0}
    assert ProcessingRequest.described(described).encode() == document
