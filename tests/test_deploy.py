"""What is in deploy/ is what its tools take, and agrees with the program's own words."""

from __future__ import annotations

import configparser
import json
import re
import shlex
import shutil
import subprocess
import sys
import types
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from pipeline.cli import app
from pipeline.commands.policy import recipe_policies

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "deploy"
ACCOUNT, REGION, BUCKET = "111122223333", "ap-southeast-1", "the-bucket"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/11111111-2222-3333-4444-555555555555"
VALUES = {
    "Bucket": BUCKET,
    "Bucket.Arn": f"arn:aws:s3:::{BUCKET}",
    "Key.Arn": KEY,
    "Prefix": "tea",
    "SourcePrefix": "sources",
    "AWS::Region": REGION,
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
}
RECIPE = f"""\
name: tea
sources: [{{path: "s3://{BUCKET}/sources/"}}]
targets: {{assistant: {{model: nova-lite}}}}
publish:
  uri: s3://{BUCKET}/tea
  expected_bucket_owner: "{ACCOUNT}"
  kms_key_id: {KEY}
job: {{role_arn: "arn:aws:iam::{ACCOUNT}:role/Bedrock", output_uri: "s3://{BUCKET}/models"}}
aws: {{region: {REGION}}}
"""


class Intrinsics(yaml.SafeLoader):
    """CloudFormation's short forms, with the values of one imagined stack."""


def resolved(loader: Intrinsics, suffix: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        text = loader.construct_scalar(node)
        if suffix == "Sub":
            return re.sub(r"\$\{([^}]+)\}", lambda found: VALUES.get(found[1], found[0]), text)
        return VALUES.get(text, f"<{text}>")
    assert isinstance(node, yaml.SequenceNode)
    return loader.construct_sequence(node, deep=True)


Intrinsics.add_multi_constructor("!", resolved)


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    """The template's resources."""
    text = (DEPLOY / "cloudformation.yaml").read_text()
    return yaml.load(text, Intrinsics)["Resources"]  # type: ignore[no-any-return]


def options_of(command: str) -> set[str]:
    program = typer.main.get_command(app)
    own = program.commands[command]  # type: ignore[attr-defined]
    return {name for one in own.params for name in one.opts if name.startswith("--")}


def test_the_template_is_valid() -> None:
    """cfn-lint, with its warnings, finds nothing."""
    line = [str(Path(sys.executable).with_name("cfn-lint")), str(DEPLOY / "cloudformation.yaml")]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def statements(document: dict[str, Any]) -> dict[str, Any]:
    """By Sid, with lists where IAM takes one or many."""

    def many(value: Any) -> list[Any]:
        return sorted(value) if isinstance(value, list) else [value]

    def condition(told: dict[str, dict[str, Any]]) -> dict[str, Any]:
        return {kind: {key: many(v) for key, v in own.items()} for kind, own in told.items()}

    return {
        one["Sid"]: (
            many(one["Action"]),
            many(one.get("Resource", [])),
            condition(one.get("Condition", {})),
        )
        for one in document["Statement"]
    }


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What `policy` prints for the recipe that the stack is made for."""
    path = tmp_path_factory.mktemp("deploy") / "recipe.yaml"
    path.write_text(RECIPE)
    return recipe_policies(path, state=f"s3://{BUCKET}/tea-state")


def test_the_roles_are_those_that_policy_prints(
    template: dict[str, Any], printed: dict[str, Any]
) -> None:
    """The job's role writes runs and starts no customization job; Bedrock's role is the same."""
    (own,) = template["PipelineRole"]["Properties"]["Policies"]
    submit = {"CreateJob", "FollowJob", "PassRole", "TagJob"}
    wanted = statements(printed["pipeline_role"])
    found = statements(own["PolicyDocument"])
    assert found.pop("ListSources")[:2] == wanted.pop("ListSources")[:2]  # see the next test
    assert found == {sid: told for sid, told in wanted.items() if sid not in submit}

    role = template["BedrockRole"]["Properties"]
    (bedrock,) = printed["bedrock_roles"].values()
    assert statements(role["AssumeRolePolicyDocument"]) == statements(bedrock["trust"])
    assert statements(role["Policies"][0]["PolicyDocument"]) == statements(bedrock["permissions"])

    told = template["BucketPolicy"]["Properties"]["PolicyDocument"]
    assert statements(told) == statements(printed["bucket_policies"][BUCKET])


@pytest.mark.parametrize("path", ["sources/", "sources", "sources/exports/", "sources/a*.txt"])
def test_sources_may_be_all_below_their_prefix(
    template: dict[str, Any], tmp_path: Path, path: str
) -> None:
    """What a recipe lists and reads there is what the stack's role may list and read."""
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(RECIPE.replace("/sources/", f"/{path}"))
    (own,) = template["PipelineRole"]["Properties"]["Policies"]
    found = statements(own["PolicyDocument"])
    wanted = statements(recipe_policies(recipe)["pipeline_role"])
    [asked] = wanted["ListSources"][2]["StringEquals"]["s3:prefix"]
    known = found["ListSources"][2]["StringLike"]["s3:prefix"]
    assert any(fnmatch(asked, pattern) for pattern in known)
    assert not any(fnmatch("other/", pattern) for pattern in known)
    [read] = found["ReadSources"][1]
    below = wanted["ReadSources"][1][-1]  # the other one is an object of the prefix's own name
    assert fnmatch(below, read)


def test_the_job_calls_prepare_and_retries_exit_code_4_alone(template: dict[str, Any]) -> None:
    """Without root, on a read-only root, without a public address."""
    job = template["Job"]["Properties"]
    container = job["ContainerProperties"]
    command = container["Command"]
    assert command[0] == "prepare"
    assert {word for word in command if word.startswith("--")} <= options_of("prepare")
    assert command[command.index("--output") + 1] == f"s3://{BUCKET}/tea"
    assert command[command.index("--state") + 1] == f"s3://{BUCKET}/tea-state"
    rules = template["Bucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    (old,) = [rule for rule in rules if rule.get("Prefix") == "tea-state/"]
    assert old["NoncurrentVersionExpiration"]["NoncurrentDays"] == 1
    assert (container["User"], container["ReadonlyRootFilesystem"]) == ("10001", True)
    retried = [one for one in job["RetryStrategy"]["EvaluateOnExit"] if one["Action"] == "RETRY"]
    assert [one["OnExitCode"] for one in retried if "OnExitCode" in one] == ["4"]
    assert job["RetryStrategy"]["EvaluateOnExit"][-1] == {"OnReason": "*", "Action": "EXIT"}
    services = [
        one["Properties"]["ServiceName"].rsplit(".", 1)[-1]
        for one in template.values()
        if one["Type"] == "AWS::EC2::VPCEndpoint"
    ]
    assert {"s3", "bedrock", "kms", "logs"} <= set(services)
    target = template["Nightly"]["Properties"]["Target"]
    assert set(json.loads(target["Input"])) == {"JobName", "JobQueue", "JobDefinition"}


def test_the_container_has_no_root_and_only_pinned_packages() -> None:
    """Every `pip install` takes hashes or no dependencies; what is copied is there."""
    lines = (DEPLOY / "Dockerfile").read_text().replace("\\\n", " ").splitlines()
    steps = [line.split(None, 1) for line in lines if line.strip() and not line.startswith("#")]
    last_user = [rest for word, rest in steps if word == "USER"][-1]
    assert last_user.isdecimal()
    assert int(last_user) > 0
    assert {word for word, _ in steps} <= {
        "FROM", "RUN", "WORKDIR", "COPY", "ENV", "USER", "VOLUME", "ENTRYPOINT", "CMD"
    }  # fmt: skip
    assert all(":latest" not in rest and ":" in rest for word, rest in steps if word == "FROM")
    installs = re.findall(r"pip install[^&\n]*", "\n".join(rest for _, rest in steps))
    assert len(installs) == 3
    assert all("--require-hashes" in one or "--no-deps" in one for one in installs)
    for word, rest in steps:
        if word == "COPY" and not rest.startswith("--from"):
            assert all((ROOT / name).exists() for name in rest.split()[:-1]), rest
    (entry,) = (rest for word, rest in steps if word == "ENTRYPOINT")
    assert json.loads(entry) == ["bedrock-prep"]


def unit(name: str) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(strict=True, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string((DEPLOY / name).read_text())
    return parser


def test_the_timer_starts_the_service() -> None:
    """It retries code 4 alone, and calls the program with options that it has."""
    service = unit("bedrock-prep.service")["Service"]
    words = shlex.split(service["ExecStart"])
    assert words[1] == "prepare"
    assert {word for word in words if word.startswith("--")} <= options_of("prepare")
    assert service["RestartPreventExitStatus"].split() == ["1", "2", "3", "5"]
    assert int(service["TimeoutStopSec"].removesuffix("s")) > 5
    assert unit("bedrock-prep.timer")["Timer"]["Persistent"] == "true"
    if shutil.which("systemd-analyze"):
        calendar = unit("bedrock-prep.timer")["Timer"]["OnCalendar"]
        line = ["systemd-analyze", "calendar", calendar]
        assert subprocess.run(line, capture_output=True, check=False).returncode == 0


def test_the_crontab_line_is_one(template: dict[str, Any]) -> None:
    """Five fields and a command, the same as the README's; no `%`, which cron reads as newline."""
    (line,) = (
        one for one in (DEPLOY / "crontab").read_text().splitlines() if not one.startswith("#")
    )
    fields, command = line.split(None, 5)[:5], line.split(None, 5)[5]
    assert all(re.fullmatch(r"[\d*/,-]+", field) for field in fields)
    assert "%" not in command
    called = re.search(r"bedrock-prep prepare ([^>|]*)", command)
    assert called
    assert {word for word in called[1].split() if word.startswith("--")} <= options_of("prepare")


@pytest.fixture
def airflow(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """The two modules of Airflow that the DAG names, just enough to run its task."""
    made: dict[str, Any] = {}

    class AirflowException(Exception):
        pass

    class AirflowFailException(AirflowException):
        pass

    def dag(**settings: Any) -> Any:
        made["dag"] = settings
        return lambda function: function

    def task(**settings: Any) -> Any:
        def keep(function: Any) -> Any:
            made["task"], made["run"] = settings, function
            return lambda: None

        return keep

    exceptions, sdk = types.ModuleType("airflow.exceptions"), types.ModuleType("airflow.sdk")
    vars(exceptions).update(
        AirflowException=AirflowException, AirflowFailException=AirflowFailException
    )
    vars(sdk).update(dag=dag, task=task)
    for module in (types.ModuleType("airflow"), exceptions, sdk):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    made["retried"], made["final"] = AirflowException, AirflowFailException
    yield made


def test_the_dag_retries_exit_code_4_alone(
    airflow: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One run at a time, none made up for; a final failure is not tried again."""
    text = (DEPLOY / "airflow_dag.py").read_text()
    exec(compile(text, "airflow_dag.py", "exec"), {"__name__": "dag"})
    assert (airflow["dag"]["max_active_runs"], airflow["dag"]["catchup"]) == (1, False)
    assert airflow["task"]["retries"] > 0

    for code in range(6):
        done: Any = subprocess.CompletedProcess([], code)
        monkeypatch.setattr(subprocess, "run", lambda line, done=done, **_: done)
        if code == 0:
            airflow["run"]()
            continue
        with pytest.raises(airflow["retried"]) as raised:
            airflow["run"]()
        assert isinstance(raised.value, airflow["final"]) == (code != 4)
