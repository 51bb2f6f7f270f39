"""A package from training to a registry, as a person types it: pack, sign, verify, check, push."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from fogbank.cloud.client import read_address
from fogbank.ground.aws import LocalClients
from fogbank.ground.cache import cache_dir
from tests.engines import docker_registry, ensure_base, needs
from tests.fakes.osv import osv
from tests.projects import small_project
from tests.waiting import until_answer

Fogbank = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def churn(tmp_path: Path) -> Path:
    ensure_base("linux/amd64")
    root = small_project(tmp_path / "churn").root
    (root / "model").mkdir()
    (root / "model" / "train.py").touch()
    (root / ".fogbank/trained/model.joblib").touch()  # newer than the module that did not train it
    return root


@pytest.fixture
def keys(tmp_path: Path) -> tuple[Path, Path]:
    """A key pair as the documentation makes it."""
    secret, public = tmp_path / "fogbank.key", tmp_path / "fogbank.pub"
    subprocess.run(
        ["openssl", "genpkey", "-algorithm", "ed25519", "-out", str(secret)], check=True, capture_output=True
    )
    subprocess.run(
        ["openssl", "pkey", "-in", str(secret), "-pubout", "-out", str(public)], check=True, capture_output=True
    )
    return secret, public


def ok(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_pack_sign_verify_push(churn: Path, keys: tuple[Path, Path], tmp_path: Path, fogbank: Fogbank) -> None:
    needs("docker-registry")
    secret, public = keys
    said = json.loads(ok(fogbank(churn, "pack", "--image", "--containerfile", "--sign", str(secret), "--json")))
    package = churn / ".fogbank/package"
    assert [image["platform"] for image in said["images"]] == ["linux/amd64"]
    assert Path(said["provenance"]) == package / "provenance.dsse.json"
    assert (churn / ".fogbank/containerfile/amd64/Containerfile").read_text().startswith("# the base is debian")
    assert ok(fogbank(churn, "verify", "--key", str(public))) == "ok"
    materials = json.loads((package / "sbom.cdx.json").read_text())["components"]
    assert {"onnxruntime", "libc6"} <= {item["name"] for item in materials}

    again = json.loads(ok(fogbank(churn, "pack", "--sign", str(secret), "--json")))
    assert again["images"] == said["images"], "an image that is there is kept"
    with docker_registry(tmp_path / "registry") as address:
        pushed = ok(fogbank(churn, "push", f"{address}/churn:1"))
    assert pushed == f"{address}/churn@{said['images'][0]['digest']}"

    blob = max((package / "image/blobs/sha256").iterdir(), key=lambda path: path.stat().st_size)
    data = bytearray(blob.read_bytes())
    data[len(data) // 2] ^= 1
    blob.write_bytes(data)
    damaged = fogbank(churn, "verify", "--key", str(public))
    assert damaged.returncode == 3
    assert f"image/blobs/sha256/{blob.name} is not the file that was sealed" in damaged.stderr
    assert fogbank(churn, "verify", "--unsigned").returncode == 3


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["verify"], 3, "error key-missing"),
        (["verify", "--unsigned"], 3, "error package-unsealed"),
        (["push"], 2, "error repository-missing"),
        (["push", "127.0.0.1:9/churn"], 3, "error package-missing"),
        (["pack", "--sign", "no.key"], 3, "error key-unreadable"),
        (["base", "--python", "3.7"], 3, "error base-python"),
    ],
)
def test_what_is_missing_is_said_with_the_next_step(
    churn: Path, fogbank: Fogbank, arguments: list[str], code: int, said: str
) -> None:
    done = fogbank(churn, *arguments)

    assert (done.returncode, said in done.stderr) == (code, True), done.stderr
    assert "next: " in done.stderr
    assert "Traceback" not in done.stderr


def test_check_passes_or_names_what_would_fail(churn: Path, fogbank: Fogbank) -> None:
    report = json.loads(ok(fogbank(churn, "check", "--json")))
    assert report["passed"] is True
    assert report["unchecked"] == []

    starved = fogbank(churn, "check", "--memory", "5")
    assert (starved.returncode, "error memory-exceeded" in starved.stderr) == (3, True), starved.stderr
    assert "next: choose an instance with more memory" in starved.stderr
    elsewhere = fogbank(churn, "check", "--env", "SAGEMAKER_BIND_TO_PORT=9999")
    assert "error wrong-port: it listens on 9999" in elsewhere.stderr
    archive = churn / ".fogbank/package/model.tar.gz"
    outside = fogbank(churn.parent, "check", str(archive), "--sample", str(churn / ".fogbank/trained/sample.csv"))
    assert ok(outside) == "ok"


def test_a_full_disk_is_one_error_and_the_next_try_succeeds(churn: Path, tmp_path: Path, fogbank: Fogbank) -> None:
    needs("unshare")
    cache = tmp_path / "cache"
    cache.mkdir()
    (tmp_path / "bases").symlink_to(cache_dir(os.environ) / "bases")
    script = 'mount -t tmpfs -o size=8m none "$1" && ln -s "$2" "$1/bases" && FOGBANK_CACHE="$1" exec "$3" -m fogbank pack --image'
    full = subprocess.run(
        ["unshare", "--map-root-user", "--mount", "sh", "-c", script, "sh", str(cache), str(tmp_path / "bases"), sys.executable],
        cwd=churn, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert full.returncode == 2, full.stderr
    assert "error disk-full: there is no room left: " in full.stderr
    assert "Traceback" not in full.stderr
    assert not (churn / ".fogbank/package/image").exists()
    assert fogbank(churn, "pack", "--image").returncode == 0


def test_up_refuses_a_package_that_would_fail(project: Path, fogbank: Fogbank) -> None:
    handler = project / "handlers" / "inference.py"
    writes = "import os\nopen(os.path.join(os.environ['SAGEMAKER_BASE_DIR'], 'model', 'cache'), 'w')\n"
    handler.write_text(handler.read_text() + writes)
    done = fogbank(project, "up")

    assert done.returncode == 3
    assert "✗ check  failed" in done.stderr
    assert "error model-dir-read-only" in done.stderr
    assert not (project / ".fogbank" / "cloud").exists(), "nothing was started"
    assert "Traceback" not in done.stderr


def test_where_a_signature_is_required_nothing_else_is_deployed_or_run(
    keys: tuple[Path, Path], tmp_path: Path, fogbank: Fogbank
) -> None:
    secret, public = keys
    root = small_project(tmp_path / "churn").root
    (root / "model").mkdir(exist_ok=True)
    (root / "model" / "train.py").touch()
    (root / ".fogbank/trained/model.joblib").touch()
    settings = root / "pyproject.toml"
    settings.write_text(settings.read_text() + f'require_signature = "{public}"\n')
    ok(fogbank(root, "pack"))
    for verb in (("up", "--packed", "--no-check"), ("push", "127.0.0.1:1/churn:1")):
        refused = fogbank(root, *verb)
        assert (refused.returncode, "error signature-missing: " in refused.stderr) == (3, True), refused.stderr
    ok(fogbank(root, "pack", "--sign", str(secret)))
    ok(fogbank(root, "verify"))
    ok(fogbank(root, "cloud", "start"))
    try:
        said = {name: endpoint_of(root, name, spoil) for name, spoil in (("signed", False), ("other", True))}
    finally:
        fogbank(root, "cloud", "stop")

    assert said["signed"] == ("InService", "")
    assert said["other"][0] == "Failed"
    assert "is not run: signature-missing" in said["other"][1]


def endpoint_of(root: Path, name: str, spoil: bool) -> tuple[str, str]:
    """What becomes of an endpoint of the project's package, or of one with a byte more."""
    address = read_address(root / ".fogbank/cloud")
    assert address is not None
    clients = LocalClients(address.url)
    s3, sagemaker = clients("s3", "us-east-1"), clients("sagemaker", "us-east-1")
    data = (root / ".fogbank/package/model.tar.gz").read_bytes() + b"x" * spoil
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="m.tar.gz", Body=data)
    container = {"Image": "i", "ModelDataUrl": f"s3://{name}/m.tar.gz"}
    sagemaker.create_model(
        ModelName=name, ExecutionRoleArn="arn:aws:iam::123456789012:role/r", PrimaryContainer=container
    )
    variant = {
        "VariantName": "v",
        "ModelName": name,
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
        "InitialVariantWeight": 1,
    }
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    told = until_answer(
        lambda: sagemaker.describe_endpoint(EndpointName=name), lambda now: now["EndpointStatus"] != "Creating", 120
    )
    return told["EndpointStatus"], told.get("FailureReason", "")


def test_an_audit_asks_about_what_is_locked_and_says_where_it_cannot(tmp_path: Path, fogbank: Fogbank) -> None:
    root = small_project(tmp_path / "churn").root
    with osv() as (url, state):
        clean = fogbank(root, "audit", FOGBANK_OSV_URL=url)
        asked = {query["package"]["name"]: query["version"] for query in state.asked}
        state.known = {("numpy", asked["numpy"]): ["PYSEC-0"]}
        state.documents = {"PYSEC-0": {"id": "PYSEC-0", "summary": "something"}}
        found = fogbank(root, "audit", "--json", FOGBANK_OSV_URL=url)
    away = fogbank(root, "audit", FOGBANK_OSV_URL="http://127.0.0.1:9")

    assert ok(clean) == "ok"
    assert asked.keys() >= {"scikit-learn", "numpy", "joblib", "scipy", "uvloop"}
    assert found.returncode == 8
    assert [item["id"] for item in json.loads(found.stdout)["vulnerabilities"]] == ["PYSEC-0"]
    assert (away.returncode, "error osv-unreachable: " in away.stderr) == (3, True)
