"""Pulumi ComponentResources on pulumi-aws: what users declare."""

from fogbank.components.arrivals import Arrivals, Unscored
from fogbank.components.asynchronous import Asynchronous
from fogbank.components.batch import BatchTransform
from fogbank.components.budget import Budget
from fogbank.components.dashboard import Dashboard
from fogbank.components.deployments import Alarms, AllAtOnce, Canary, Linear, Rolling
from fogbank.components.endpoint import Endpoint
from fogbank.components.failures import Failures
from fogbank.components.hours import OfficeHours
from fogbank.components.http_api import Cors, HttpApi, Jwt, Throttle
from fogbank.components.image import Image
from fogbank.components.log_retention import PROCESSING_JOBS, TRANSFORM_JOBS, LogRetention
from fogbank.components.monitor import MonitoringSchedule
from fogbank.components.monitor_kinds import Bias, DataQuality, Explainability, ModelQuality
from fogbank.components.naming import stack_prefix
from fogbank.components.network import Network
from fogbank.components.others import MultiModel, Pipeline, Step
from fogbank.components.registry import ModelRegistry
from fogbank.components.retraining import Drift, Retraining
from fogbank.components.scaling import Scaling
from fogbank.components.service import ModelService, load_package
from fogbank.components.training import Training
from fogbank.components.transform_job import Once
from fogbank.components.variants import DataCapture, Hosting, Provisioned, Serverless, Variant
from fogbank.components.violations import Alarm, Violations
from fogbank.contracts.transform import DataProcessing
from fogbank.ground.pickles import undo_dill

__all__ = [
    "PROCESSING_JOBS",
    "TRANSFORM_JOBS",
    "Alarm",
    "Alarms",
    "AllAtOnce",
    "Arrivals",
    "Asynchronous",
    "BatchTransform",
    "Bias",
    "Budget",
    "Canary",
    "Cors",
    "Dashboard",
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
    "LogRetention",
    "ModelQuality",
    "ModelRegistry",
    "ModelService",
    "MonitoringSchedule",
    "MultiModel",
    "Network",
    "OfficeHours",
    "Once",
    "Pipeline",
    "Provisioned",
    "Retraining",
    "Rolling",
    "Scaling",
    "Serverless",
    "Step",
    "Throttle",
    "Training",
    "Unscored",
    "Variant",
    "Violations",
    "load_package",
    "stack_prefix",
]

undo_dill()
