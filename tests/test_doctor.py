"""`doctor`: each check against a real S3 server, good and bad, and what needs no network."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from recorder import Recorder, record_s3
from small_run import RECIPE, ROLE, write_recipe

from pipeline.bedrock import doctor
from pipeline.bedrock.doctor import Check, key_check, object_checks, vpc_checks
from pipeline.bedrock.doctor_buckets import Bucket, bucket_checks
from pipeline.commands import doctor as command
from pipeline.commands.doctor import examine, exit_code, told_checks
from pipeline.errors import RecipeError

HERE = "sen-tea-doctor"
OWNER, REGION = "111122223333", "us-east-1"
TEXT = RECIPE.replace("sen-tea-data", HERE) + f"aws: {{region: {REGION}}}\n"


@pytest.fixture(scope="module")
def s3(s3_endpoint: str) -> Iterator[Any]:
    client = boto3.client("s3", endpoint_url=s3_endpoint)
    client.create_bucket(Bucket=HERE)
    yield client
    for item in client.list_objects_v2(Bucket=HERE).get("Contents", []):
        client.delete_object(Bucket=HERE, Key=item["Key"])
    client.delete_bucket(Bucket=HERE)
    client.close()


@pytest.fixture(scope="module")
def wire(s3_endpoint: str) -> Iterator[Recorder]:
    with record_s3(s3_endpoint) as recorder:
        yield recorder


@pytest.fixture
def client(s3: Any, wire: Recorder) -> Iterator[Any]:
    """Through the recorder, which holds the bucket's owner."""
    client = boto3.client("s3", endpoint_url=wire.url)
    yield client
    wire.refuse = lambda method, key, query: False
    client.close()


def statuses(checks: Any) -> dict[str, str]:
    return {check.name: check.status for check in checks}


def of(checks: Any, name: str) -> Check:
    [found] = [check for check in checks if check.name == name]
    return found


def bucket(**more: Any) -> Bucket:
    return Bucket(**({"name": HERE, "label": "b", "region": REGION, "owner": OWNER} | more))


def test_a_bucket_in_order_passes(s3: Any, client: Any) -> None:
    """All four blocks, encryption, TLS: no check is worse than ok."""
    blocks = dict.fromkeys(
        ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
    )
    s3.put_public_access_block(Bucket=HERE, PublicAccessBlockConfiguration=blocks)
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}
    s3.put_bucket_encryption(Bucket=HERE, ServerSideEncryptionConfiguration={"Rules": [rule]})
    deny = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [f"arn:aws:s3:::{HERE}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": False}},
    }
    policy = {"Version": "2012-10-17", "Statement": [deny]}
    s3.put_bucket_policy(Bucket=HERE, Policy=json.dumps(policy))
    try:
        found = statuses(bucket_checks(client, bucket()))
    finally:
        s3.delete_bucket_policy(Bucket=HERE)
        s3.delete_public_access_block(Bucket=HERE)
        s3.delete_bucket_encryption(Bucket=HERE)
    names = ("bucket", "Region", "public access", "encryption", "TLS")
    assert found == {f"b: {name}": "ok" for name in names}


def test_an_open_bucket_is_warned_of(s3: Any, client: Any) -> None:
    """Each warning names the command or the document that mends it."""
    found = list(bucket_checks(client, bucket()))
    opened = of(found, "b: public access")
    assert opened.status == "warning"
    assert f"put-public-access-block --bucket {HERE}" in str(opened.remedy)
    assert of(found, "b: TLS").status == "warning"
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:PutBucketAcl"}
    statement = deny | {"Resource": f"arn:aws:s3:::{HERE}"}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    s3.put_bucket_policy(Bucket=HERE, Policy=json.dumps(policy))
    try:
        other = of(list(bucket_checks(client, bucket())), "b: TLS")
    finally:
        s3.delete_bucket_policy(Bucket=HERE)
    assert (other.status, "does not deny" in other.message) == ("warning", True)
    s3.put_public_access_block(
        Bucket=HERE, PublicAccessBlockConfiguration={"BlockPublicAcls": True}
    )
    message = of(list(bucket_checks(client, bucket())), "b: public access").message
    assert message == "not set: IgnorePublicAcls, BlockPublicPolicy, RestrictPublicBuckets"
    s3.delete_public_access_block(Bucket=HERE)


def test_a_bucket_that_is_missing_foreign_or_far_fails(client: Any) -> None:
    """And nothing more is asked of it."""
    [missing] = bucket_checks(client, bucket(name="sen-tea-nowhere"))
    assert (missing.status, missing.message) == ("failed", "sen-tea-nowhere does not exist")
    [foreign] = bucket_checks(client, bucket(owner="999988887777"))
    assert foreign.status == "failed" and "does not belong to 999988887777" in foreign.message
    far = of(list(bucket_checks(client, bucket(region="us-west-2"))), "b: Region")
    assert far.status == "failed" and "use a bucket in us-west-2" in str(far.remedy)


def test_settings_that_may_not_be_read_are_skipped(client: Any, wire: Recorder) -> None:
    """A job does not need those rights, so their lack is no failure."""
    wire.refuse = lambda method, key, query: bool(
        query.keys() & {"publicAccessBlock", "encryption", "policy"}
    )
    found = statuses(bucket_checks(client, bucket()))
    assert {found[f"b: {name}"] for name in ("public access", "encryption", "TLS")} == {"skipped"}
    assert found["b: bucket"] == "ok"


def test_media_are_asked_for_one_by_one(
    s3: Any, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is lost is named; what was not asked for is said."""
    s3.put_object(Bucket=HERE, Key="images/a b.png", Body=b"png")
    found = list(object_checks(client, [(HERE, "images/a b.png"), (HERE, "images/lost.png")]))
    assert [(check.status, check.message) for check in found] == [
        ("failed", f"s3://{HERE}/images/lost.png: 404"),
        ("ok", "1 media objects are there"),
    ]
    monkeypatch.setattr(doctor, "MOST_HEADED", 1)
    found = list(object_checks(client, [(HERE, "images/a b.png")] * 3))
    assert [check.status for check in found] == ["ok", "skipped"]
    assert "2 more media objects" in found[1].message
    assert list(object_checks(client, [])) == []


@pytest.mark.parametrize(
    ("key", "status"),
    [
        (f"arn:aws:kms:{REGION}:{OWNER}:key/11111111-2222-3333-4444-555555555555", "ok"),
        (f"arn:aws:kms:{REGION}:{OWNER}:alias/tea", "ok"),
        (f"arn:aws:kms:eu-west-1:{OWNER}:key/11111111-2222-3333-4444-555555555555", "failed"),
        ("alias/tea", "warning"),
        ("11111111-2222-3333-4444-555555555555", "warning"),
        ("mrk-1234567890abcdef1234567890abcdef", "warning"),
        ("tea", "failed"),
        (f"arn:aws:s3:::{HERE}", "failed"),
    ],
)
def test_a_key_is_known_by_its_form(key: str, status: str) -> None:
    assert key_check("k", key, REGION).status == status


@pytest.fixture
def ec2(s3_endpoint: str) -> Iterator[Any]:
    client = boto3.client("ec2", endpoint_url=s3_endpoint)
    yield client
    client.close()


def test_a_vpc_needs_subnets_and_endpoints(ec2: Any) -> None:
    """One zone and no endpoint are warned of; several VPCs and lost subnets fail."""
    vpc, other = (ec2.create_vpc(CidrBlock=f"10.{n}.0.0/16")["Vpc"]["VpcId"] for n in (1, 2))
    subnets = [
        ec2.create_subnet(VpcId=home, CidrBlock=block, AvailabilityZone=zone)["Subnet"]["SubnetId"]
        for home, block, zone in (
            (vpc, "10.1.1.0/24", "us-east-1a"),
            (vpc, "10.1.2.0/24", "us-east-1b"),
            (other, "10.2.1.0/24", "us-east-1a"),
        )
    ]
    one = statuses(vpc_checks(ec2, subnets[:1], REGION))
    assert set(one.values()) == {"warning"}
    for service, kind in (("s3", "Gateway"), ("bedrock", "Interface")):
        name = f"com.amazonaws.{REGION}.{service}"
        ec2.create_vpc_endpoint(VpcId=vpc, ServiceName=name, VpcEndpointType=kind)
    both = statuses(vpc_checks(ec2, subnets[:2], REGION))
    assert set(both.values()) == {"ok"} and len(both) == 3
    apart = of(list(vpc_checks(ec2, subnets, REGION)), "job.vpc: subnets")
    assert apart.status == "failed" and "several VPCs" in apart.message
    [lost] = vpc_checks(ec2, ["subnet-0123456789abcdef0"], REGION)
    assert lost.status == "failed" and "subnet-0123456789abcdef0" in lost.message


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    return write_recipe(tmp_path, TEXT)


def test_offline_asks_nobody(recipe: Path, wire: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Card, Region, request, owner and local sources are checked all the same."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", wire.url)
    wire.calls.clear()
    found = examine(recipe, offline=True)
    assert wire.calls == []
    assert statuses(found) == {
        "recipe": "ok",
        "targets.assistant": "ok",
        "targets.assistant: Region": "ok",
        "targets.assistant: job": "ok",
        "targets.plain": "ok",
        "publish.expected_bucket_owner": "ok",
        "sources[0]": "ok",
        "AWS": "skipped",
    }
    assert exit_code(found) == 0


@pytest.mark.parametrize(
    ("change", "name", "status"),
    [
        ("aws.region=eu-west-1", "targets.assistant: Region", "failed"),
        ("sources=[{path: lost.jsonl}]", "sources[0]", "failed"),
        ("publish.kms_key_id=no-key", "publish.kms_key_id", "failed"),
        ("job.kms_key_id=alias/tea", "targets.assistant: job.kms_key_id", "warning"),
        ("publish.expected_bucket_owner=null", "publish.expected_bucket_owner", "warning"),
        (
            f"job.role_arn={ROLE.replace(OWNER, '999988887777')}",
            "publish.expected_bucket_owner",
            "warning",
        ),
        ("job=null", "targets.assistant: job", "skipped"),
        (
            "targets.assistant={model: titan-text-express, allow_legacy: true}",
            "targets.assistant",
            "warning",
        ),
    ],
)
def test_what_needs_no_network_is_found_without(
    recipe: Path, change: str, name: str, status: str
) -> None:
    """One fault each; the exit code is 4 only for what failed."""
    found = examine(recipe, [change], offline=True)
    assert of(found, name).status == status
    assert exit_code(found) == (4 if status == "failed" else 0)
    if status in {"failed", "warning"}:
        assert of(found, name).remedy and str(of(found, name).remedy) in told_checks(found)


def test_a_recipe_that_does_not_hold_is_no_check(recipe: Path) -> None:
    """Exit code 2, as for every command."""
    with pytest.raises(RecipeError, match="no such format"):
        examine(recipe, ["targets.assistant={format: jsonlines}"], offline=True)
    for change in ("job.role_arn=BedrockRole", "job.output_uri=s3://bad_bucket/x"):
        with pytest.raises(RecipeError, match=change.split("=")[0]):
            examine(recipe, [change], offline=True)


@pytest.mark.usefixtures("s3")
def test_a_recipe_is_examined_whole(
    recipe: Path, wire: Recorder, monkeypatch: pytest.MonkeyPatch, s3: Any
) -> None:
    """Buckets, sources in S3 and media that records name, all over the wire."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", wire.url)
    s3.put_object(Bucket=HERE, Key="raw/a.jsonl", Body=b"{}")
    image = {"image": {"source": {"s3Location": {"uri": f"s3://{HERE}/images/gone.png"}}}}
    (recipe.parent / "chats.jsonl").write_text(json.dumps(image) + "\n")
    paths = ["chats.jsonl", f"s3://{HERE}/raw/*.jsonl", f"s3://{HERE}/nothing/"]
    sources = ", ".join(f'{{path: "{path}"}}' for path in paths)
    found = examine(recipe, [f"sources=[{sources}]", f"job.output_uri=s3://{HERE}/models"])
    told = statuses(found)
    assert told["publish.uri: bucket"] == "ok"
    assert told["sources[1]: listing"] == "ok"
    assert told["sources[2]: listing"] == "failed"
    assert of(found, "s3Location").message == f"s3://{HERE}/images/gone.png: 404"
    assert "job.output_uri: bucket" not in told  # the same bucket is looked at once
    assert exit_code(found) == 4
    assert [check.as_json()["name"] for check in found] == [check.name for check in found]


@pytest.mark.usefixtures("s3")
def test_the_bucket_of_a_state_is_looked_at(
    recipe: Path, wire: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of its own; the data's is looked at in any case. No job reads it, from any Region."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", wire.url)
    told = statuses(examine(recipe, state="s3://sen-tea-nowhere/state"))
    assert told["--state: bucket"] == "failed"
    told = statuses(examine(recipe, state=f"s3://{HERE}/state"))
    assert not [name for name in told if name.startswith("--state")]


def test_missing_credentials_are_a_failed_check(
    recipe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not a crash, and not the recipe's fault."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    found = examine(recipe)
    assert "Unable to locate credentials" in of(found, "publish.uri: bucket").message
    assert exit_code(found) == 4
    found = examine(recipe, ["aws.profile=nobody"])
    assert "nobody" in of(found, "AWS").message


def test_checks_come_one_by_one_and_do_not_wait_for_minutes(
    recipe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What needs no network is there before S3 is asked, which is not waited for as in a run."""
    seen: list[Any] = []

    class Asked(command.Aws):
        def client(self) -> Any:
            seen.append(self)
            return super().client()

    monkeypatch.setattr(command, "Aws", Asked)
    checks = command.each_check(recipe)
    assert next(checks).name == "recipe" and not seen
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    monkeypatch.setattr(command, "PATIENCE", 0.1)
    rest = list(checks)
    assert of(rest, "publish.uri: bucket").status == "failed"
    assert rest[-1].message == "S3 did not answer: nothing more was asked"
    assert (seen[0].give_up_after, seen[0].stall_after) == (0.1, 0.05)


def test_a_missing_source_bucket_is_not_a_lack_of_rights(client: Any) -> None:
    missing = doctor.source_check(client, "sources[0]", "sen-tea-nowhere", "x/")
    assert (missing.status, missing.remedy) == ("failed", "check the bucket's name in the recipe")


def test_a_vpc_answer_that_is_not_ec2s_is_a_failed_check() -> None:
    class Proxy:
        def describe_subnets(self, **_: Any) -> dict[str, Any]:
            return {}

    [check] = vpc_checks(Proxy(), ["subnet-1"], REGION)
    assert (check.status, check.remedy) == ("failed", "check endpoint and proxies")
