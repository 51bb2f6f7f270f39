"""Pulumi ComponentResources on pulumi-aws: what users declare."""

from fogbank.components.batch import BatchTransform
from fogbank.components.endpoint import DataCapture, Endpoint, Hosting
from fogbank.components.image import Image
from fogbank.components.monitor import MonitoringSchedule
from fogbank.components.naming import stack_prefix
from fogbank.components.service import ModelService, load_package
from fogbank.ground.pickles import undo_dill

__all__ = [
    "BatchTransform",
    "DataCapture",
    "Endpoint",
    "Hosting",
    "Image",
    "ModelService",
    "MonitoringSchedule",
    "load_package",
    "stack_prefix",
]

undo_dill()
