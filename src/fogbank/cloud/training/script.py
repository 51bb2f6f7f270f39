"""What a script finds around it in a framework image, pure: its command line, its SM_* variables, its files of settings.

In: a CreateTrainingJob request and a folder that stands for /opt/ml; out: the words of the sagemaker-training toolkit. Source: the toolkit's
ENVIRONMENT_VARIABLES.md, and the Developer Guide, "How Amazon SageMaker AI Provides Training Information".
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fogbank.cloud.ground.store import Document

HOST = "algo-1"
OWN = "sagemaker_"
"""Hyperparameters that are the toolkit's, not the script's."""


@dataclass(frozen=True, kw_only=True)
class Script:
    """A training job's script: `program` lies in `source`, an archive in S3; `parameters` are those that the script gets."""

    program: str
    source: str
    parameters: Mapping[str, Any]


def script_of(request: Document) -> Script | None:
    """The script of a request; None where none is named."""
    given = {name: _decoded(value) for name, value in request.get("HyperParameters", {}).items()}
    environment = request.get("Environment", {})
    program = given.get("sagemaker_program") or environment.get("SAGEMAKER_PROGRAM")
    source = given.get("sagemaker_submit_directory") or environment.get("SAGEMAKER_SUBMIT_DIRECTORY")
    if not program or not source:
        return None
    own = {name: value for name, value in given.items() if not name.startswith(OWN)}
    return Script(program=str(program), source=str(source), parameters=own)


def arguments(parameters: Mapping[str, Any]) -> list[str]:
    """Hyperparameters as the script's command line, in order of their names.

    >>> arguments({"epochs": 3, "a": 0.5, "verbose": True})
    ['-a', '0.5', '--epochs', '3', '--verbose', 'True']
    """
    words: list[str] = []
    for name, value in sorted(parameters.items()):
        text = value if isinstance(value, str) else json.dumps(value) if isinstance(value, dict | list) else str(value)
        words += [f"-{name}" if len(name) == 1 else f"--{name}", text]
    return words


def variables(request: Document, script: Script, home: Path, arn: str) -> dict[str, str]:
    """The SM_* variables; paths lie in the folder that stands for /opt/ml."""
    channels = {
        item["ChannelName"]: home / "input" / "data" / item["ChannelName"]
        for item in request.get("InputDataConfig", [])
    }
    name, kind = request["TrainingJobName"], request.get("ResourceConfig", {}).get("InstanceType", "ml.m5.large")
    module = script.program.removesuffix(".py").replace("/", ".")
    words = {
        "SM_CHANNELS": sorted(channels),
        "SM_CURRENT_HOST": HOST,
        "SM_CURRENT_INSTANCE_TYPE": kind,
        "SM_HOSTS": [HOST],
        "SM_HPS": dict(script.parameters),
        "SM_INPUT_CONFIG_DIR": home / "input" / "config",
        "SM_INPUT_DATA_CONFIG": input_config(request),
        "SM_INPUT_DIR": home / "input",
        "SM_LOG_LEVEL": 20,
        "SM_MODEL_DIR": home / "model",
        "SM_MODULE_DIR": script.source,
        "SM_MODULE_NAME": module,
        "SM_NUM_CPUS": os.cpu_count() or 1,
        "SM_NUM_GPUS": 0,
        "SM_OUTPUT_DATA_DIR": home / "output" / "data",
        "SM_OUTPUT_DIR": home / "output",
        "SM_OUTPUT_INTERMEDIATE_DIR": home / "output" / "intermediate",
        "SM_RESOURCE_CONFIG": resource_config(kind),
        "SM_USER_ARGS": arguments(script.parameters),
        "SM_USER_ENTRY_POINT": script.program,
        **{f"SM_CHANNEL_{channel.upper().replace('-', '_')}": path for channel, path in channels.items()},
        **{f"SM_HP_{key.upper().replace('-', '_')}": value for key, value in script.parameters.items()},
        "TRAINING_JOB_NAME": name,
        "TRAINING_JOB_ARN": arn,
    }
    return {
        key: value if isinstance(value, str) else str(value) if isinstance(value, Path) else json.dumps(value)
        for key, value in words.items()
    }


def input_config(request: Document) -> dict[str, Any]:
    """inputdataconfig.json."""
    return {
        item["ChannelName"]: {
            "TrainingInputMode": "File",
            "S3DistributionType": item["DataSource"]["S3DataSource"].get("S3DataDistributionType", "FullyReplicated"),
            "RecordWrapperType": "None",
            **({"ContentType": item["ContentType"]} if "ContentType" in item else {}),
        }
        for item in request.get("InputDataConfig", [])
    }


def resource_config(kind: str) -> dict[str, Any]:
    """resourceconfig.json."""
    return {"current_host": HOST, "current_instance_type": kind, "hosts": [HOST], "network_interface_name": "lo"}


def _decoded(value: str) -> Any:
    """The SDKs write JSON; what is none is the text itself."""
    try:
        return json.loads(value)
    except ValueError:
        return value
