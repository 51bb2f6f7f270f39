"""Random sequences of good and bad updates, with a fault at any API call and `kill -9` of the engine: what is live always exists, the
state tells the truth, and the next `up` converges. The plain resource does not hold it.

CI draws FOGBANK_SEQUENCES = 2 of them; 500 take hours. A failure names its seed: `FOGBANK_SEED=7 FOGBANK_SEQUENCES=1` draws that one
alone, and `FOGBANK_SEED=100` the next ones from there.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from fogbank.components import Endpoint, ModelService, load_package
from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.errors import EngineError
from fogbank.engine.environment import stack_environment
from fogbank.engine.stack import StackDriver
from fogbank.project.account.stacks import find_engine
from fogbank.provider.server import ProviderServer
from fogbank.testing import CloudProcess
from tests.fakes.faulty import Faulty
from tests.fakes.pulumi_aws import provider

FIRST = int(os.environ.get("FOGBANK_SEED", "0"))
SEEDS = range(FIRST, FIRST + int(os.environ.get("FOGBANK_SEQUENCES", "2")))
STEPS = 4
CALLS = 20
"""About as many calls as an update makes: a fault at one of them."""
NAME = "churn-live"


def program() -> None:
    """The service and what is live of it; in this process, which saves each update the start of another."""
    config = pulumi.Config("p")
    version, count = config.require("version"), config.require_int("count")
    environment = {"SAGEMAKER_PROGRAM": "not-there.py"} if version == "bad" else {"STEP": version}
    package = load_package(Path(config.require("package")))
    service = ModelService("churn", package=package, image="i", force_destroy=True, environment=environment)
    if config.get_bool("plain"):
        _plain(service, count)
    else:
        Endpoint("live", service=service, endpoint_name=NAME, instance_count=count)
    pulumi.export("model", service.model_name)


def _plain(service: ModelService, count: int) -> None:
    """The same by pulumi-aws's own types."""
    variant: Any = {
        "variant_name": "AllTraffic", "model_name": service.model_name, "instance_type": "ml.m5.large", "initial_instance_count": count,
    }  # fmt: skip
    shown = aws.sagemaker.EndpointConfiguration(
        "c", production_variants=[variant], opts=pulumi.ResourceOptions(delete_before_replace=False)
    )
    aws.sagemaker.Endpoint("live-endpoint", name=NAME, endpoint_config_name=shown.name)


@dataclass(frozen=True, kw_only=True)
class Step:
    """An update: `version` is the program's (`bad` does not start), `count` its instances; `fault` happens at the call `at`. Before it,
    an operator may set the live count to `operator`."""

    version: str
    count: int
    fault: str = ""
    at: int = 0
    operator: int = 0


def drawn(seed: int) -> list[Step]:
    """A sequence."""
    draw = random.Random(seed)
    return [
        Step(
            version=draw.choice(["1", "2", "3", "bad"]),
            count=draw.choice([1, 1, 2]),
            fault=draw.choice(["", "refuse", "lose", "act"]),
            at=draw.randint(1, CALLS),
            operator=draw.choice([0, 0, 1, 2]),
        )
        for _ in range(STEPS)
    ]


@dataclass(frozen=True, kw_only=True)
class World:
    """A stack of an account, and the way there."""

    package: Path
    cloud: CloudProcess
    way: Faulty
    driver: StackDriver
    plain: bool = False

    def up(self, version: str, count: int) -> None:
        """`pulumi up`. Raises EngineError."""
        endpoints = [{"s3": self.way.url, "sagemaker": self.way.url}]
        self.driver.set_config(
            {
                "aws:region": "us-east-1", "aws:endpoints": endpoints, "p:version": version, "p:count": count,
                "p:package": str(self.package), "p:plain": self.plain,
            }
        )  # fmt: skip
        self.driver.up(lambda _: None)

    def take(self, step: Step) -> bool:
        """One step; whether it was a good update that came through."""
        if step.operator:
            self._operate(step.operator)
        self.way.fails(step.fault, step.at, kill_the_engine)
        try:
            self.up(step.version, step.count)
        except EngineError:
            assert step.version == "bad" or self.way.happened, "a good update without a fault comes through"
            return False
        finally:
            self.way.fails("", 0)
        return step.version != "bad"

    def _operate(self, count: int) -> None:
        """What a person or autoscaling does; not while an update is under way."""
        sagemaker = self.cloud.client("sagemaker")
        if sagemaker.describe_endpoint(EndpointName=NAME)["EndpointStatus"] == "InService":
            wanted = [{"VariantName": "AllTraffic", "DesiredInstanceCount": count}]
            sagemaker.update_endpoint_weights_and_capacities(EndpointName=NAME, DesiredWeightsAndCapacities=wanted)

    def live_exists(self) -> bool:
        """Whether what the endpoint serves, a configuration and its model, is there."""
        sagemaker = self.cloud.client("sagemaker")
        config = sagemaker.describe_endpoint(EndpointName=NAME)["EndpointConfigName"]
        try:
            described = sagemaker.describe_endpoint_config(EndpointConfigName=config)
            model = sagemaker.describe_model(ModelName=described["ProductionVariants"][0]["ModelName"])
            bucket, _, key = model["PrimaryContainer"]["ModelDataUrl"].removeprefix("s3://").partition("/")
            self.cloud.client("s3").head_object(Bucket=bucket, Key=key)
        except sagemaker.exceptions.ClientError:
            return False
        return True


def kill_the_engine() -> None:
    """`kill -9` of the engine that this process has started."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            pid, _, rest = stat.read_text().partition(" (pulumi) ")
            if rest and int(rest.split()[1]) == os.getpid():
                os.kill(int(pid), signal.SIGKILL)


@pytest.fixture
def world(local_cloud: CloudProcess, tmp_path: Path, fogbank_project: ProjectConfig) -> Iterator[World]:
    """An account in which a good version is live."""
    with Faulty(local_cloud.url) as way:
        server = ProviderServer(provider(way.url))
        server.start()
        engine = find_engine(lambda _: None)
        environment = stack_environment(tmp_path / "state", engine, way.url, server.port, local_cloud.secret)
        driver = StackDriver(tmp_path, engine, environment, "local", program)
        yield World(package=fogbank_project.package, cloud=local_cloud, way=way, driver=driver)
        server.stop()


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_live_exists_whatever_happens_and_the_next_up_converges(world: World, seed: int) -> None:
    world.up("1", 1)
    for number, step in enumerate(drawn(seed)):
        world.take(step)
        assert world.live_exists(), f"after step {number} of seed {seed}: {step}"
    world.up("9", 2)
    sagemaker = world.cloud.client("sagemaker")
    live = sagemaker.describe_endpoint(EndpointName=NAME)
    config = sagemaker.describe_endpoint_config(EndpointConfigName=live["EndpointConfigName"])

    assert live["EndpointStatus"] == "InService"
    assert config["ProductionVariants"][0]["ModelName"] == world.driver.outputs()["model"]
    assert world.live_exists()
    world.driver.preview(lambda _: None, expect_no_changes=True)
    assert world.driver.refresh(lambda _: None).changed is False, "the state is what the cloud says"


def test_the_plain_resource_loses_what_is_live(world: World) -> None:
    plain = World(**{**vars(world), "plain": True})
    plain.up("1", 1)
    plain.take(Step(version="bad", count=1))

    assert plain.live_exists() is False
