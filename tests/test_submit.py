"""`publish`, `submit` and `status` over real HTTP: a real S3 server, and a small Bedrock."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.loaders import create_loader
from fake_bedrock import REGION, FakeBedrock, Refused, serve_bedrock
from small_run import BASE, BUCKET, change_manifest, copy_run, relist, run_folder

from pipeline.bedrock.causes import CAUSES, find_cause
from pipeline.bedrock.client import asking, aws_client, passes
from pipeline.bedrock.status import job_status, wait_for_job
from pipeline.bedrock.submit import attempt_request, submit_job
from pipeline.commands.publish import publish_run
from pipeline.commands.submit import Connection, follow, plan_job, submit_plan
from pipeline.errors import ConflictError, DataError, RecipeError, StorageError
from pipeline.s3.region import bucket_region


@pytest.fixture(scope="module", autouse=True)
def _read_service_models_once() -> Iterator[None]:
    """Each command has clients of its own; here they share what is read from botocore's files."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("botocore.session.create_loader", functools.cache(create_loader))
        yield


@pytest.fixture(scope="module")
def s3(s3_endpoint: str) -> Iterator[Any]:
    client = boto3.client("s3", endpoint_url=s3_endpoint)
    client.create_bucket(Bucket=BUCKET)
    yield client
    empty(client)
    client.delete_bucket(Bucket=BUCKET)
    client.close()


def empty(s3: Any) -> None:
    for item in s3.list_objects_v2(Bucket=BUCKET).get("Contents", []):
        s3.delete_object(Bucket=BUCKET, Key=item["Key"])


@pytest.fixture
def bedrock(s3: Any, s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeBedrock]:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3_endpoint)
    with serve_bedrock(s3) as fake:
        monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK", fake.url)
        yield fake


@pytest.fixture
def fresh(s3: Any) -> Iterator[None]:
    """For tests that find an empty bucket, or leave one that the next must not find."""
    empty(s3)
    yield
    empty(s3)


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return copy_run(tmp_path)


@pytest.fixture
def published(output: Path, bedrock: FakeBedrock) -> Path:
    """The run in S3 too; what a test before has uploaded stays."""
    publish_run(str(output), BASE)
    return output


def plan(output: Path | str, **more: Any) -> Any:
    return plan_job(str(output), more.pop("target", None), Connection(**more), allow_legacy=False)


def submit(output: Path | str, again: bool = False) -> Any:
    return submit_plan(plan(output), Connection(), again)


def status(job: str) -> Any:
    return follow(job, Connection(), False, print, 0.01)


@pytest.mark.usefixtures("fresh")
def test_publish_uploads_every_file_and_points_latest_to_the_run(
    output: Path, bedrock: FakeBedrock
) -> None:
    """What stands in S3 is the folder, byte for byte; doing it twice changes nothing."""
    told = publish_run(str(output), BASE + "/")
    folder = run_folder(output)
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    for name in names:
        key = f"tea/runs/{folder.name}/{name}"
        body = bedrock.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        assert body == (folder / name).read_bytes(), name
    assert (told.uri, told.files) == (f"{BASE}/runs/{folder.name}", len(names))
    latest = bedrock.s3.get_object(Bucket=BUCKET, Key="tea/LATEST")
    assert json.loads(latest["Body"].read())["run"] == folder.name
    assert publish_run(str(output), BASE) == told
    assert bedrock.s3.get_object(Bucket=BUCKET, Key="tea/LATEST")["ETag"] == latest["ETag"]


@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize("damage", ["changed", "missing", "strange", "manifest"])
def test_publish_refuses_a_run_that_is_not_what_its_manifest_says(
    damage: str, output: Path, bedrock: FakeBedrock
) -> None:
    """A flipped byte of the same length, a lost file, a new file, an edited manifest."""
    train = run_folder(output) / "assistant" / "train.jsonl"
    if damage == "changed":
        train.write_bytes(train.read_bytes().replace(b"minutes", b"minuteS", 1))
    elif damage == "missing":
        train.unlink()
    elif damage == "strange":
        train.with_name("notes.txt").write_text("x")
    else:
        manifest = run_folder(output) / "manifest.json"
        manifest.write_bytes(manifest.read_bytes() + b" ")
    with pytest.raises(DataError, match="is not the run that was made"):
        publish_run(str(output), BASE)
    assert bedrock.s3.list_objects_v2(Bucket=BUCKET)["KeyCount"] == 0


def test_publish_refuses_another_place_than_the_run_names(
    output: Path, bedrock: FakeBedrock
) -> None:
    """The job would read elsewhere; the remedy names both ways out."""
    with pytest.raises(RecipeError) as caught:
        publish_run(str(output), f"s3://{BUCKET}/other")
    assert f"below {BASE}; publish it there" in str(caught.value)
    assert f"publish.uri: s3://{BUCKET}/other" in str(caught.value)
    for near in (f"{BASE}-2", BASE[:-1]):
        with pytest.raises(RecipeError, match="below s3://"):
            publish_run(str(output), near)


@pytest.mark.usefixtures("fresh")
def test_publish_holds_the_images_that_lines_name(output: Path, bedrock: FakeBedrock) -> None:
    """An image's URI is in the line; a text that looks like one is not taken for it."""
    folder = run_folder(output)
    (folder / "assistant/job.json").unlink()
    (folder / "plain/images").mkdir()
    (folder / "plain/images/a.png").write_bytes(b"png")
    line = {"image-ref": "s3://else/where/a.png", "caption": 'say "uri":"s3://text/x"'}
    (folder / "plain/train.jsonl").write_text(json.dumps(line, separators=(",", ":")))
    relist(output)
    with pytest.raises(RecipeError, match="URIs are below s3://else/where"):
        publish_run(str(output), BASE)
    line["image-ref"] = f"{BASE}/runs/{folder.name}/plain/images/a.png"
    (folder / "plain/train.jsonl").write_text(json.dumps(line, separators=(",", ":")))
    relist(output)
    publish_run(str(output), BASE)


def test_publish_wants_a_local_run_and_an_s3_place(published: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="is in S3 already"):
        publish_run(BASE, f"s3://{BUCKET}/again")
    with pytest.raises(RecipeError, match="not an S3 URI"):
        publish_run(str(published), str(tmp_path))
    with pytest.raises(StorageError, match="no run is published"):
        publish_run(str(tmp_path / "nowhere"), BASE)


def test_submit_starts_the_job_that_job_json_says(published: Path, bedrock: FakeBedrock) -> None:
    """The request arrives as the run wrote it, and the ARN comes back."""
    told = submit(published)
    [(looked_up, _), (operation, request)] = bedrock.calls
    assert looked_up == "GetModelCustomizationJob" and told.started
    written = json.loads((run_folder(published) / "assistant/job.json").read_bytes())
    assert (operation, request) == ("CreateModelCustomizationJob", written)
    assert told.job_arn in bedrock.jobs
    assert (told.target, told.region) == ("assistant", REGION)


def test_submit_works_from_the_published_run_too(published: Path, bedrock: FakeBedrock) -> None:
    assert submit(BASE).job_arn == submit(f"{BASE}/runs/{run_folder(published).name}").job_arn


def test_submit_twice_is_one_job(published: Path, bedrock: FakeBedrock) -> None:
    """By the token; and by the job's own token once the service has forgotten it."""
    bedrock.script = [("InProgress", {})]
    first = submit(published)
    second = submit(published, again=True)
    assert (second.job_arn, second.started) == (first.job_arn, False)
    bedrock.forget_tokens = True
    third = submit(published).as_json()
    assert third == first.as_json() | {"started": False, "status": "Completed"}
    assert len(bedrock.jobs) == 1


@pytest.mark.parametrize(("ended", "error"), [("Failed", DataError), ("Stopped", StorageError)])
def test_a_job_that_ended_badly_is_started_again_when_asked(
    published: Path, bedrock: FakeBedrock, ended: str, error: type[Exception]
) -> None:
    """Each attempt has a name and a token of its own; the last one counts."""
    message = "Could not validate GetObject permissions to access Amazon S3 bucket: b"
    bedrock.script = [(ended, {"failureMessage": message} if ended == "Failed" else {})]
    first = submit(published)
    with pytest.raises(error, match="--again") as caught:
        submit(published)
    assert ("bedrock-prep policy" in str(caught.value)) == (ended == "Failed")
    second = submit(published, again=True)
    assert (second.job_name, second.started) == (f"{first.job_name}-2", True)
    with pytest.raises(error, match=f"{second.job_name}: "):
        submit(published)
    bedrock.script = []
    third = submit(published, again=True)
    assert third.job_name == f"{first.job_name}-3"
    for again in (False, True):
        told = submit(published, again)
        assert (told.job_arn, told.started, told.status) == (third.job_arn, False, "Completed")
    assert len({job["clientRequestToken"] for job in bedrock.jobs.values()}) == 3
    assert len({job["customModelName"] for job in bedrock.jobs.values()}) == 3


def test_an_attempt_keeps_the_users_model_name_and_the_longest_job_name() -> None:
    request = {"jobName": "j" * 63, "customModelName": "tea", "clientRequestToken": "t"}
    assert attempt_request(request, 1) == request
    tenth = attempt_request(request, 10)
    assert tenth == {
        "jobName": "j" * 60 + "-10", "customModelName": "tea", "clientRequestToken": "t-10"
    }  # fmt: skip


def test_a_model_name_that_is_taken_is_a_conflict(bedrock: FakeBedrock) -> None:
    """Exit code 5 and the recipe's key, though no job has the name."""

    def taken(request: dict[str, Any]) -> str:
        raise Refused("ConflictException", "A model with this name exists already.")

    bedrock.create = taken  # type: ignore[method-assign]
    request = {
        "jobName": "tea-1",
        "customModelName": "tea",
        "baseModelIdentifier": "amazon.nova-lite-v1:0:300k",
        "customizationType": "FINE_TUNING",
        "trainingDataConfig": {"s3Uri": f"{BASE}/train.jsonl"},
        "outputDataConfig": {"s3Uri": "s3://sen-tea-data/models"},
        "roleArn": "arn:aws:iam::111122223333:role/r",
        "clientRequestToken": "t",
    }
    with pytest.raises(ConflictError, match="change or drop custom_model_name"):
        submit_job(aws_client("bedrock", REGION), request, "assistant")
    with pytest.raises(ConflictError, match="A model with this name"):
        submit_job(aws_client("bedrock", REGION), request | {"customModelName": "tea-1"}, "a")


def test_an_answer_that_is_not_bedrocks_is_told(published: Path, bedrock: FakeBedrock) -> None:
    """A proxy's `{}` is exit code 4 with the remedy, not a traceback."""
    bedrock.answer = lambda *_: (200, {})  # type: ignore[method-assign]
    for ask in (lambda: submit(published), lambda: status("a-job")):
        with pytest.raises(StorageError, match="is not Bedrock; check the endpoint"):
            ask()


def test_expired_credentials_have_a_remedy(bedrock: FakeBedrock) -> None:
    from botocore.exceptions import ClientError

    for code, remedy in (("ExpiredToken", "sign in again"), ("InvalidSignatureException", "clock")):
        error = ClientError({"Error": {"Code": code, "Message": "no"}}, "Get")
        with pytest.raises(StorageError, match=remedy) as caught, asking("job x"):
            raise error
        assert not passes(caught.value)


def test_submit_conflicts_with_another_job_of_the_name(
    published: Path, bedrock: FakeBedrock
) -> None:
    """Exit code 5, and no ARN of somebody else's job."""
    arn = submit(published).job_arn
    bedrock.jobs[arn]["clientRequestToken"] = "another"
    with pytest.raises(ConflictError, match="exists already"):
        submit(published)


def test_submit_rides_out_throttling(published: Path, bedrock: FakeBedrock) -> None:
    bedrock.throttle = 2
    assert submit(published).job_arn in bedrock.jobs
    assert [name for name, _ in bedrock.calls] == [
        "GetModelCustomizationJob", "CreateModelCustomizationJob"
    ]  # fmt: skip


def test_a_dry_run_asks_everything_but_the_job(published: Path, bedrock: FakeBedrock) -> None:
    told = plan(published).as_json()
    assert told["request"]["baseModelIdentifier"] == "amazon.nova-lite-v1:0:300k"
    assert bedrock.calls == []


def test_the_services_own_words_reach_the_user(published: Path, bedrock: FakeBedrock) -> None:
    """A ValidationException is a RecipeError with the message and, where known, its remedy."""
    bedrock.models = set()
    with pytest.raises(RecipeError) as caught:
        submit(published)
    assert "The provided model identifier is invalid." in str(caught.value)
    assert "bedrock-prep models" in str(caught.value)


def test_the_fake_enforces_the_service_model(bedrock: FakeBedrock) -> None:
    """Else the tests above would prove nothing: a wrong name, a missing role, a wrong enum."""
    request = {
        "jobName": "no spaces allowed",
        "customModelName": "m",
        "baseModelIdentifier": "amazon.nova-lite-v1:0:300k",
        "customizationType": "GUESSING",
        "trainingDataConfig": {"s3Uri": f"{BASE}/train.jsonl"},
        "outputDataConfig": {"s3Uri": "s3://b"},
        "roleArn": "role",
        "clientRequestToken": "t",
    }
    with pytest.raises(RecipeError) as caught:
        submit_job(aws_client("bedrock", REGION), request, "assistant")
    told = str(caught.value)
    assert "no spaces allowed" in told and "GUESSING" in told and "roleArn" in told
    assert "outputDataConfig" in told


@pytest.mark.usefixtures("fresh")
def test_submit_refuses_before_it_asks_bedrock(output: Path, bedrock: FakeBedrock) -> None:
    """Not ready, gate failed: exit code 3, and no call."""
    manifest = json.loads((run_folder(output) / "manifest.json").read_bytes())
    target = manifest["targets"]["assistant"]
    fault = {"rule": "too_few_records", "message": "4, where nova-lite takes at least 8"}
    unready = target | {"ready": False, "faults": [fault]}
    change_manifest(output, targets=manifest["targets"] | {"assistant": unready})
    with pytest.raises(DataError, match="takes at least 8"):
        plan(output)
    gate = {"passed": False, "checks": [{"target": "a", "check": "min_records", "passed": False}]}
    change_manifest(output, targets=manifest["targets"], gate=gate)
    with pytest.raises(DataError, match=r"gate failed \(a min_records\)"):
        plan(output)
    with pytest.raises(DataError, match="gate failed"):
        publish_run(str(output), BASE)
    assert bedrock.calls == []


@pytest.mark.usefixtures("fresh")
def test_submit_wants_the_very_run_in_s3(output: Path, bedrock: FakeBedrock) -> None:
    """Not published; published, then the training file cut or lost; another manifest."""
    with pytest.raises(StorageError, match=f"bedrock-prep publish RUN {BASE}"):
        plan(output)
    publish_run(str(output), BASE)
    key = f"tea/runs/{run_folder(output).name}/assistant/train.jsonl"
    bedrock.s3.put_object(Bucket=BUCKET, Key=key, Body=b"{}\n")
    with pytest.raises(DataError, match=r"has 3 bytes, the manifest says \d+"):
        plan(output)
    bedrock.s3.delete_object(Bucket=BUCKET, Key=key)
    with pytest.raises(StorageError, match=r"train.jsonl: is not there"):
        plan(output)
    change_manifest(output, files=plan_files(output)[::-1])
    with pytest.raises(DataError, match="is not the same run"):
        plan(output)


def plan_files(output: Path) -> list[Any]:
    files: list[Any] = json.loads((run_folder(output) / "manifest.json").read_bytes())["files"]
    return files


@pytest.mark.usefixtures("fresh")
def test_submit_looks_at_the_validation_file_too(published: Path, bedrock: FakeBedrock) -> None:
    key = f"tea/runs/{run_folder(published).name}/assistant/validation.jsonl"
    bedrock.s3.delete_object(Bucket=BUCKET, Key=key)
    with pytest.raises(StorageError, match=r"validation.jsonl: is not there"):
        plan(published)


def test_submit_refuses_an_edited_job(published: Path) -> None:
    path = run_folder(published) / "assistant/job.json"
    path.write_text(path.read_text().replace('"3"', '"9"'))
    with pytest.raises(DataError, match="change `job` in the recipe"):
        plan(published)


def test_submit_names_the_targets_that_have_no_job(published: Path) -> None:
    with pytest.raises(RecipeError, match="no such target"):
        plan(published, target="nothing")
    with pytest.raises(RecipeError, match=r"no job\.json for plain"):
        plan(published, target="plain")


def test_submit_wants_one_target_of_several(published: Path) -> None:
    """A job costs money: none is started that was not named."""
    files = [*plan_files(published), {"path": "plain/job.json", "bytes": 1, "sha256": "x"}]
    change_manifest(published, files=files)
    with pytest.raises(RecipeError, match="name one with --target"):
        plan(published)


def test_the_region_is_where_the_model_is_customized(
    published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Region of the environment that the card does not know is refused, unless asked for."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    with pytest.raises(RecipeError, match="--region us-east-1"):
        plan(published)
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    assert plan(published).region == "us-east-1"


def test_a_bucket_in_another_region_is_refused(
    published: Path, bedrock: FakeBedrock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The data's and the output's; a Region that the card does not know is noted."""
    with pytest.raises(RecipeError, match=r"is in us-east-1.*would be in eu-west-1.*--region us-"):
        plan(published, region="eu-west-1")
    monkeypatch.setattr("pipeline.commands.submit.bucket_region", lambda client, bucket: None)
    asked = plan(published, region="eu-west-1")
    assert asked.region == "eu-west-1"
    assert "by its card not in eu-west-1" in asked.notes[0]
    assert not plan(published).notes


def test_the_region_of_a_bucket_is_read_from_a_refusal_too(bedrock: FakeBedrock) -> None:
    from botocore.exceptions import ClientError

    class Denied:
        def head_bucket(self, **_: str) -> None:
            headers = {"x-amz-bucket-region": "eu-west-1"}
            raise ClientError(
                {"Error": {"Code": "403"}, "ResponseMetadata": {"HTTPHeaders": headers}},  # type: ignore[typeddict-item]
                "HeadBucket",
            )

    assert bucket_region(bedrock.s3, BUCKET) == "us-east-1"
    assert bucket_region(bedrock.s3, "sen-tea-nowhere") is None
    assert bucket_region(Denied(), BUCKET) == "eu-west-1"


def test_a_model_that_is_closed_takes_no_job(published: Path) -> None:
    manifest = json.loads((run_folder(published) / "manifest.json").read_bytes())
    closed = manifest["targets"]["assistant"] | {"model": "claude-3-haiku"}
    change_manifest(published, targets=manifest["targets"] | {"assistant": closed})
    with pytest.raises(RecipeError, match="takes no new job"):
        plan(published)
    connection = Connection(region=REGION)
    assert plan_job(str(published), None, connection, allow_legacy=True).target == "assistant"


def test_http_is_for_the_loopback_alone(published: Path) -> None:
    for url in ("http://bedrock.example.com", "ftp://127.0.0.2/"):
        with pytest.raises(RecipeError, match="is not https"):
            submit_plan(plan(published), Connection(endpoint_url=url))


def test_an_endpoint_of_the_environment_is_held_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also that of a service whose name has a hyphen."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", "http://bedrock.example.com")
    with pytest.raises(RecipeError, match="is not https"):
        aws_client("bedrock-runtime", REGION)
    monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", "http://localhost:1")
    assert aws_client("bedrock-runtime", REGION).meta.endpoint_url == "http://localhost:1"


def test_status_tells_the_way_to_the_model(published: Path, bedrock: FakeBedrock) -> None:
    """By ARN and by name; 0 while it runs; the model's ARN when it is done."""
    parts = {
        "validationDetails": {"status": "Completed"},
        "trainingDetails": {"status": "InProgress"},
    }
    bedrock.script = [("InProgress", {"statusDetails": parts}), ("InProgress", {})]
    told = submit(published)
    running = status(told.job_arn)
    assert (running.status, running.exit_code, running.model_arn) == ("InProgress", 0, None)
    assert running.parts == {"validation": "Completed", "training": "InProgress"}
    assert status(told.job_name).under_way
    done = status(told.job_name)
    assert (done.status, done.exit_code) == ("Completed", 0)
    assert done.model_arn in done.as_text() and ":custom-model/" in done.model_arn


def test_waiting_ends_with_the_job(published: Path, bedrock: FakeBedrock) -> None:
    """Each change is said once, though it is asked for many times."""
    bedrock.script = [(word, {}) for word in [*["InProgress"] * 3, "Stopping", "Stopped"]]
    told = submit(published)
    said: list[str] = []
    ended = follow(told.job_arn, Connection(), True, said.append, 0.01)
    assert (ended.status, ended.exit_code) == ("Stopped", 4)
    states = [line.rsplit(": ", 1)[1] for line in said]
    assert states == ["InProgress", "Stopping", "Stopped"]


def test_a_failure_is_explained(published: Path, bedrock: FakeBedrock) -> None:
    """The service's message, and what is behind it; exit code 3."""
    message = "Maximum input token count 4097 exceeds limit of 4096"
    bedrock.script = [("Failed", {"failureMessage": message})]
    failed = status(submit(published).job_arn)
    assert failed.exit_code == 3
    assert failed.failure == message
    assert "more tokens than the model accepts" in failed.as_text()
    assert failed.as_json()["explained"]["source"].startswith("https://docs.aws.amazon.com/")


@pytest.mark.usefixtures("fresh")
def test_data_that_bedrock_cannot_parse_fails_the_job(
    published: Path, bedrock: FakeBedrock
) -> None:
    """The whole way: a line is broken after the upload, and the job tells why it failed."""
    key = f"tea/runs/{run_folder(published).name}/assistant/train.jsonl"
    ready = plan(published)
    body = bedrock.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    bedrock.s3.put_object(Bucket=BUCKET, Key=key, Body=body.replace(b"}\n", b"\n", 1))
    failed = status(submit_plan(ready, Connection()).job_arn)
    assert failed.status == "Failed"
    assert "Unable to parse Amazon S3 file" in str(failed.failure)
    assert failed.cause and "bedrock-prep check" in failed.cause.remedy


def test_a_failure_that_nobody_knows_is_told_as_it_is(
    published: Path, bedrock: FakeBedrock
) -> None:
    bedrock.script = [("Failed", {"failureMessage": "The moon is in the wrong house"})]
    failed = status(submit(published).job_arn)
    assert failed.cause is None
    assert "The moon is in the wrong house" in failed.as_text()


def test_a_job_that_is_not_there_is_a_usage_error(bedrock: FakeBedrock) -> None:
    with pytest.raises(RecipeError, match="Could not find job"):
        status("no-such-job")


def test_the_arn_names_the_region(published: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arn = submit(published).job_arn
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    assert status(arn).arn == arn
    with pytest.raises(RecipeError, match="in which Region"):
        status("a-name")


def test_a_service_that_is_away_is_worth_a_retry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 4 for a refused connection; the message names the job."""
    client = boto3.client(
        "bedrock", endpoint_url="http://127.0.0.1:9", config=Config(retries={"max_attempts": 0})
    )
    with pytest.raises(StorageError, match="job x: Could not connect"):
        job_status(client, "x")


SAID = [
    ("Could not validate GetObject permissions to access Amazon S3 bucket: b at key k", "role"),
    ("Amazon S3 perms missing (PutObject): Could not validate PutObject permissions", "write"),
    ("Unable to parse Amazon S3 file: f.jsonl. Data files must conform to JSONL format.", "line"),
    ("Input size exceeded in file f.jsonl for record starting with...", "characters"),
    ("Maximum output token count 4097 exceeds limit of 4096", "completion"),
    ("Max sum of input and output token length 4097 exceeds total limit of 4096", "together"),
    ("Automated tests flagged this fine-tuning job as including materials", "policy"),
    ("Uri should be a file, not a directory", "prefix"),
    ("The provided S3 URI is invalid", "characters"),
    (
        """Input data must follow '{"prompt": "<input text>", "completion": "<output text>"}'""",
        "another format",
    ),
    ("the provided MODEL identifier\nis invalid.", "suffix"),
    ("Your account has no commitment model units reserved for it", "quota"),
    ("Encountered an unexpected error when processing the request, please try again", "service"),
]


@pytest.mark.parametrize(("message", "word"), SAID, ids=[word for _, word in SAID])
def test_causes_of_the_documented_messages(message: str, word: str) -> None:
    """AWS's own texts, in any case and over line ends."""
    cause = find_cause(message)
    assert cause is not None and word in cause.cause
    assert cause.source.startswith("https://") and cause.remedy


def test_every_cause_is_found_by_its_own_words() -> None:
    """No entry is hidden behind another one."""
    assert [find_cause(cause.match) for cause in CAUSES] == list(CAUSES)


def test_waiting_outlasts_an_outage(
    published: Path, bedrock: FakeBedrock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job takes hours; a lack of rights ends the wait at once, an outage when it lasts."""
    arn = submit(published).job_arn
    answer = bedrock.answer

    def failing(code: str, times: int) -> Any:
        left = [times]

        def reply(*call: Any) -> Any:
            if left[0]:
                left[0] -= 1
                raise Refused(code, "not now")
            return answer(*call)

        return reply

    client = boto3.client(
        "bedrock", endpoint_url=bedrock.url, config=Config(retries={"total_max_attempts": 1})
    )
    said: list[str] = []
    bedrock.answer = failing("InternalServerException", 3)  # type: ignore[method-assign]
    assert wait_for_job(client, arn, said.append, 0.01).status == "Completed"
    assert [line.endswith("still waiting") for line in said] == [True] * 3 + [False]
    bedrock.answer = failing("AccessDeniedException", 1)  # type: ignore[method-assign]
    with pytest.raises(StorageError, match="not now"):
        wait_for_job(client, arn, said.append, 0.01)
    monkeypatch.setattr("pipeline.bedrock.status.OUTAGE_SECONDS", -1)
    bedrock.answer = failing("InternalServerException", 1)  # type: ignore[method-assign]
    with pytest.raises(StorageError, match="not now"):
        wait_for_job(client, arn, said.append, 0.01)
