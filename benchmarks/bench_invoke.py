"""InvokeEndpoint through the local cloud beside the instance's own port, in one run: requests a second, latencies, and the ratio.

`python benchmarks/bench_invoke.py [SECONDS [CONNECTIONS ...]]`: seconds a point, 5 by default. The endpoint is the reference project's, compiled, with
capture of all of it and metrics on; the client is a process of its own that reads and writes whole answers on an event loop.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvloop
from measure import fogbank, project

from fogbank.contracts.manifest import load_manifest
from fogbank.ground.processes import tree
from fogbank.project.config import load_config
from fogbank.testing import CloudProcess

CONNECTIONS = (1, 8, 32, 200)
ROLE = "arn:aws:iam::123456789012:role/r"
SIGNED = "AWS4-HMAC-SHA256 Credential=k/20260101/us-east-1/sagemaker/aws4_request, SignedHeaders=host, Signature=-"
AIM, ADDED_MS, WARM_S = 0.6, 0.5, 0.5


class Peer(asyncio.Protocol):
    """One connection that asks again as soon as it is answered."""

    def __init__(self, request: bytes, latencies: list[float]) -> None:
        self._request, self._latencies = request, latencies
        self._left = 0
        self._held = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask."""
        self._transport: Any = transport
        self._ask()

    def data_received(self, data: bytes) -> None:
        """A part of an answer."""
        if not self._left:
            self._held += data
            head, end, body = self._held.partition(b"\r\n\r\n")
            if not end:
                return
            assert head.startswith(b"HTTP/1.1 200"), self._held
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            self._held, self._left = b"", length - len(body)
        else:
            self._left -= len(data)
        if not self._left:
            self._latencies.append(time.perf_counter() - self._asked)
            self._ask()

    def _ask(self) -> None:
        self._asked = time.perf_counter()
        self._transport.write(self._request)


async def drive(port: int, request: bytes, connections: int, seconds: float) -> list[float]:
    """The latencies of all requests that were answered in so many seconds, after a moment that does not count."""
    loop, latencies = asyncio.get_running_loop(), list[float]()
    for _ in range(connections):
        await loop.create_connection(lambda: Peer(request, latencies), "127.0.0.1", port)
    await asyncio.sleep(WARM_S)
    latencies.clear()
    await asyncio.sleep(seconds)
    return list(latencies)


@dataclass(frozen=True)
class Load:
    """Requests a second, and milliseconds."""

    rate: float
    p50: float
    p99: float


def load(port: int, path: str, body: bytes, connections: int, seconds: float) -> Load:
    """Drive one server from a process of its own."""
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/csv\r\nAccept: text/csv\r\n"
    head += f"Authorization: {SIGNED}\r\nContent-Length: {len(body)}\r\n\r\n"
    order = json.dumps([port, (head.encode() + body).decode("latin-1"), connections, seconds])
    done = subprocess.run(
        [sys.executable, __file__, "--client"], input=order, capture_output=True, text=True, check=True
    )
    return Load(*json.loads(done.stdout))


def client() -> None:
    """The process that asks."""
    port, request, connections, seconds = json.loads(sys.stdin.read())
    latencies = sorted(uvloop.run(drive(port, request.encode("latin-1"), connections, seconds)))
    p99 = latencies[int(len(latencies) * 0.99)] if latencies else 0.0
    print(json.dumps([len(latencies) / seconds, statistics.median(latencies) * 1e3, p99 * 1e3]))


@contextmanager
def endpoint(root: Path) -> Iterator[CloudProcess]:
    """A cloud with the reference project's endpoint `live`, everything captured."""
    fogbank(root, "train")
    fogbank(root, "pack")
    config = load_config(root)
    with tempfile.TemporaryDirectory() as folder:
        cloud = CloudProcess(Path(folder))
        cloud.start()
        try:
            s3, sagemaker = cloud.client("s3"), cloud.client("sagemaker")
            s3.create_bucket(Bucket="bench")
            artifact = load_manifest(config.package).artifact_path.read_bytes()
            s3.put_object(Bucket="bench", Key="m.tar.gz", Body=artifact)
            container = {"Image": "i", "ModelDataUrl": "s3://bench/m.tar.gz"}
            sagemaker.create_model(ModelName="m", ExecutionRoleArn=ROLE, PrimaryContainer=container)
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
        finally:
            cloud.stop()


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
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 5.0
    with project() as root, endpoint(root) as cloud:
        sample = (load_config(root).trained / "sample.csv").read_bytes()
        body = sample.splitlines(keepends=True)[-1]
        port = instance_port(cloud)
        print(f"load average before: {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores")
        for connections in [int(word) for word in sys.argv[2:]] or CONNECTIONS:
            alone = load(port, "/invocations", body, connections, seconds)
            before = processor_seconds(cloud.address.pid)
            through = load(cloud.address.port, "/endpoints/live/invocations", body, connections, seconds)
            used = (processor_seconds(cloud.address.pid) - before) / (through.rate * (seconds + WARM_S)) * 1e6
            for name, found in (("instance", alone), ("cloud", through)):
                figures = f"{found.rate:8.0f}/s  p50 {found.p50:7.3f} ms  p99 {found.p99:7.3f} ms"
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
    client() if sys.argv[1:] == ["--client"] else main()
