"""The job request: built from card and settings, held against botocore's model; what it costs."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.validate import ParamValidator
from conftest import SAMPLE, Command
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from small_run import write_recipe

from pipeline.bedrock.cards import Card, Plan, find_card, load_cards, refuse_closed
from pipeline.bedrock.hyperparameters import whole_number
from pipeline.bedrock.job import JobSettings, job_request, validate_request
from pipeline.bedrock.pricing import training_cost
from pipeline.checks.rules import RULES
from pipeline.errors import RecipeError
from pipeline.recipe import load_recipe

DIGEST = "9f2c4e8ab01d77aa9f2c4e8ab01d77aa"
TRAIN = "s3://bucket/runs/9f2c/assistant/train.jsonl"
VALIDATION = "s3://bucket/runs/9f2c/assistant/validation.jsonl"
ROLE = "arn:aws:iam::111122223333:role/BedrockTraining"
LAMBDA = "arn:aws:lambda:us-east-1:111122223333:function:grader"
TEACHER = "amazon.nova-pro-v1:0"


def settings(**more: Any) -> JobSettings:
    return JobSettings(**{"role_arn": ROLE, "output_uri": "s3://bucket/models/"} | more)


def request(
    model: str, word: str, job: JobSettings, validation: str | None = None, digest: str = DIGEST
) -> dict[str, Any]:
    card = find_card(model)
    return job_request(card, card.plan(word), job, TRAIN, validation, digest)


def faults_of(model: str, word: str, job: JobSettings, validation: str | None = None) -> list[str]:
    with pytest.raises(RecipeError) as caught:
        request(model, word, job, validation)
    return caught.value.faults


def test_a_fine_tuning_request_is_whole_and_holds_against_the_api() -> None:
    job = settings(
        hyperparameters={"epochCount": 2, "learningRate": 0.00001},
        vpc={"subnet_ids": ["subnet-1"], "security_group_ids": ["sg-1"]},
        kms_key_id="alias/models",
        tags={"team": "tea", "cost": "42"},
    )
    made = request("nova-lite", "sft", job, VALIDATION)
    names = {key: made.pop(key) for key in ("jobName", "customModelName", "clientRequestToken")}
    tags = [{"key": "cost", "value": "42"}, {"key": "team", "value": "tea"}]
    assert made == {
        "roleArn": ROLE,
        "baseModelIdentifier": "amazon.nova-lite-v1:0:300k",
        "customizationType": "FINE_TUNING",
        "customModelKmsKeyId": "alias/models",
        "jobTags": tags,
        "customModelTags": tags,
        "trainingDataConfig": {"s3Uri": TRAIN},
        "validationDataConfig": {"validators": [{"s3Uri": VALIDATION}]},
        "outputDataConfig": {"s3Uri": "s3://bucket/models/"},
        "hyperParameters": {"epochCount": "2", "learningRate": "0.00001"},
        "vpcConfig": {"subnetIds": ["subnet-1"], "securityGroupIds": ["sg-1"]},
    }
    assert names["jobName"] == names["customModelName"]
    assert names["jobName"].startswith("nova-lite-sft-9f2c4e8ab01d-")
    assert validate_request(made | names) == []


def test_names_and_token_are_the_same_for_the_same_run_and_only_for_it() -> None:
    job = settings(hyperparameters={"epochCount": 2})
    first = request("nova-lite", "sft", job)
    assert request("nova-lite", "sft", job) == first
    for other in (
        request("nova-lite", "sft", job, digest="0" * 32),
        request("nova-lite", "sft", settings(hyperparameters={"epochCount": 3})),
        request("nova-lite", "sft", job, VALIDATION),
    ):
        assert other["clientRequestToken"] != first["clientRequestToken"]
        assert other["jobName"] != first["jobName"]


def test_a_given_model_name_is_taken_and_the_job_keeps_its_own() -> None:
    made = request("nova-lite", "sft", settings(custom_model_name="lotus-tea"))
    assert made["customModelName"] == "lotus-tea"
    assert made["jobName"].startswith("nova-lite-sft-")


def test_a_custom_model_of_the_same_base_can_be_trained_further() -> None:
    arn = "arn:aws:bedrock:us-east-1:111122223333:custom-model/amazon.{}/abcdef123456"
    own = arn.format("nova-lite-v1:0:300k")
    made = request("nova-lite", "sft", settings(base_model=own))
    assert made["baseModelIdentifier"] == own
    assert validate_request(made) == []
    faults = faults_of("nova-lite", "sft", settings(base_model=arn.format("nova-pro-v1:0:300k")))
    assert faults == ["job.base_model: is made from amazon.nova-pro-v1, not from nova-lite"]


def test_reinforcement_hyperparameters_keep_their_types() -> None:
    values = {"epochCount": "3", "learningRate": "1e-5", "reasoningEffort": "low"}
    made = request("nova-2-lite", "rft", settings(reward_lambda=LAMBDA, hyperparameters=values))
    assert "hyperParameters" not in made
    assert made["customizationConfig"] == {
        "rftConfig": {
            "graderConfig": {"lambdaGrader": {"lambdaArn": LAMBDA}},
            "hyperParameters": {"epochCount": 3, "learningRate": 1e-5, "reasoningEffort": "low"},
        }
    }
    assert validate_request(made) == []


def test_distillation_names_its_teacher() -> None:
    job = settings(teacher=TEACHER, max_response_length=1000)
    made = request("nova-micro", "distillation", job)
    assert made["customizationType"] == "DISTILLATION"
    assert made["customizationConfig"] == {
        "distillationConfig": {
            "teacherModelConfig": {
                "teacherModelIdentifier": TEACHER,
                "maxResponseLengthForInference": 1000,
            }
        }
    }
    assert validate_request(made) == []
    profile = "arn:aws:bedrock:us-east-1:111122223333:inference-profile/us.amazon.nova-pro-v1:0"
    assert validate_request(request("nova-micro", "distillation", settings(teacher=profile))) == []


def test_a_wrong_or_missing_teacher_names_the_right_ones() -> None:
    assert faults_of("nova-pro", "distillation", settings(teacher=TEACHER)) == [
        f"job.teacher: {TEACHER} cannot teach nova-pro; use one of: amazon.nova-premier-v1:0"
    ]
    assert faults_of("nova-pro", "distillation", settings()) == [
        "job.teacher: missing; a DISTILLATION job of nova-pro needs it"
    ]


def test_open_weight_models_get_the_two_bodies_of_the_other_api() -> None:
    card = find_card("gpt-oss-20b")
    job = JobSettings(reward_lambda=LAMBDA, hyperparameters={"n_epochs": 1, "batch_size": 4})
    made = job_request(card, card.plan("rft"), job, TRAIN, None, DIGEST)
    assert made == {
        "endpoint": "https://bedrock-mantle.us-west-2.api.aws/v1",
        "file": {"purpose": "fine-tune", "file": TRAIN},
        "job": {
            "model": "openai.gpt-oss-20b",
            "training_file": TRAIN,
            "method": {
                "type": "reinforcement",
                "reinforcement": {
                    "grader": {"type": "lambda", "lambda": {"function": LAMBDA}},
                    "hyperparameters": {"n_epochs": 1, "batch_size": 4},
                },
            },
        },
    }
    refused = faults_of("qwen3-32b", "rft", settings(reward_lambda=LAMBDA, kms_key_id="alias/x"))
    assert refused == [
        "job.kms_key_id: a REINFORCEMENT_FINE_TUNING job of qwen3-32b does not accept it"
    ]


def test_a_validation_file_is_refused_left_out_or_sent_as_the_card_says() -> None:
    assert faults_of("nova-canvas", "sft", settings(), VALIDATION) == [
        "split.validation: a FINE_TUNING job of nova-canvas accepts no validation data; set it to 0"
    ]
    assert "validationDataConfig" not in request("nova-2-lite", "sft", settings(), VALIDATION)
    assert "validationDataConfig" in request("nova-lite", "sft", settings(), VALIDATION)


def test_every_fault_of_the_settings_is_told_at_once() -> None:
    job = JobSettings(teacher=TEACHER, hyperparameters={"epochCount": 9, "epochs": 1})
    faults = faults_of("nova-lite", "sft", job)
    assert [fault.split(":")[0] for fault in faults] == [
        "job.role_arn",
        "job.output_uri",
        "job.teacher",
        "job.hyperparameters.epochCount",
        "job.hyperparameters.epochs",
    ]


HYPERPARAMETERS = [  # model, name, value, start of the fault or None
    ("nova-lite", "epochCount", 1, None),
    ("nova-lite", "epochCount", 5, None),
    ("nova-lite", "epochCount", "5", None),
    ("nova-lite", "epochCount", 0, "0 is below 1, the minimum for nova-lite"),
    ("nova-lite", "epochCount", 6, "6 is above 5, the maximum for nova-lite"),
    ("nova-lite", "epochCount", 1.5, "1.5 is not a whole number"),
    ("nova-lite", "epochCount", "two", "'two' is not a whole number"),
    ("nova-lite", "learningRate", "1e-5", None),
    ("nova-lite", "learningRate", float("nan"), "nan is not a number"),
    ("nova-lite", "learningRate", "Infinity", "'Infinity' is not a number"),
    ("nova-lite", "learningRate", 0.001, "0.001 is above 0.0001"),
    ("nova-lite", "batchSize", 1, None),
    ("nova-lite", "batchSize", 2, "2 must be 1"),
    ("nova-lite", "epochcount", 2, "nova-lite has no such hyperparameter; did you mean epochCount"),
    ("nova-lite", "stepCount", "auto", "nova-lite has no such hyperparameter"),
    ("titan-multimodal-embeddings", "epochCount", "auto", None),
    ("titan-multimodal-embeddings", "batchSize", "auto", "'auto' is not a whole number"),
    ("titan-multimodal-embeddings", "batchSize", 255, "255 is below 256"),
    ("llama-2-13b", "epochCount", 1, "llama-2-13b has no documented hyperparameter"),
]


@pytest.mark.parametrize(("model", "name", "value", "fault"), HYPERPARAMETERS)
def test_hyperparameters_are_held_against_the_card(
    model: str, name: str, value: Any, fault: str | None
) -> None:
    job = settings(hyperparameters={name: value})
    if fault is None:
        assert isinstance(request(model, "sft", job)["hyperParameters"][name], str)
    else:
        (found,) = faults_of(model, "sft", job)
        assert found.startswith(f"job.hyperparameters.{name}: {fault}")


def test_an_enum_of_the_card_is_held() -> None:
    job = settings(reward_lambda=LAMBDA, hyperparameters={"reasoningEffort": "none"})
    (fault,) = faults_of("nova-2-lite", "rft", job)
    assert "none is not one of low, medium, high" in fault


@pytest.mark.parametrize(
    ("model", "word", "given_values", "epochs"),
    [
        ("nova-lite", "fine-tuning", {}, 2),
        ("nova-lite", "fine-tuning", {"epochCount": 4}, 4),
        ("nova-lite", "fine-tuning", {"epochCount": "3"}, 3),
        ("titan-multimodal-embeddings", "fine-tuning", {"epochCount": "auto"}, None),
        ("titan-multimodal-embeddings", "fine-tuning", {"epochCount": 5.0}, 5),
    ],
)
def test_the_whole_number_that_a_job_runs_with(
    model: str, word: str, given_values: dict[str, Any], epochs: int | None
) -> None:
    """Its own, as text too, else the card's; what Bedrock is left to choose is none."""
    assert whole_number(find_card(model).plan(word), given_values, "epochCount") == epochs


def test_a_run_may_leave_its_epochs_to_bedrock(bedrock_prep: Command, tmp_path: Path) -> None:
    """`auto` is a word of the card's: the cost is counted for one epoch."""
    job = {
        "role_arn": ROLE,
        "output_uri": "s3://bucket/m",
        "hyperparameters": {"epochCount": "auto"},
    }
    words = ["prepare", SAMPLE / "images.yaml", "--output", tmp_path / "out"]
    done = bedrock_prep(*words, "--set", f"targets.captions.job={json.dumps(job)}")
    assert done.returncode == 0, done.stderr
    [path] = (tmp_path / "out/runs").glob("*/captions/job.json")
    assert json.loads(path.read_bytes())["hyperParameters"]["epochCount"] == "auto"


def test_a_truth_value_is_no_hyperparameter() -> None:
    with pytest.raises(ValidationError):
        settings(hyperparameters={"epochCount": True})


def test_every_default_of_every_card_is_within_its_own_range() -> None:
    for card in load_cards().values():
        plan = card.customizations.get("FINE_TUNING")
        if plan is None:
            continue
        defaults = {
            name: rule.default
            for name, rule in plan.hyperparameters.items()
            if rule.default is not None
        }
        made = job_request(card, plan, settings(hyperparameters=defaults), TRAIN, None, DIGEST)
        assert made.get("hyperParameters", {}).keys() == defaults.keys()
        assert validate_request(made) == [], card.name


def good() -> dict[str, Any]:
    job = settings(
        tags={"a": "b"}, vpc={"subnet_ids": ["subnet-1"], "security_group_ids": ["sg-1"]}
    )
    return request("nova-lite", "sft", job, VALIDATION)


API_FAULTS: list[tuple[tuple[Any, ...], Any, str]] = [
    (("roleArn",), None, "roleArn: missing"),
    (("roleArn",), "me", "roleArn: 'me' does not match arn:aws"),
    (("roleArn",), 5, "roleArn: must be string, not int"),
    (("jobName",), "", "jobName: 0 long, below the minimum of 1"),
    (("jobName",), "a" * 64, "jobName: 64 long, above the maximum of 63"),
    (("jobName",), "a b", "jobName: 'a b' does not match"),
    (("jobName",), "a\n", "jobName: 'a\\n' does not match"),
    (("jobName",), "tr\u00e0", "jobName: 'tr\u00e0' does not match"),
    (("customModelName",), "a__b", "customModelName: 'a__b' does not match"),
    (("customizationType",), "SFT", "customizationType: 'SFT' is not one of FINE_TUNING, "),
    (("shape",), 1, "shape: no such member (one of: jobName"),
    (("outputDataConfig", "kmsKeyId"), "x", "outputDataConfig.kmsKeyId: no such member"),
    (("trainingDataConfig", "s3Uri"), "s3://bucket/a b.jsonl", "trainingDataConfig.s3Uri: "),
    (("validationDataConfig", "validators", 0), {}, "validationDataConfig.validators[0].s3Uri: m"),
    (
        ("validationDataConfig", "validators"),
        {},
        "validationDataConfig.validators: must be list, not dict",
    ),
    (("vpcConfig", "subnetIds"), [], "vpcConfig.subnetIds: 0 long, below the minimum of 1"),
    (("vpcConfig", "securityGroupIds"), ["a"] * 6, "vpcConfig.securityGroupIds: 6 long, above"),
    (("vpcConfig", "subnetIds", 0), "a_b", "vpcConfig.subnetIds[0]: 'a_b' does not match"),
    (
        ("hyperParameters",),
        {"epochCount": 2},
        "hyperParameters['epochCount']: must be string, not int",
    ),
    (("jobTags", 0, "key"), "a#", "jobTags[0].key: 'a#' does not match"),
    (
        ("customizationConfig",),
        {},
        "customizationConfig: must have exactly one of distillationConfig, rftC",
    ),
    (
        ("customizationConfig",),
        {"rftConfig": {"hyperParameters": {"epochCount": 51}}},
        "customizationConfig.rftConfig.hyperParameters.epochCount: 51, above the maximum of 50",
    ),
    (
        ("customizationConfig",),
        {"rftConfig": {"hyperParameters": {"learningRate": float("nan")}}},
        "customizationConfig.rftConfig.hyperParameters.learningRate: nan is not a finite number",
    ),
    (
        ("customizationConfig",),
        {"rftConfig": {"hyperParameters": {"batchSize": True}}},
        "customizationConfig.rftConfig.hyperParameters.batchSize: must be integer, not bool",
    ),
]


@pytest.mark.parametrize(("path", "value", "fault"), API_FAULTS, ids=lambda value: str(value)[:50])
def test_a_request_that_breaks_the_api_model_is_told_where(
    path: tuple[Any, ...], value: Any, fault: str
) -> None:
    spoilt = copy.deepcopy(good())
    assert validate_request(spoilt) == []
    place: Any = spoilt
    for step in path[:-1]:
        place = place[step]
    if value is None:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    faults = validate_request(spoilt)
    assert faults[0].startswith(fault)
    assert {found.partition(": ")[0] for found in faults} == {fault.partition(": ")[0]}


def test_a_metadata_filter_with_three_pairs_breaks_the_api_model() -> None:
    """AWS's notebook writes a map of several pairs where each map takes exactly one."""
    source = {"invocationLogSource": {"s3Uri": "s3://bucket/logs"}}
    pairs = {"equals": {"project": "a", "stage": "b"}}
    both = {"equals": {"project": "a"}, "notEquals": {"stage": "b"}}
    for filters, fault in ((pairs, "2 long, above the maximum of 1"), (both, "exactly one of")):
        logs = {"invocationLogsConfig": source | {"requestMetadataFilters": filters}}
        (found,) = validate_request(good() | {"trainingDataConfig": logs})
        assert fault in found


def test_a_row_of_hyphens_in_a_name_is_answered_at_once() -> None:
    """The API's own pattern for jobName backtracks for ever on this in Python's `re`."""
    assert len(validate_request(good() | {"jobName": "a" + "-" * 61 + "!"})) == 1


JOB_NAME = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9+\-.]*[a-zA-Z0-9+\-.])?")


@given(st.text(alphabet="aZ0-+._ \u0663\u017f\ud800\n", max_size=70))
def test_names_are_matched_as_the_api_spells_them(name: str) -> None:
    faults = validate_request(good_cached() | {"jobName": name})
    holds = 1 <= len(name) <= 63 and JOB_NAME.fullmatch(name) is not None
    assert (faults == []) == holds


def good_cached() -> dict[str, Any]:
    return dict(GOOD)


GOOD = good()


@given(
    st.dictionaries(
        st.sampled_from([*GOOD, "other"]),
        st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just({}) | st.just([]),
        max_size=4,
    )
)
def test_whatever_botocore_refuses_is_refused_here(changes: dict[str, Any]) -> None:
    """botocore's own validator checks less (no pattern, no enum), so it is a lower bound."""
    model = ServiceModel(Loader().load_service_model("bedrock", "service-2"))
    shape = model.operation_model("CreateModelCustomizationJob").input_shape
    spoilt = GOOD | changes
    if ParamValidator().validate(spoilt, shape).has_errors():
        assert validate_request(spoilt)


# What a job costs.


def test_training_costs_tokens_times_epochs_times_rate() -> None:
    card = find_card("nova-micro")
    cost = training_cost(card, card.plan("sft"), 3_000_000, 2)
    assert cost.usd == pytest.approx(6.0)
    assert cost.as_json() == {
        "usd": cost.usd,
        "item": "train_per_1k_tokens",
        "price": 0.001,
        "source": "AWS Machine Learning Blog, post of 2026-03-23",
        "date": "2026-03-23",
        "confidence": "aws_blog",
    }


def test_an_own_price_wins_and_says_whose_it_is() -> None:
    card = find_card("nova-micro")
    cost = training_cost(card, card.plan("sft"), 1000, 1, {"train_per_1k_tokens": 0.5})
    assert (cost.usd, cost.confidence) == (0.5, "user")


def test_no_price_is_no_guess() -> None:
    llama = find_card("llama-3-3-70b")
    assert training_cost(llama, llama.plan("sft"), 1000, 1).usd is None
    nova = find_card("nova-2-lite")
    cost = training_cost(nova, nova.plan("rft"), 1000, 1, {"train_hour": 80.0})
    assert (cost.usd, cost.item, cost.price) == (None, "train_hour", 80.0)


def test_image_models_bill_images_and_not_tokens() -> None:
    card = find_card("nova-canvas")
    assert training_cost(card, card.plan("sft"), 1000, 1).usd is None
    assert training_cost(card, card.plan("sft"), 0, 1, images=500 * 8).usd == pytest.approx(20.0)


EVERY_PLAN = [
    pytest.param(card, plan, id=f"{card.name}-{plan.customization}".lower())
    for card in load_cards().values()
    for plan in card.customizations.values()
]


@pytest.mark.parametrize(("card", "plan"), EVERY_PLAN)
def test_every_customization_of_every_card_has_a_request(card: Card, plan: Plan) -> None:
    """With every default of its card; ours and botocore's own validator take it."""
    word = plan.customization
    options: dict[str, dict[str, Any]] = {
        "DISTILLATION": {"teacher": plan.teachers[0] if plan.teachers else None},
        "REINFORCEMENT_FINE_TUNING": {"reward_lambda": LAMBDA},
    }
    more = options.get(word, {})
    defaults = {n: h.default for n, h in plan.hyperparameters.items() if h.default is not None}
    own = {} if plan.api == "openai" else {"role_arn": ROLE, "output_uri": "s3://bucket/models/"}
    job = JobSettings(**own, **more, hyperparameters=defaults)
    made = job_request(card, plan, job, TRAIN, None, DIGEST)
    if plan.api == "openai":
        assert made["job"]["model"] == card.model_id
        return
    assert validate_request(made) == []
    model = ServiceModel(Loader().load_service_model("bedrock", "service-2"))
    shape = model.operation_model("CreateModelCustomizationJob").input_shape
    assert not ParamValidator().validate(made, shape).has_errors()
    assert made["customizationType"] == word
    assert all(isinstance(value, str) for value in made.get("hyperParameters", {}).values())


CUSTOM = "arn:aws:bedrock:{}:{}:custom-model/amazon.nova-lite-v1:0:300k/abcdefghijkl"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("job.custom_model_name=my tea model", "job.custom_model_name: 'my tea model' is not"),
        ("job.kms_key_id=mykey", "job.kms_key_id: 'mykey' is not the ARN of a KMS key"),
        ("job.role_arn=BedrockRole", "job.role_arn: 'BedrockRole' is not the ARN of an IAM role"),
        ("job.output_uri=s3://tea-models/a+b", "job.output_uri: 's3://tea-models/a+b' is not"),
        ("publish.uri=s3://tea-data/a+b", "publish.uri: 's3://tea-data/a+b/runs"),
        ("job.base_model=nova-lite", "job.base_model: nova-lite is not the ARN of a custom model"),
        ("job.base_model=my-custom-model", "job.base_model: my-custom-model is not the ARN"),
        (f"job.base_model={CUSTOM.format('us-east-1', '9' * 12)}", "is of account 999999999999"),
        (f"job.base_model={CUSTOM.format('us-west-2', '1' * 4 + '2' * 4 + '3' * 4)}",
         "job.base_model: is in us-west-2, but aws.region is us-east-1"),
        ("job.tags={aws:team: tea}", "job.tags: aws:team: keys that begin with aws:"),
        ("job.vpc={subnet_ids: [s_1], security_group_ids: [sg-12345678]}", "job.vpc.subnet_ids: "),
    ],
)  # fmt: skip
def test_faults_of_a_job_are_found_before_the_work(tmp_path: Path, change: str, told: str) -> None:
    """With the recipe's key and the line of the target, not with the service's names."""
    path = write_recipe(tmp_path)
    with pytest.raises(RecipeError) as caught:
        load_recipe(path, ["aws={region: us-east-1}", change])
    [fault] = caught.value.faults
    assert told in fault and fault.startswith(f"{path}:5: targets.assistant: ")


def test_a_teachers_settings_are_held(tmp_path: Path) -> None:
    job = settings(teacher=f"{TEACHER}:300k")
    [fault] = faults_of("nova-micro", "distillation", job)
    assert fault.startswith(f"job.teacher: {TEACHER}:300k has a context length")
    assert fault.endswith(f"use {TEACHER}")
    for length in (0, -5):
        with pytest.raises(ValidationError):
            JobSettings(max_response_length=length)


def test_remedies_name_what_recipe_and_check_have() -> None:
    with pytest.raises(RecipeError, match=r"allow_legacy: true .*`check`: --allow-legacy"):
        refuse_closed(find_card("titan-text-express"))
    assert "allow: [tools-absent]" in RULES["tools-absent"].remedy
