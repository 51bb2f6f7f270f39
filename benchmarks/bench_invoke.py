"""InvokeEndpoint through the local cloud beside the instance's own port, in one run: requests a second, latencies, and the ratio.

`python benchmarks/bench_invoke.py [SECONDS [CONNECTIONS ...]] [--plain]`: seconds a point, 5 by default. The endpoint is the reference project's,
compiled, with capture of all of it and metrics on; with `--plain` its package has no handler of its own. The client is wrk on one thread (Debian: wrk):
one in Python is slower than what it asks.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from measure import cloud_with_model, project

from fogbank.ground.processes import tree
from fogbank.project.workplace.config import load_config
from fogbank.testing import CloudProcess

CONNECTIONS = (1, 8, 32, 200)
SIGNED = "AWS4-HMAC-SHA256 Credential=k/20260101/us-east-1/sagemaker/aws4_request, SignedHeaders=host, Signature=-"
AIM, ADDED_MS = 0.6, 0.5
PERCENTILE = r"(50|99)%\s+([\d.]+)(us|ms|s)"
UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3}


@dataclass(frozen=True)
class Load:
    """Answers a second, milliseconds, and how many requests were refused for want of a place."""

    rate: float
    p50: float
    p99: float
    refused: int


def load(port: int, path: str, body: bytes, connections: int, seconds: float) -> Load:
    """Drive one server."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        headers = {"Content-Type": "text/csv", "Accept": "text/csv", "Authorization": SIGNED}
        lines = ['wrk.method = "POST"', f"wrk.body = [==[{body.decode()}]==]"]
        lines += [f'wrk.headers["{name}"] = "{value}"' for name, value in headers.items()]
        script.write("\n".join(lines))
        script.flush()
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds:g}s", "--latency", "-s", script.name]
        done = subprocess.run([*command, f"http://127.0.0.1:{port}{path}"], capture_output=True, text=True, check=True)
    assert "Socket errors" not in done.stdout, done.stdout
    refused = sum(map(int, re.findall(r"Non-2xx or 3xx responses: (\d+)", done.stdout)))
    found = {name: float(value) * UNITS[unit] for name, value, unit in re.findall(PERCENTILE, done.stdout)}
    rate = float(re.findall(r"Requests/sec:\s+([\d.]+)", done.stdout)[0])
    return Load(rate - refused / seconds, found["50"], found["99"], refused)


@contextmanager
def endpoint(root: Path, *, plain: bool = False) -> Iterator[CloudProcess]:
    """A cloud with the reference project's endpoint `live`, everything captured; `plain` leaves its handler out."""
    if plain:
        settings = root / "pyproject.toml"
        settings.write_text(re.sub(r"(?m)^handler = .*\n", "", settings.read_text()))
        (root / "handlers" / "inference.py").unlink()
    with cloud_with_model(root) as cloud:
        sagemaker = cloud.client("sagemaker")
        variant = {"VariantName": "v", "ModelName": "m", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
        capture = {
            "EnableCapture": True,
            "InitialSamplingPercentage": 100,
            "DestinationS3Uri": "s3://bench/capture",
            "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
            "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"]},
        }
        sagemaker.create_endpoint_config(
            EndpointConfigName="c", ProductionVariants=[variant], DataCaptureConfig=capture
        )
        sagemaker.create_endpoint(EndpointName="live", EndpointConfigName="c")
        sagemaker.get_waiter("endpoint_in_service").wait(
            EndpointName="live", WaiterConfig={"Delay": 1, "MaxAttempts": 60}
        )
        yield cloud


def instance_port(cloud: CloudProcess) -> int:
    """The port of the one instance below the cloud's process."""
    for pid in tree(cloud.address.pid):
        for entry in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
            name, _, value = entry.partition(b"=")
            if name == b"SAGEMAKER_BIND_TO_PORT":
                return int(value)
    raise SystemExit("the instance was not found")


def processor_seconds(pid: int) -> float:
    """What a process has used of the processors so far, all threads together: it says little of the machine's other load."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seconds", nargs="?", type=float, default=5.0)
    parser.add_argument("connections", nargs="*", type=int, default=CONNECTIONS)
    parser.add_argument("--plain", action="store_true")
    arguments = parser.parse_args()
    seconds = arguments.seconds
    with project() as root, endpoint(root, plain=arguments.plain) as cloud:
        sample = (load_config(root).trained / "sample.csv").read_bytes()
        body = sample.splitlines(keepends=True)[-1]
        port = instance_port(cloud)
        print(f"load average before: {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores")
        for connections in arguments.connections or CONNECTIONS:
            alone = load(port, "/invocations", body, connections, seconds)
            before = processor_seconds(cloud.address.pid)
            through = load(cloud.address.port, "/endpoints/live/invocations", body, connections, seconds)
            used = (processor_seconds(cloud.address.pid) - before) / (through.rate * seconds) * 1e6
            for name, found in (("instance", alone), ("cloud", through)):
                figures = (
                    f"{found.rate:8.0f}/s  p50 {found.p50:7.3f} ms  p99 {found.p99:7.3f} ms  {found.refused} refused"
                )
                print(f"{name:<10} {connections:>3} connections  {figures}", flush=True)
            share, added = through.rate / alone.rate, through.p50 - alone.p50
            verdict = "met" if share >= AIM else "MISSED"
            print(
                f"  the cloud to the instance {share:5.2f} x, aim at least {AIM}: {verdict}; adds {added:.3f} ms at p50"
            )
            print(f"  {used:.0f} us of a processor for each request, in the cloud's process")
            if connections == 8:
                print(f"  aim at most {ADDED_MS} ms at 8 connections: {'met' if added <= ADDED_MS else 'MISSED'}")


if __name__ == "__main__":
    if shutil.which("wrk") is None:
        raise SystemExit("invocations are not measured: wrk is not installed (Debian: wrk)")
    main()
