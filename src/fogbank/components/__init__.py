"""Pulumi ComponentResources on pulumi-aws: what users declare."""

from fogbank.components.batch import BatchTransform
from fogbank.components.deployments import Alarms, AllAtOnce, Canary, Linear, Rolling
from fogbank.components.endpoint import Endpoint
from fogbank.components.failures import Failures
from fogbank.components.hours import OfficeHours
from fogbank.components.http_api import Cors, HttpApi, Jwt, Throttle
from fogbank.components.image import Image
from fogbank.components.monitor import MonitoringSchedule
from fogbank.components.monitor_kinds import Bias, DataQuality, Explainability, ModelQuality
from fogbank.components.naming import stack_prefix
from fogbank.components.network import Network
from fogbank.components.registry import ModelRegistry
from fogbank.components.retraining import Drift, Retraining
from fogbank.components.scaling import Scaling
from fogbank.components.service import ModelService, load_package
from fogbank.components.training import Training
from fogbank.components.transform_job import Once
from fogbank.components.variants import DataCapture, Hosting, Provisioned, Serverless, Variant
from fogbank.components.violations import Violations
from fogbank.contracts.transform import DataProcessing
from fogbank.ground.pickles import undo_dill

__all__ = [
    "Alarms",
    "AllAtOnce",
    "BatchTransform",
    "Bias",
    "Canary",
    "Cors",
    "DataCapture",
    "DataProcessing",
    "DataQuality",
    "Drift",
    "Endpoint",
    "Explainability",
    "Failures",
    "Hosting",
    "HttpApi",
    "Image",
    "Jwt",
    "Linear",
    "ModelQuality",
    "ModelRegistry",
    "ModelService",
    "MonitoringSchedule",
    "Network",
    "OfficeHours",
    "Once",
    "Provisioned",
    "Retraining",
    "Rolling",
    "Scaling",
    "Serverless",
    "Throttle",
    "Training",
    "Variant",
    "Violations",
    "load_package",
    "stack_prefix",
]

undo_dill()
