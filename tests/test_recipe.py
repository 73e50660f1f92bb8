"""A recipe: typed, every fault at once, with its line and a "did you mean"."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import yaml
from conftest import SAMPLE

from pipeline.bedrock.pricing import training_cost
from pipeline.errors import RecipeError
from pipeline.generated import recipe_schema
from pipeline.recipe import Recipe, load_recipe

GOOD = """
name: tea
sources:
  - path: documents/
  - path: pairs.jsonl
    reader: jsonl
    columns: {prompt: question, completion: answer}
stages:
  - clean
  - language: {allow: [en, vi]}
  - chunk: {max_tokens: 300}
targets:
  assistant: {model: nova-lite, customization: fine-tuning}
  corpus: {format: pretraining}
split: {validation: 0.1, group_by: document}
"""


def load(text: str, folder: Path, *changes: str) -> Recipe:
    path = folder / "recipe.yaml"
    path.write_text(text, encoding="utf-8")
    return load_recipe(path, list(changes))


def faults(text: str, folder: Path) -> list[str]:
    with pytest.raises(RecipeError) as caught:
        load(text, folder)
    return [fault.removeprefix(f"{folder}/") for fault in caught.value.faults]


def test_a_recipe_becomes_readers_stages_and_targets(tmp_path: Path) -> None:
    """Names become the rooms they name, with their settings."""
    recipe = load(GOOD, tmp_path)
    assert [stage.name for stage in recipe.steps()] == ["clean", "language", "chunk"]
    assert recipe.steps()[2].max_tokens == 300  # type: ignore[attr-defined]
    assert recipe.reader(recipe.sources[0]) is None
    reader = recipe.reader(recipe.sources[1])
    assert reader is not None
    assert reader.name == "jsonl"
    assert recipe.target("assistant").format == "conversation"
    plan = recipe.plan("assistant")
    assert plan is not None
    assert plan.limits.records_max is not None
    assert recipe.plan("corpus") is None


def test_every_fault_is_told_at_once_with_line_path_and_guess(tmp_path: Path) -> None:
    """A person mends the recipe in one go."""
    text = """
name: Tea!
sorces: []
sources:
  - path: a/
    reader: jsnl
  - path: b.jsonl
    reader: jsonl
    colums: {}
  - {path: c.csv, columns: {text: body}}
  - d.txt
stages:
  - clen
  - language: {alow: [en]}
  - chunk: {max_tokens: many}
targets:
  assistant: {model: nova-lit}
  corpus: {format: pretrainin}
  llama: {model: llama-3-1-8b}
split: {validation: 2}
"""
    told = faults(text, tmp_path)
    expected = [
        ("recipe.yaml:2: name:", "should match"),
        ("recipe.yaml:3: sorces: unknown key", "'sources'"),
        ("recipe.yaml:5: sources[0]: no such name: jsnl", "'jsonl'"),
        ("recipe.yaml:9: sources[1].colums: unknown key", "'columns'"),
        ("recipe.yaml:10: sources[2]: columns is a setting of a reader: name it too", "csv"),
        ("recipe.yaml:11: sources[3]: must be a mapping", '"d.txt"'),
        ("recipe.yaml:13: stages[0]: no such name: clen", "'clean'"),
        ("recipe.yaml:14: stages[1].language.alow: unknown key", "'allow'"),
        ("recipe.yaml:15: stages[2].chunk.max_tokens:", "many"),
        ("recipe.yaml:17: targets.assistant:", "nova-lite"),
        ("recipe.yaml:18: targets.corpus:", "'pretraining'"),
        ("recipe.yaml:20: split.validation:", "less than"),
    ]
    assert len(told) == len(expected), told
    for fault, (begins, holds) in zip(told, expected, strict=True):
        assert fault.startswith(begins), fault
        assert holds in fault, fault


def test_a_closed_model_is_refused_with_the_open_ones(tmp_path: Path) -> None:
    """Legacy models take no new job; whoever wants the data all the same says so."""
    text = GOOD.replace("model: nova-lite", "model: llama-3-1-8b")
    (fault,) = faults(text, tmp_path)
    assert "llama-3-1-8b is legacy" in fault
    assert "nova-lite" in fault
    allowed = text.replace("fine-tuning}", "fine-tuning, allow_legacy: true}")
    assert load(allowed, tmp_path).target("assistant").format == "prompt_completion"


def test_a_job_that_could_not_start_is_refused_before_the_work(tmp_path: Path) -> None:
    """A hyperparameter out of range is a fault of the recipe, not found after hours."""
    job = "job: {role_arn: 'arn:aws:iam::111122223333:role/R', output_uri: 's3://bucket/out', "
    text = GOOD + job + "hyperparameters: {epochCount: 99}}\n"
    (fault,) = faults(text, tmp_path)
    assert "epochCount" in fault


def test_the_token_limit_is_that_of_the_jobs_batch_size(tmp_path: Path) -> None:
    """A quota of one's own wins over it; the limit stays the card's, with its source."""
    target = "model: titan-text-express, customization: fine-tuning, allow_legacy: true"
    text = GOOD.replace("model: nova-lite, customization: fine-tuning", target)
    job = "job: {role_arn: 'arn:aws:iam::111122223333:role/R', output_uri: 's3://bucket/out', "
    text += job + "hyperparameters: {batchSize: 4}}\n"

    def limit(*changes: str) -> tuple[object, str]:
        plan = load(text, tmp_path, *changes).plan("assistant")
        assert plan is not None
        assert plan.limits.tokens_max is not None
        return plan.limits.tokens_max.value, plan.limits.tokens_max.confidence

    assert limit() == (2048, "official")
    assert limit("job.hyperparameters.batchSize=1") == (4096, "official")
    assert limit("targets.assistant.quota.tokens_max=3000") == (3000, "user")
    with pytest.raises(RecipeError, match="batchSize: 5 is over 4, the greatest for which AWS"):
        load(text, tmp_path, "job.hyperparameters.batchSize=5")


def test_secrets_have_no_place_in_a_recipe(tmp_path: Path) -> None:
    """Credentials come from the default chain only."""
    (fault,) = faults(GOOD + "aws: {secret_access_key: abc}\n", tmp_path)
    assert "unknown key" in fault
    assert "abc" not in fault


def test_settings_on_the_command_line_change_the_recipe(tmp_path: Path) -> None:
    """And are held to the same types."""
    assert load(GOOD, tmp_path, "stages.chunk.max_tokens=99").steps()[2].max_tokens == 99  # type: ignore[attr-defined]
    with pytest.raises(RecipeError):
        load(GOOD, tmp_path, "stages.chunk.max_tokens=many")


def test_stages_left_out_are_a_sane_list(tmp_path: Path) -> None:
    """By what the targets are made of."""
    text = "name: a\nsources: [{path: a}]\ntargets: {t: {format: %s}}\n"
    assert "chunk" in [s.name for s in load(text % "pretraining", tmp_path).steps()]
    assert "label" in [s.name for s in load(text % "conversation", tmp_path).steps()]


@pytest.mark.parametrize("name", sorted(path.stem for path in SAMPLE.glob("*.yaml")))
def test_the_sample_recipes_hold(name: str) -> None:
    """Against the code and against the schema that editors use."""
    path = SAMPLE / f"{name}.yaml"
    load_recipe(path)
    jsonschema.validate(yaml.safe_load(path.read_text()), json.loads(recipe_schema()))


def test_the_recipe_schema_refuses_what_the_code_refuses() -> None:
    """A stage that does not exist, a key that a stage does not have."""
    schema = json.loads(recipe_schema())
    for stages in (["clen"], [{"chunk": {"max_token": 3}}]):
        recipe = yaml.safe_load(GOOD) | {"stages": stages}
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(recipe, schema)
    jsonschema.validate(yaml.safe_load(GOOD), schema)


@pytest.mark.parametrize(
    "setting",
    [
        "split.group_by=$.a[",
        "stages.1={dedup_exact: {fields: ['$.a[']}}",
        "stages.1={dedup_near: {quality: '$.a['}}",
        "stages.1={dedup_near: {date: '$.a['}}",
    ],
)
def test_what_is_no_json_path_is_refused(tmp_path: Path, setting: str) -> None:
    """Else the run ends where the first record comes to it; and those that are ones are taken."""
    with pytest.raises(RecipeError, match=r"recipe\.yaml:\d+: .*\$\.a\[ is not a JSON path"):
        load(GOOD, tmp_path, setting)
    load(GOOD, tmp_path, setting.replace("$.a[", "$.a[0]"))


def test_chunks_that_no_record_of_the_model_may_be_are_refused(tmp_path: Path) -> None:
    """Else every long document would be a reject, hours later."""
    text = GOOD.replace("max_tokens: 300", "max_tokens: 40000")
    (fault,) = faults(text, tmp_path)
    assert "40000" in fault
    assert "32000" in fault


def test_languages_of_a_target_need_the_stage(tmp_path: Path) -> None:
    """Without it no record has a language, and the wish would say nothing."""
    text = GOOD.replace("fine-tuning}", "fine-tuning, languages: [vi-VN]}")
    assert load(text, tmp_path).targets["assistant"].languages == ["vi"]
    with pytest.raises(RecipeError, match="languages needs the stage language"):
        load(text, tmp_path, "stages=[clean]")


def test_prices_of_ones_own_win_over_the_cards(tmp_path: Path) -> None:
    """Prices change, and accounts have their own."""
    text = GOOD.replace("fine-tuning}", "fine-tuning, prices: {train_per_1k_tokens: 0.5}}")
    recipe = load(text, tmp_path)
    card, plan = recipe.card("assistant"), recipe.plan("assistant")
    assert card is not None
    assert plan is not None
    cost = training_cost(card, plan, 2_000, 3, recipe.targets["assistant"].prices)
    assert cost.usd == 3.0


def test_a_target_named_as_a_part_of_another_is_refused(tmp_path: Path) -> None:
    """Both would be one folder, which the run would find out after all its work."""
    targets = "targets: {{p: {{model: nova-lite, overflow: {}}}, p-1: {{format: pretraining}}}}\n"
    text = f"name: tea\nsources: [{{{{path: a}}}}]\nstages: [clean]\n{targets}"
    (told,) = faults(text.format("parts"), tmp_path)
    assert told.startswith("recipe.yaml:4: targets.p: with `overflow: parts`, a part may be")
    assert len(load(text.format("select"), tmp_path).targets) == 2
