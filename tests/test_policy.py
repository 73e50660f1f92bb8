"""The printed policies: all that the product does is allowed by them, and nothing beside."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest
from fake_bedrock import serve_bedrock
from hypothesis import example, given
from hypothesis import strategies as st
from iam import OWNER, REGION, Need, allowed, bedrock_needs, key_need, need, s3_needs
from recorder import Recorder, record_s3
from small_run import ROLE, change_manifest, copy_run, relist, run_folder

from pipeline.bedrock.access import Access, Asked, JobAccess, Key, Location
from pipeline.bedrock.policy import policies
from pipeline.commands.doctor import examine
from pipeline.commands.policy import recipe_policies
from pipeline.commands.publish import publish_run
from pipeline.commands.submit import Connection, follow, plan_job, submit_plan
from pipeline.errors import RecipeError, StorageError
from pipeline.globs import whole
from pipeline.named_media import media_folders
from pipeline.s3.sources import wanted
from pipeline.state import State
from pipeline.storage import Aws, list_sources, pin

RAW, BUCKET = "sen-tea-raw", "sen-tea-policy"
BASE = f"s3://{BUCKET}/tea"
STATE = f"s3://{BUCKET}/tea-state"
KEY = f"arn:aws:kms:{REGION}:{OWNER}:key/11111111-2222-3333-4444-555555555555"
MODEL_KEY = f"arn:aws:kms:{REGION}:{OWNER}:key/66666666-2222-3333-4444-555555555555"

RECIPE = f"""\
name: small
sources:
  - {{path: "s3://{RAW}/pairs/", reader: jsonl}}
  - {{path: "s3://{RAW}/more/2026-*.jsonl", reader: jsonl}}
  - {{path: "s3://{RAW}/one.jsonl"}}
targets:
  assistant: {{model: nova-lite}}
publish: {{uri: "{BASE}", expected_bucket_owner: "{OWNER}", kms_key_id: "{KEY}"}}
job:
  role_arn: {ROLE}
  output_uri: s3://{BUCKET}/models
  kms_key_id: {MODEL_KEY}
  tags: {{team: tea}}
  vpc: {{subnet_ids: [subnet-1, subnet-2], security_group_ids: [sg-1]}}
aws: {{region: {REGION}}}
"""


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("policy") / "recipe.yaml"
    path.write_text(RECIPE)
    return path


@pytest.fixture(scope="module")
def told(recipe: Path) -> dict[str, Any]:
    return recipe_policies(recipe, state=STATE)


@pytest.fixture(scope="module")
def wire(s3_endpoint: str) -> Iterator[Recorder]:
    """An S3 with the raw data, before which everything is recorded."""
    client = boto3.client("s3", endpoint_url=s3_endpoint)
    for bucket in (RAW, BUCKET):
        client.create_bucket(Bucket=bucket)
    for key in ("pairs/a.jsonl", "pairs/b/c.jsonl", "more/2026-01.jsonl", "one.jsonl"):
        client.put_object(Bucket=RAW, Key=key, Body=b"{}\n")
    with pytest.MonkeyPatch.context() as patch, record_s3(s3_endpoint) as recorder:
        patch.setenv("AWS_ENDPOINT_URL_S3", recorder.url)
        patch.setenv("AWS_ENDPOINT_URL", s3_endpoint)  # EC2 for `doctor`
        yield recorder
    for bucket in (RAW, BUCKET):
        for item in client.list_objects_v2(Bucket=bucket).get("Contents", []):
            client.delete_object(Bucket=bucket, Key=item["Key"])
        client.delete_bucket(Bucket=bucket)
    client.close()


def sealed_run(folder: Path) -> Path:
    """The small run, as this recipe would have made it: with keys and tags."""
    output = copy_run(folder)
    job = run_folder(output) / "assistant/job.json"
    request = json.loads(job.read_text().replace("sen-tea-data", BUCKET))
    tags = [{"key": "team", "value": "tea"}]
    request |= {"customModelKmsKeyId": MODEL_KEY, "jobTags": tags, "customModelTags": tags}
    job.write_text(json.dumps(request))
    publish = {"uri": BASE, "kms_key_id": KEY, "expected_bucket_owner": OWNER}
    manifest = json.loads((run_folder(output) / "manifest.json").read_bytes())
    change_manifest(output, recipe=manifest["recipe"] | {"publish": publish})
    relist(output)
    return output


def keep_states(folder: Path, wire: Recorder) -> None:
    """Two states, of which the second removes what only the first one named; one is cut off."""
    aws = Aws(bucket_owner=OWNER, kms_key_id=KEY)
    for run, size in (("a" * 20, 9 << 20), ("b" * 20, 9)):
        work = folder / run
        made = work / run / "pass-00/00000.json"
        made.parent.mkdir(parents=True)
        made.write_text(json.dumps({"made_of": "", "files": {"00000-0000.kept.arrow": ""}}))
        made.with_name("00000-0000.kept.arrow").write_bytes(b"x" * size)
        wire.refuse = lambda method, key, query, size=size: (
            size > 9 and query.get("partNumber") == "2"  # type: ignore[misc]
        )
        for _ in range(2):
            state = State(STATE, BASE, aws, work, print)
            state.look(full=False)
            state.take_over("")
            state.save(run)
            wire.refuse = lambda method, key, query: False


@pytest.fixture(scope="module")
def needs(wire: Recorder, s3_endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> list[Need]:
    """What reading the sources, publish (also one that is cut off), submit and status needed."""
    wire.calls.clear()
    folder = tmp_path_factory.mktemp("run")
    for path in ("pairs/", "more/2026-*.jsonl", "one.jsonl"):
        for listed in list_sources(f"s3://{RAW}/{path}", folder, Aws()):
            pin(listed, folder, Aws())
    output = sealed_run(folder)
    large = run_folder(output) / "assistant/large.bin"
    large.write_bytes(b"x" * (9 << 20))  # over boto3's threshold of multipart uploads
    relist(output)
    wire.refuse = lambda method, key, query: query.get("partNumber") == "2"
    with pytest.raises(StorageError, match=r"AccessDenied|access denied"):
        publish_run(str(output), BASE)
    wire.refuse = lambda method, key, query: False
    publish_run(str(output), BASE)
    keep_states(folder, wire)
    with serve_bedrock(boto3.client("s3", endpoint_url=s3_endpoint)) as fake:
        connection = Connection(endpoint_url=fake.url)
        job = submit_plan(plan_job(str(output), None, connection, False), connection)
        follow(job.job_arn, connection, False, print, 1)
        found = [one for call in fake.calls for one in bedrock_needs(*call)]
    return [one for call in wire.calls for one in s3_needs(call)] + found


def test_every_call_of_the_product_is_allowed(told: dict[str, Any], needs: list[Need]) -> None:
    """Reading, publishing with a key, an upload that is cut off, the job, its status."""
    assert len(needs) > 40
    assert [one for one in needs if not allowed(told["pipeline_role"], one)] == []


def test_each_action_is_needed(told: dict[str, Any], needs: list[Need]) -> None:
    """Take any one action out of any one statement: calls of just that action fail."""
    for at, statement in enumerate(told["pipeline_role"]["Statement"]):
        for action in statement["Action"]:
            less = copy.deepcopy(told["pipeline_role"])
            less["Statement"][at]["Action"].remove(action)
            broken = {one.action for one in needs if not allowed(less, one)}
            assert broken == {action}, (statement["Sid"], action)


def test_each_resource_is_needed(told: dict[str, Any], needs: list[Need]) -> None:
    """But the base model's id without its suffix, and an object's name taken for a folder's."""
    spare = {
        f"arn:aws:bedrock:{REGION}::foundation-model/amazon.nova-lite-v1:0",
        f"arn:aws:s3:::{RAW}/one.jsonl/*",
    }
    for at, statement in enumerate(told["pipeline_role"]["Statement"]):
        for arn in set(statement["Resource"]) - spare:
            less = copy.deepcopy(told["pipeline_role"])
            less["Statement"][at]["Resource"].remove(arn)
            assert not all(allowed(less, one) for one in needs), (statement["Sid"], arn)


STRANGE = [
    need("s3:ListBucket", f"arn:aws:s3:::{RAW}", s3__prefix=""),
    need("s3:ListBucket", f"arn:aws:s3:::{RAW}", s3__prefix="secret/"),
    need("s3:ListBucket", f"arn:aws:s3:::{BUCKET}", s3__prefix="other/"),
    need("s3:GetObject", f"arn:aws:s3:::{RAW}/secret/a.jsonl"),
    need("s3:GetObject", f"arn:aws:s3:::{RAW}/one.jsonl.bak"),
    need("s3:GetObject", f"arn:aws:s3:::{BUCKET}/models/weights"),
    need("s3:PutObject", f"arn:aws:s3:::{RAW}/pairs/a.jsonl"),
    need("s3:PutObject", f"arn:aws:s3:::{BUCKET}/teapot/a.jsonl"),
    need("s3:DeleteObject", f"arn:aws:s3:::{BUCKET}/tea/LATEST"),
    need("s3:DeleteObject", f"arn:aws:s3:::{BUCKET}/tea/runs/0/manifest.json"),
    need("s3:GetObject", f"arn:aws:s3:::{BUCKET}/tea-states/state.json"),
    need("s3:PutObject", f"arn:aws:s3:::{BUCKET}/tea/LATEST", aws__ResourceAccount="999988887777"),
    need("iam:PassRole", ROLE, iam__PassedToService="lambda.amazonaws.com"),
    need("iam:PassRole", ROLE + "2", iam__PassedToService="bedrock.amazonaws.com"),
    need(
        "bedrock:CreateModelCustomizationJob",
        f"arn:aws:bedrock:{REGION}::foundation-model/amazon.nova-pro-v1:0:300k",
    ),
    need(
        "bedrock:CreateModelCustomizationJob",
        f"arn:aws:bedrock:eu-west-1:{OWNER}:custom-model/x",
    ),
    key_need("kms:Decrypt", KEY, "lambda"),
    key_need("kms:CreateGrant", KEY, "s3"),
    key_need("kms:Decrypt", KEY.replace("1111-", "2222-"), "s3"),
]


@pytest.mark.parametrize("asked", STRANGE, ids=lambda one: f"{one.action} {one.resource[-24:]}")
def test_nothing_beside_is_allowed(told: dict[str, Any], asked: Need) -> None:
    """Other prefixes, buckets, accounts, roles, services, models, Regions, keys."""
    assert not allowed(told["pipeline_role"], asked)


def documents(told: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from (told["pipeline_role"], told["preflight_role"])
    for role in told["bedrock_roles"].values():
        yield from (role["trust"], role["permissions"])
    yield from told["bucket_policies"].values()


def test_no_wildcard_stands_for_everything(told: dict[str, Any]) -> None:
    """`*` is a resource only where EC2 knows no other, under a condition; never an action."""
    for document in documents(told):
        sids = [statement["Sid"] for statement in document["Statement"]]
        assert len(sids) == len(set(sids))
        for statement in document["Statement"]:
            if "*" in statement.get("Resource", []):
                assert statement["Sid"].endswith("KnowsNoResource")
                assert all(action.startswith("ec2:De") for action in statement["Action"])
                assert statement["Condition"]
            for arn in statement.get("Resource", []):
                assert arn == "*" or arn.count(":") >= 5
                assert "*" not in arn.split("/")[0] or arn == "*"
            if statement["Effect"] == "Allow":
                assert not any("*" in action for action in statement["Action"])


def test_doctor_needs_only_the_two_roles(
    told: dict[str, Any], recipe: Path, wire: Recorder
) -> None:
    """Each of its calls is allowed, and each bucket setting of preflight_role is asked for."""
    wire.calls.clear()
    examine(recipe)
    both = {
        "Statement": [*told["pipeline_role"]["Statement"], *told["preflight_role"]["Statement"]]
    }
    asked = [one for call in wire.calls for one in s3_needs(call)]
    assert [one for one in asked if not allowed(both, one)] == []
    given_actions = set(told["preflight_role"]["Statement"][0]["Action"])
    assert given_actions <= {one.action for one in asked}


def role(told: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = told["bedrock_roles"][ROLE]["permissions"]
    return found


def interface(action: str, resource: str, **context: Any) -> Need:
    return need(action, f"arn:aws:ec2:{REGION}:{OWNER}:{resource}", **context)


JOB = f"arn:aws:bedrock:{REGION}:{OWNER}:model-customization-job/amazon.nova-lite-v1:0:300k/ab"
TAGGED = {"aws:RequestTag/BedrockManaged": "true"}
TAG_OF_JOB = {"aws:RequestTag/BedrockModelCustomizationJobArn": JOB}


def with_context(asked: Need, context: dict[str, Any]) -> Need:
    return replace(asked, context=(*asked.context, *context.items()))


JOB_NEEDS = [
    need("s3:GetObject", f"arn:aws:s3:::{BUCKET}/tea/runs/0/assistant/train.jsonl"),
    need("s3:GetObject", f"arn:aws:s3:::{BUCKET}/tea/runs/0/assistant/images/a.png"),
    need("s3:ListBucket", f"arn:aws:s3:::{BUCKET}", s3__prefix="tea/runs/0/assistant/train.jsonl"),
    need("s3:PutObject", f"arn:aws:s3:::{BUCKET}/models/.write_access_check_file.tmp"),
    need("s3:ListBucket", f"arn:aws:s3:::{BUCKET}", s3__prefix="models/"),
    key_need("kms:Decrypt", KEY, "s3"),
    key_need("kms:GenerateDataKey", KEY, "s3"),
    key_need("kms:CreateGrant", MODEL_KEY, "bedrock"),
    need("ec2:DescribeSubnets", "*", aws__RequestedRegion=REGION),
    with_context(
        interface("ec2:CreateNetworkInterface", "network-interface/eni-1"), TAGGED | TAG_OF_JOB
    ),
    interface("ec2:CreateNetworkInterface", "subnet/subnet-2"),
    interface("ec2:CreateNetworkInterface", "security-group/sg-1"),
    with_context(
        interface("ec2:DeleteNetworkInterface", "network-interface/eni-1"),
        {
            "ec2:Subnet": f"arn:aws:ec2:{REGION}:{OWNER}:subnet/subnet-1",
            "ec2:ResourceTag/BedrockManaged": "true",
            "ec2:ResourceTag/BedrockModelCustomizationJobArn": JOB,
        },
    ),
    with_context(
        interface("ec2:CreateTags", "network-interface/eni-1"),
        {"ec2:CreateAction": "CreateNetworkInterface", "aws:TagKeys": ["BedrockManaged"]},
    ),
]


@pytest.mark.parametrize("asked", JOB_NEEDS, ids=lambda one: f"{one.action} {one.resource[-24:]}")
def test_the_service_role_may_do_what_a_job_does(told: dict[str, Any], asked: Need) -> None:
    """As AWS documents it for data, output, keys and VPC."""
    assert allowed(role(told), asked)


JOB_STRANGE = [
    need("s3:GetObject", f"arn:aws:s3:::{BUCKET}/tea-state/state.json"),
    need("s3:GetObject", f"arn:aws:s3:::{BUCKET}/tea-state/objects/0"),
    need("s3:GetObject", f"arn:aws:s3:::{BUCKET}/tea/LATEST"),
    need("s3:PutObject", f"arn:aws:s3:::{BUCKET}/tea/runs/0/assistant/train.jsonl"),
    need("s3:GetObject", f"arn:aws:s3:::{RAW}/pairs/a.jsonl"),
    need("s3:ListBucket", f"arn:aws:s3:::{BUCKET}"),
    interface("ec2:CreateNetworkInterface", "subnet/subnet-3"),
    interface("ec2:CreateNetworkInterface", "network-interface/eni-1"),
    interface("ec2:DeleteNetworkInterface", "network-interface/eni-1"),
    need("ec2:DescribeSubnets", "*", aws__RequestedRegion="eu-west-1"),
    need("lambda:InvokeFunction", f"arn:aws:lambda:{REGION}:{OWNER}:function:any"),
]


@pytest.mark.parametrize("asked", JOB_STRANGE, ids=lambda one: f"{one.action} {one.resource[-24:]}")
def test_the_service_role_may_do_nothing_beside(told: dict[str, Any], asked: Need) -> None:
    assert not allowed(role(told), asked)


def test_only_bedrock_takes_the_role_on_and_for_our_jobs(told: dict[str, Any]) -> None:
    """The confused deputy: another account's job, or another kind of job."""
    trust = told["bedrock_roles"][ROLE]["trust"]
    assert trust["Statement"][0]["Principal"] == {"Service": "bedrock.amazonaws.com"}
    ours = need("sts:AssumeRole", ROLE, aws__SourceAccount=OWNER, aws__SourceArn=JOB)
    assert allowed(trust, ours)
    for name, value in {
        "aws__SourceAccount": "999988887777",
        "aws__SourceArn": JOB.replace("customization-job", "import-job"),
    }.items():
        given_context = {"aws__SourceAccount": OWNER, "aws__SourceArn": JOB} | {name: value}
        assert not allowed(trust, need("sts:AssumeRole", ROLE, **given_context))


def test_a_bucket_denies_what_comes_without_tls(told: dict[str, Any], recipe: Path) -> None:
    policy = told["bucket_policies"][BUCKET]
    deny = policy["Statement"][0]
    assert (deny["Effect"], deny["Principal"]) == ("Deny", "*")
    plain = need("s3:GetObject", f"arn:aws:s3:::{BUCKET}/x", aws__SecureTransport="false")
    opened = {"Statement": [deny, {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
    assert not allowed(opened, plain)
    assert allowed(opened, need("s3:GetObject", f"arn:aws:s3:::{BUCKET}/x"))


def test_an_endpoint_may_be_the_only_way_in(recipe: Path) -> None:
    """A job in the VPC comes through it; the role of one outside is exempt."""
    within = recipe_policies(recipe, source_vpce="vpce-1")["bucket_policies"][BUCKET]
    outside = recipe_policies(recipe, ["job.vpc=null"], source_vpce="vpce-1")
    statements = [within["Statement"][1], outside["bucket_policies"][BUCKET]["Statement"][1]]
    anything = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    train = f"arn:aws:s3:::{BUCKET}/tea/runs/0/assistant/train.jsonl"
    asked = [
        need("s3:GetObject", train, aws__SourceVpce="vpce-1", aws__PrincipalArn=ROLE),
        need("s3:GetObject", train, aws__PrincipalArn=ROLE),
        need("s3:GetObject", train, aws__PrincipalArn="arn:aws:iam::111122223333:user/x"),
    ]
    verdicts = [[allowed({"Statement": [s, anything]}, one) for one in asked] for s in statements]
    assert verdicts == [[True, False, False], [True, True, False]]


def test_a_state_in_a_bucket_of_its_own_is_looked_at_and_shut_in(recipe: Path) -> None:
    """Without one, nothing may be deleted; with one elsewhere, its bucket has a policy too."""
    plain = recipe_policies(recipe)["pipeline_role"]
    assert not any("DeleteObject" in str(one["Action"]) for one in plain["Statement"])
    told = recipe_policies(recipe, source_vpce="vpce-1", state="s3://sen-tea-kept/tea/")
    bucket = "arn:aws:s3:::sen-tea-kept"
    role_of = told["pipeline_role"]
    for action in ("GetBucketPolicyStatus", "GetBucketPublicAccessBlock"):
        assert allowed(role_of, need(f"s3:{action}", bucket))
        assert not allowed(plain, need(f"s3:{action}", bucket))
    assert allowed(role_of, need("s3:DeleteObject", f"{bucket}/tea/objects/0"))
    assert not allowed(role_of, need("s3:DeleteObject", f"{bucket}/teapot/objects/0"))
    shut = told["bucket_policies"]["sen-tea-kept"]["Statement"][1]
    assert shut["Resource"] == [f"{bucket}/tea/*"]


ACCESS = Access("aws", OWNER, REGION, Location(BUCKET, "tea"))


def job(**more: Any) -> JobAccess:
    return JobAccess("amazon.nova-lite-v1:0:300k", ROLE, Location(BUCKET, "models"), **more)


def permissions(*jobs: JobAccess) -> dict[str, Any]:
    found: dict[str, Any] = policies(replace(ACCESS, jobs=jobs))["bedrock_roles"]
    return found[jobs[0].role_arn]["permissions"]


def test_a_teacher_behind_an_inference_profile_may_be_asked() -> None:
    """The profile, and its model in the Regions of its geography; a plain teacher needs nothing."""
    ask = "bedrock:InvokeModel"
    profile = f"arn:aws:bedrock:{REGION}:{OWNER}:inference-profile/us.amazon.nova-premier-v1:0"
    model = "foundation-model/amazon.nova-premier-v1:0"
    for teacher in ("us.amazon.nova-premier-v1:0", profile):
        role_of = permissions(job(teacher=teacher))
        assert allowed(role_of, need(ask, profile))
        assert allowed(role_of, need(ask, f"arn:aws:bedrock:us-west-2::{model}"))
        assert not allowed(role_of, need(ask, f"arn:aws:bedrock:eu-west-1::{model}"))
        assert not allowed(role_of, need(ask, f"arn:aws:bedrock:us-west-2::{model}1"))
    plain = permissions(job(teacher="amazon.nova-premier-v1:0"))
    assert not allowed(plain, need(ask, f"arn:aws:bedrock:{REGION}::{model}"))


def test_the_teacher_of_a_recipe_may_be_asked() -> None:
    """By who runs `teach`: the model, or the profile and the models behind it, and no other."""
    ask, arn = "bedrock:InvokeModel", f"arn:aws:bedrock:{REGION}"
    profile = f"{arn}:{OWNER}:inference-profile/us.amazon.nova-pro-v1:0"
    application = f"{arn}:{OWNER}:application-inference-profile/abc"
    own = f"{arn}:{OWNER}:custom-model-deployment/abc"
    plain, anywhere = f"{arn}::foundation-model/amazon.nova-pro-v1:0", "us-west-2::foundation-model"
    for model, called, behind in (
        ("amazon.nova-pro-v1:0", plain, None),
        ("us.amazon.nova-pro-v1:0", profile, f"{anywhere}/amazon.nova-pro-v1:0"),
        (profile, profile, f"{anywhere}/amazon.nova-pro-v1:0"),
        (application, application, f"{anywhere}/amazon.nova-pro-v1:0"),
        (own, own, None),
    ):
        role = policies(replace(ACCESS, teachers=(Asked(model),)))["pipeline_role"]
        assert allowed(role, need(ask, called))
        assert allowed(role, need(ask, f"arn:aws:bedrock:{behind}")) == bool(behind)
        assert not allowed(role, need(ask, called + "1"))
    assert not allowed(policies(ACCESS)["pipeline_role"], need(ask, plain))


def test_a_grader_may_be_called_and_no_other_function() -> None:
    arn = f"arn:aws:lambda:{REGION}:{OWNER}:function:grader"
    role_of = permissions(job(reward_lambda=arn))
    assert allowed(role_of, need("lambda:InvokeFunction", arn))
    assert not allowed(role_of, need("lambda:InvokeFunction", arn + "2"))


def test_a_role_that_serves_two_jobs_has_both_their_rights() -> None:
    """Said once where they are the same, under Sids of their own where they are not."""
    arn = f"arn:aws:lambda:{REGION}:{OWNER}:function:"
    both = permissions(job(reward_lambda=arn + "a"), job(reward_lambda=arn + "b"))
    for name in "ab":
        assert allowed(both, need("lambda:InvokeFunction", arn + name))
    sids = [statement["Sid"] for statement in both["Statement"]]
    assert sids == [
        "ListData",
        "ReadData",
        "ListOutput",
        "WriteOutput",
        "GradeAnswers",
        "GradeAnswers2",
    ]


def test_an_alias_is_held_by_a_condition() -> None:
    """IAM grants nothing on an alias's own ARN."""
    found = policies(replace(ACCESS, data_key=Key("alias/tea")))
    assert any("kms:ResourceAliases" in note for note in found["notes"])
    used = key_need("kms:Decrypt", KEY, "s3")
    assert allowed(found["pipeline_role"], used)
    other = with_context(used, {"kms:ResourceAliases": ["alias/other"]})
    assert not allowed(found["pipeline_role"], other)


def test_a_key_id_is_made_an_arn() -> None:
    found = policies(replace(ACCESS, data_key=Key(KEY.rsplit("/", 1)[1])))
    assert allowed(found["pipeline_role"], key_need("kms:Decrypt", KEY, "s3"))


def test_further_training_starts_from_the_custom_model() -> None:
    arn = f"arn:aws:bedrock:{REGION}:{OWNER}:custom-model/amazon.nova-lite-v1:0:300k/ab"
    [create] = [
        one
        for one in policies(replace(ACCESS, jobs=(job(base_model=arn),)))["pipeline_role"][
            "Statement"
        ]
        if one["Sid"] == "CreateJob"
    ]
    assert arn in create["Resource"] and "foundation-model" not in str(create)


def test_what_must_be_known_is_asked_for(recipe: Path) -> None:
    """All at once; and a role that is none."""
    changes = [
        "publish=null",
        "job=null",
        "aws.region=null",
        "targets.assistant={format: pretraining}",
    ]
    with pytest.raises(RecipeError) as caught:
        recipe_policies(recipe, changes)
    assert [fault.split(":")[0] for fault in caught.value.faults] == [
        "publish.uri",
        "--account",
        "--region",
    ]
    with pytest.raises(RecipeError, match="is not the ARN of an IAM role"):
        recipe_policies(recipe, ["job.role_arn=BedrockCustomization"])
    found = recipe_policies(recipe, ["aws.region=null"])
    assert found["region"] == "us-east-1"  # the only one where nova-lite is customized


key_names = st.text(alphabet="ab/.-$1[]", max_size=8)
specs = st.text(alphabet="ab/.-$1[]!*?", max_size=8)


@given(spec=specs, key=key_names, inside=st.booleans())
@example(spec="a/**/b", key="a/b", inside=False)
@example(spec="[/]", key="[/]", inside=False)
@example(spec="[**/]", key="[a/]", inside=False)
@example(spec="[a/**/b]", key="[a/1/b]", inside=False)
def test_every_object_that_a_source_means_may_be_read(spec: str, key: str, inside: bool) -> None:
    """Globs, folders, single objects, and names that look like policy variables."""
    source, key = Location("bucket", spec), spec + key if inside else key
    if wanted(key, whole(spec)):
        document = policies(replace(ACCESS, sources=(source,)))["pipeline_role"]
        assert allowed(document, need("s3:GetObject", f"arn:aws:s3:::bucket/{key}"))
        listing = need("s3:ListBucket", "arn:aws:s3:::bucket", s3__prefix=source.listed)
        assert allowed(document, listing)


def test_media_that_the_data_names_may_be_read(tmp_path: Path) -> None:
    """By the job's role and by `doctor`: their folders, those given, and nothing else."""

    def line(uri: str) -> str:
        return json.dumps({"image": {"source": {"s3Location": {"uri": uri}}}})

    bucket = BASE.removeprefix("s3://").split("/")[0]
    uris = ["s3://sen-tea-media/pictures/p0.png", f"{BASE}/runs/x/assistant/images/a.png"]
    (tmp_path / "chats.jsonl").write_text("\n".join(map(line, uris)))
    path = tmp_path / "recipe.yaml"
    path.write_text(RECIPE)
    change = ["sources=[{path: chats.jsonl}]"]
    told = recipe_policies(path, change, media=["s3://sen-tea-films/"])
    [role] = told["bedrock_roles"].values()
    for document in (role["permissions"], told["preflight_role"]):
        for arn in ("sen-tea-media/pictures/p1.png", "sen-tea-films/f.mp4"):
            assert allowed(document, need("s3:GetObject", f"arn:aws:s3:::{arn}"))
        listed = need("s3:ListBucket", "arn:aws:s3:::sen-tea-media", s3__prefix="pictures/p0.png")
        assert allowed(document, listed)
        assert not allowed(document, need("s3:GetObject", "arn:aws:s3:::sen-tea-media/other/p.png"))
    media = [s for s in role["permissions"]["Statement"] if s["Sid"].startswith("ReadMedia")]
    assert bucket not in json.dumps(media)
    assert any("ReadMedia" in note for note in told["notes"])
    assert any("--media" in note for note in recipe_policies(path)["notes"])


def test_many_folders_of_media_are_one() -> None:
    uris = [f"s3://sen-tea-media/pictures/{n}/a.png" for n in range(30)]
    assert media_folders(uris) == [("sen-tea-media", "pictures/")]
    assert media_folders(["s3://sen-tea-media/a.png"]) == [("sen-tea-media", "")]
