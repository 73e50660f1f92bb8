"""The data behind an estimate: a run's manifest, or a JSONL file that anybody has made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.bedrock.card import Plan, Price
from pipeline.bedrock.cards import find_card
from pipeline.checks.places import texts
from pipeline.checks.standard import guess_format
from pipeline.errors import DataError, RecipeError, StorageError
from pipeline.estimate import ITEMS, BreakEven, Calls, Estimate, Question, Tokens, estimate
from pipeline.storage import is_remote
from pipeline.tokens import TURN_OVERHEAD, token_bound, token_estimate
from pipeline.why import PublishedRun, open_run

LINES_AT_ONCE = 2000


def estimate_costs(
    what: str,
    model: str | None = None,
    customization: str | None = None,
    target: str | None = None,
    epochs: int | None = None,
    steps: int | None = None,
    prices: Sequence[str] = (),
    calls_per_month: int | None = None,
    prompt_tokens_saved: int | None = None,
) -> Estimate:
    """The estimate for a run's target or a file, as the command line asks.

    Raises RecipeError for options that do not go together, DataError for a file that is not
    JSONL, StorageError.
    """
    own, calls = _own_prices(prices), _calls(calls_per_month, prompt_tokens_saved)
    path = Path(what)
    if not is_remote(what) and path.is_file():
        if model is None:
            raise RecipeError(f"{what}: for which model? Give --model")
        plan = find_card(model).plan(customization)
        tokens, job = file_tokens(path, plan.formats), {}
    else:
        run = open_run(what)
        name = _target(run, target, model)
        told = run.manifest["targets"][name]
        plan = _plan(told, model, customization, name)
        tokens, job = run_tokens(run, name), _hyperparameters(run, name)
    question = _question(plan, tokens, job, epochs, steps)
    return estimate(question, own, calls)


def _own_prices(prices: Iterable[str]) -> dict[str, float]:
    own = {}
    for price in prices:
        item, _, usd = price.partition("=")
        try:
            own[item.strip()] = float(usd)
        except ValueError:
            raise RecipeError(f"--price {price}: is not ITEM=USD") from None
    return own


def _calls(a_month: int | None, saved: int | None) -> Calls | None:
    if (a_month is None) != (saved is None):
        raise RecipeError("--calls-per-month and --prompt-tokens-saved go together")
    return None if a_month is None or saved is None else Calls(a_month, saved)


def _plan(told: dict[str, Any], model: str | None, word: str | None, name: str) -> Plan:
    asked = model or told.get("model")
    if asked is None:
        raise RecipeError(f"{name}: is for no model; give --model")
    own = None if model else told.get("customization")
    return find_card(asked).plan(word or own)


def _target(run: PublishedRun, wanted: str | None, model: str | None) -> str:
    """The target that is named, else that of the model, else the only one."""
    targets: dict[str, Any] = run.manifest["targets"]
    if wanted:
        if wanted not in targets:
            raise RecipeError(f"--target {wanted}: the run has {', '.join(targets)}")
        return wanted
    named = find_card(model).name if model else None
    fitting = (
        [name for name, told in targets.items() if told.get("model") == named] if named else []
    )
    fitting = fitting or [name for name, told in targets.items() if "model" in told]
    fitting = fitting or list(targets)
    if len(fitting) > 1:
        raise RecipeError(f"{run.uri}: has {', '.join(fitting)}; name one with --target")
    return fitting[0]


def _hyperparameters(run: PublishedRun, target: str) -> dict[str, Any]:
    """The recipe's own, those of the target over those of all."""
    recipe = run.manifest["recipe"]
    jobs = [recipe.get("job"), recipe["targets"][target].get("job")]
    return {key: value for job in jobs if job for key, value in job["hyperparameters"].items()}


def _question(
    plan: Plan, tokens: Tokens, job: dict[str, Any], epochs: int | None, steps: int | None
) -> Question:
    """Options win over the run's job, that over the card's defaults; else it is one epoch."""

    def number(name: str) -> int | None:
        rule = plan.hyperparameters.get(name)
        value = job.get(name, rule.default if rule else None)
        return int(value) if isinstance(value, int | float) else None

    known = epochs or number("epochCount")
    return Question(
        card=find_card(plan.card),
        plan=plan,
        tokens=tokens,
        epochs=known or 1,
        epochs_known=known is not None,
        steps=steps or number("stepCount"),
        batch_size=number("batchSize") if "stepCount" in plan.hyperparameters else None,
    )


def run_tokens(run: PublishedRun, target: str) -> Tokens:
    """The manifest's bound, and an estimate where the lines are on this machine."""
    told = run.manifest["targets"][target]
    images = sum(entry["path"].startswith(f"{target}/images/") for entry in run.manifest["files"])
    path = Path(run.place.uri, "runs", run.run, target, "train.jsonl")
    local = not is_remote(run.place.uri) and path.is_file()
    likely = file_tokens(path, [told["format"]]).estimate if local else None
    bound = told["tokens"].get("train", 0)
    return Tokens(told["records"].get("train", 0), bound, likely, images)


def file_tokens(path: Path, formats: Sequence[str]) -> Tokens:
    """Tokens of all texts of a JSONL file, which is read in parts.

    A record is taken for the format that it seems to be, else for the first one that the model
    takes. Raises DataError for a line that is no JSON object, StorageError.
    """
    records = bound = likely = images = 0
    found = _records(path)
    while values := list(islice(found, LINES_AT_ONCE)):
        said = [
            text
            for value in values
            for _, _, text in texts(value, guess_format(value) or formats[0])
        ]
        weighed = pl.DataFrame({"text": said}, schema={"text": pl.String}).select(
            bound=(token_bound(pl.col("text")) + TURN_OVERHEAD).sum(),
            likely=(token_estimate(pl.col("text")) + TURN_OVERHEAD).sum(),
        )
        records += len(values)
        bound += int(weighed["bound"].item())
        likely += int(weighed["likely"].item())
        images += sum(map(_images, values))
    return Tokens(records, bound, likely, images)


def _images(value: dict[str, Any]) -> int:
    """How many images a record names."""
    turns = value.get("messages")
    contents = [turn.get("content") for turn in turns or () if isinstance(turn, dict)]
    blocks = [block for content in contents if isinstance(content, list) for block in content]
    return sum("image" in block for block in blocks if isinstance(block, dict)) + (
        "image-ref" in value
    )


def _records(path: Path) -> Iterator[dict[str, Any]]:
    import orjson

    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                try:
                    value = orjson.loads(line)
                except orjson.JSONDecodeError:
                    value = None
                if not isinstance(value, dict):
                    told = "is no JSON object; `bedrock-prep check` names every fault"
                    raise DataError(f"{path}:{number}: {told}")
                yield value
    except OSError as error:
        raise StorageError(f"{path}: {error.strerror or error}") from error


def told_estimate(made: Estimate) -> str:
    """For people."""
    tokens = made.tokens
    likely = f"about {tokens.estimate:,}, " if tokens.estimate is not None else ""
    lines = [
        f"{made.model} {made.customization}, epochs: {made.epochs}",
        f"  data: {tokens.records:,} records, {likely}at most {tokens.bound:,} tokens",
        f"  training: {_told_training(made)}",
    ]
    for item, price in made.prices.items():
        lines.append(f"  {item}: {_told_price(item, price)}")
    lines += [_told_break_even(one) for one in made.break_even]
    return "\n".join([*lines, *(f"  note: {note}" for note in made.notes)])


def _told_training(made: Estimate) -> str:
    usd = made.training.usd
    if usd is None:
        return f"unknown ({ITEMS[made.training.item]})"
    if made.training_likely_usd is None or made.training.item != "train_per_1k_tokens":
        return f"${usd:,.4f}"
    return f"about ${made.training_likely_usd:,.4f}, at most ${usd:,.4f}"


def _told_price(item: str, price: Price | None) -> str:
    if price is None:
        return f"no price is known; give --price {item}=USD ({ITEMS[item]})"
    when = ", ".join(part for part in (price.date, price.confidence, price.source) if part)
    return f"${price.usd:.8f}".rstrip("0").rstrip(".") + f" ({when})"


def _told_break_even(one: BreakEven) -> str:
    calls = f"{one.calls_a_month:,} calls a month" if one.calls_a_month is not None else "never"
    paid = "training is not paid back"
    if one.months is not None:
        paid = f"training is paid back in {one.months:.1f} months"
    return (
        f"  {one.hosting}: ${one.fixed_usd_a_month:,.2f} a month, pays from {calls}; "
        f"at the given calls: {paid}"
    )
