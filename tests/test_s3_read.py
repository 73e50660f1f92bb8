"""Reading an object that has no checksum: its ETag is one, where it is an MD5."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from fault_s3 import OWNER, Fault, FaultS3, Object, etag_of, serve_faults

from pipeline.aws import Aws
from pipeline.s3.read import BodyBroken, ObjectRead, md5_of

AWS, OTHER = "https://s3.eu-west-1.amazonaws.com", "https://s3.example.com:9000"
ETAG = '"9e107d9d372bb6826bd81d3542a419d6"'
DATA = b"Water is boiled in it, and then it is kept warm for green tea."


@pytest.mark.parametrize(
    ("answer", "endpoint", "bucket", "is_md5"),
    [
        ({}, AWS, "tea", True),
        ({"ServerSideEncryption": "AES256"}, AWS, "tea", True),
        ({"ServerSideEncryption": "aws:kms"}, AWS, "tea", False),
        ({"ServerSideEncryption": "aws:kms:dsse"}, AWS, "tea", False),
        ({"SSECustomerAlgorithm": "AES256"}, AWS, "tea", False),
        ({"ETag": ETAG[:-1] + '-3"'}, AWS, "tea", False),
        ({}, AWS, "tea--euw1-az1--x-s3", False),
        ({}, OTHER, "tea", True),
        ({"ServerSideEncryption": "AES256"}, OTHER, "tea", False),
        ({"ETag": '"CAE=opaque"'}, OTHER, "tea", False),
    ],
)
def test_which_etags_are_digests(
    answer: dict[str, str], endpoint: str, bucket: str, is_md5: bool
) -> None:
    """Those of objects that were put whole, and of S3 if anything is encrypted."""
    found = md5_of({"ETag": ETAG} | answer, bucket, endpoint)
    assert found == (ETAG.strip('"') if is_md5 else None)


@pytest.fixture(scope="module")
def server() -> Iterator[FaultS3]:
    """A server that fails as it is told."""
    with serve_faults() as served:
        yield served


@pytest.fixture
def aws(server: FaultS3) -> Aws:
    """How it is reached."""
    return Aws(region="us-east-1", endpoint_url=server.url, bucket_owner=OWNER, give_up_after=30)


def read(aws: Aws) -> bytes:
    """The body of the one object."""
    file = io.BytesIO()
    ObjectRead(aws, aws.client(), "tea", "a.txt", None).into(file)
    return file.getvalue()


def spoiled(server: FaultS3, fault: Fault, etag: str | None = None) -> Any:
    """The bucket with one object that has no checksum, and a fault to come."""
    bucket = server.bucket("tea")
    bucket.objects = {"a.txt": Object(DATA, etag or etag_of(DATA), {})}
    bucket.asked.clear()
    bucket.fault, bucket.struck = fault, 0
    return bucket


def test_a_wrong_byte_is_read_again(server: FaultS3, aws: Aws) -> None:
    """Once it heals, for good it is an error that says what may be done."""
    bucket = spoiled(server, Fault("flipped", 1, persistent=False))
    assert read(aws) == DATA
    assert bucket.struck == 1
    spoiled(server, Fault("flipped", 1, persistent=True))
    with pytest.raises(BodyBroken, match="md5_etags: false"):
        read(replace(aws, give_up_after=0.2))


def test_a_body_that_breaks_off_is_held_against_it_too(server: FaultS3, aws: Aws) -> None:
    """Both parts together."""
    bucket = spoiled(server, Fault("truncated", 1, persistent=False))
    assert read(aws) == DATA
    assert bucket.struck == 1


def test_an_opaque_etag_is_no_digest(server: FaultS3, aws: Aws) -> None:
    """Of a server that is said to have such ones."""
    spoiled(server, Fault("flipped", 99, persistent=False), etag=ETAG)
    with pytest.raises(BodyBroken, match="md5_etags"):
        read(replace(aws, give_up_after=0.2))
    assert read(replace(aws, md5_etags=False)) == DATA
