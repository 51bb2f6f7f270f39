"""What endpoints cost at rest: memory of each on an instance, of all its processes (PSS), and what idle serverless endpoints cost.

`python benchmarks/bench_rest.py [ENDPOINTS [SERVERLESS]]`, 50 and 200 by default. The model is the reference project's, compiled. Aim:
under 60 MB an endpoint; a serverless one has no process, and the cloud's own use of processor and memory is as without it.
"""

from __future__ import annotations

import sys
import time
from itertools import zip_longest
from pathlib import Path
from typing import Any

from measure import cloud_with_model, project

from fogbank.ground.processes import cpu_seconds, tree
from fogbank.testing import CloudProcess

AIM_MB, IDLE_S, LIMIT_S = 60, 20.0, 600
KIB = 1024


def configurations(sagemaker: Any) -> None:
    """Of the model `m`: `on` of an instance, and `off` of none."""
    for name, where in (
        ("on", {"InstanceType": "ml.m5.large", "InitialInstanceCount": 1}),
        ("off", {"ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 5}}),
    ):
        variant = {"VariantName": "v", "ModelName": "m", **where}
        sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])


def pss_kb(pid: int) -> int:
    """A process's proportional share of memory: what it has in common with others is divided among them."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    return 0


def below(cloud: CloudProcess) -> list[int]:
    """The processes of instances."""
    return [pid for pid in tree(cloud.address.pid) if pid != cloud.address.pid]


def make(sagemaker: Any, names: list[str], config: str) -> None:
    """Endpoints, all of them InService."""
    for name in names:
        sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config)
    end = time.monotonic() + LIMIT_S
    for name in names:
        while (told := sagemaker.describe_endpoint(EndpointName=name))["EndpointStatus"] != "InService":
            if told["EndpointStatus"] == "Failed" or time.monotonic() > end:
                raise SystemExit(f"endpoint {name} is {told['EndpointStatus']}: {told.get('FailureReason')}")
            time.sleep(0.2)


def idle(cloud: CloudProcess) -> tuple[float, float]:
    """Of a processor, in percent, while nothing is asked: of the cloud's own process, and of those below it."""
    pids = [cloud.address.pid, *below(cloud)]
    before = {pid: cpu_seconds(pid) for pid in pids}
    time.sleep(IDLE_S)
    used = {pid: cpu_seconds(pid) - seconds for pid, seconds in before.items()}
    own = used.pop(cloud.address.pid)
    return 100 * own / IDLE_S, 100 * sum(used.values()) / IDLE_S


def main() -> None:
    """Measure and print."""
    count, serverless = (int(given or default) for given, default in zip_longest(sys.argv[1:3], ("50", "200")))
    with project() as root, cloud_with_model(root) as cloud:
        sagemaker = cloud.client("sagemaker")
        configurations(sagemaker)
        pid = cloud.address.pid
        make(sagemaker, ["warm"], "off")
        empty, (own, _) = pss_kb(pid), idle(cloud)
        print(f"a cloud with one serverless endpoint: {empty / KIB:.0f} MB, {own:.1f} % of a processor")
        make(sagemaker, [f"off-{number}" for number in range(serverless)], "off")
        grown, (own, _) = pss_kb(pid) - empty, idle(cloud)
        print(
            f"{serverless} idle serverless endpoints more: {len(below(cloud))} processes, {grown / serverless:.0f} kB each, {own:.1f} % of a processor"
        )
        make(sagemaker, [f"on-{number}" for number in range(count)], "on")
        own, theirs = idle(cloud)
        instances = below(cloud)
        each = sum(map(pss_kb, instances)) / KIB / count
        verdict = "met" if each < AIM_MB else "missed"
        print(
            f"{count} endpoints at rest: {each:.1f} MB each (PSS), {len(instances) / count:.1f} processes each; under {AIM_MB}: {verdict}"
        )
        print(f"    {own:.1f} % of a processor for the cloud, {theirs:.1f} % for all of their processes")


if __name__ == "__main__":
    main()
