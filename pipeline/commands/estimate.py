"""The `estimate` command: the costs of a run's target, or of any JSONL file."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from pipeline.bedrock.card import Card, Plan
from pipeline.bedrock.cards import find_card
from pipeline.bedrock.hyperparameters import whole_number
from pipeline.bedrock.own_card import written_card
from pipeline.costs.advice import RAG_ABOVE, Advice, advise
from pipeline.costs.break_even import Calls
from pipeline.costs.estimate import ITEMS, Estimate, Question, Tokens, estimate
from pipeline.costs.history import read_history
from pipeline.costs.repeated import LOOKED_AT, Repeated, find_repeated
from pipeline.costs.tokens import file_tokens, records_of, run_tokens, train_file
from pipeline.errors import RecipeError
from pipeline.published import PublishedRun, open_run
from pipeline.storage import is_remote

UNLABELLED = {"pretraining", "pretraining_text"}


@dataclass(frozen=True)
class Data:
    """What an estimate is made from."""

    card: Card
    plan: Plan
    tokens: Tokens
    job: dict[str, Any]  # hyperparameters
    repeated: Repeated | None  # None if the lines are not on this machine
    run: PublishedRun | None = None
    labelled: bool = True
    prices: dict[str, float] = field(default_factory=dict)  # the recipe's own
    answer_tokens: int | None = None  # distillation: the job's max_response_length


def estimate_costs(
    what: str,
    *,
    model: str | None = None,
    customization: str | None = None,
    target: str | None = None,
    epochs: int | None = None,
    steps: int | None = None,
    prices: Sequence[str] = (),
    calls_per_month: int | None = None,
    prompt_tokens_saved: int | None = None,
    prompt_tokens: int | None = None,
    completion_tokens: int | None = None,
    rag_above: float = RAG_ABOVE,
) -> Estimate:
    """Estimate the costs of a run's target, with advice from the runs before it, or of a file.

    Without `prompt_tokens_saved`, the tokens that most prompts repeat are used. Raises RecipeError
    for options that do not go together, DataError for a file that is not JSONL, StorageError.
    """
    own = own_prices(prices)
    told = {
        "--prompt-tokens-saved": prompt_tokens_saved,
        "--prompt-tokens": prompt_tokens,
        "--completion-tokens": completion_tokens,
    }
    alone = [name for name, value in told.items() if value is not None and calls_per_month is None]
    if alone:
        raise RecipeError(f"{alone[0]}: needs --calls-per-month too")
    path = Path(what)
    if not is_remote(what) and path.is_file():
        data = _of_file(path, model, customization)
    else:
        data = _of_run(open_run(what), model, customization, target)
    calls = _calls(calls_per_month, prompt_tokens_saved, prompt_tokens, data.repeated)
    if calls:
        calls = replace(calls, completion_tokens=completion_tokens)
    made = estimate(_question(data, epochs, steps), data.prices | own, calls)
    return replace(made, advice=_advice(data, rag_above, calls, made))


def _of_file(path: Path, model: str | None, customization: str | None) -> Data:
    if model is None:
        raise RecipeError(f"{path}: name the model with --model")
    card = find_card(model)
    plan = card.plan(customization)
    tokens = file_tokens(path, plan.formats)
    return Data(card, plan, tokens, {}, _repeated(path, plan.formats[0]))


def _of_run(run: PublishedRun, model: str | None, word: str | None, target: str | None) -> Data:
    name = _target(run, target, model)
    entry = run.manifest["targets"][name]
    card = _card(run, model, name)
    plan = card.plan(word or _own_customization(run, model, name))
    tokens, job, path = run_tokens(run, name), _hyperparameters(run, name), train_file(run, name)
    repeated = _repeated(path, entry["format"]) if path else None
    return Data(
        card,
        plan,
        tokens,
        job,
        repeated,
        run,
        entry["format"] not in UNLABELLED,
        {} if model else _recipe_prices(run, name),
        _job_setting(run, name, "max_response_length"),
    )


def _recipe_prices(run: PublishedRun, target: str) -> dict[str, float]:
    """The prices of the recipe's target; `--price` overrides them."""
    prices = run.manifest["recipe"]["targets"][run.whole(target)].get("prices") or {}
    return {item: usd for item, usd in prices.items() if item in ITEMS}


def _repeated(path: Path, format_name: str) -> Repeated:
    return find_repeated(islice(records_of(path), LOOKED_AT), format_name)


def _advice(data: Data, rag_above: float, calls: Calls | None, made: Estimate) -> Advice | None:
    """Advice for a run; None for a file, because it does not show how it has changed."""
    if data.run is None:
        return None
    history = read_history(data.run.place, data.run.manifest["name"])
    return advise(history, data.repeated, data.labelled, rag_above, calls, made.break_even)


def own_prices(prices: Iterable[str]) -> dict[str, float]:
    """US dollars by item, from texts `ITEM=USD`. Raises RecipeError."""
    prices_by_item = {}
    for price in prices:
        item, _, usd = price.partition("=")
        try:
            prices_by_item[item.strip()] = float(usd)
        except ValueError:
            raise RecipeError(f"--price {price}: is not ITEM=USD") from None
        if not 0 <= prices_by_item[item.strip()] < math.inf:  # also false for NaN
            raise RecipeError(f"--price {price}: {usd} is not a price")
    return prices_by_item


def _calls(
    a_month: int | None, saved: int | None, left: int | None, repeated: Repeated | None
) -> Calls | None:
    if a_month is None:
        return None
    if saved is None and repeated is None:
        raise RecipeError(
            "--calls-per-month: the lines are not on this machine, so what their prompts repeat "
            "cannot be measured; give --prompt-tokens-saved"
        )
    measured = repeated.tokens if repeated else 0
    return Calls(a_month, measured if saved is None else saved, left)


def _card(run: PublishedRun, model: str | None, target: str) -> Card:
    named = model or run.manifest["targets"][target].get("model")
    if named is None:
        raise RecipeError(f"{target}: has no model; give --model")
    own_card = None if model else written_card(run.manifest, run.whole(target))
    return own_card or find_card(named)


def _own_customization(run: PublishedRun, model: str | None, target: str) -> str | None:
    """The customization that the target was made for; None for another model."""
    word: str | None = run.manifest["targets"][target].get("customization")
    return None if model else word


def _target(run: PublishedRun, wanted: str | None, model: str | None) -> str:
    """The target that `wanted` names, or else the model's, or else the only one."""
    targets: dict[str, Any] = run.manifest["targets"]
    if wanted:
        if wanted not in targets:
            raise RecipeError(f"--target {wanted}: the run has {', '.join(targets)}")
        return wanted
    named = find_card(model).name if model else None
    fitting = (
        [name for name, entry in targets.items() if entry.get("model") == named] if named else []
    )
    fitting = fitting or [name for name, entry in targets.items() if "model" in entry]
    fitting = fitting or list(targets)
    if len(fitting) > 1:
        raise RecipeError(f"{run.uri}: has {', '.join(fitting)}; name one with --target")
    return fitting[0]


def _hyperparameters(run: PublishedRun, target: str) -> dict[str, Any]:
    """Those of the target's own job, or else of the recipe's, as in `Recipe.job_settings`."""
    return _job_setting(run, target, "hyperparameters") or {}


def _job_setting(run: PublishedRun, target: str, key: str) -> Any:
    """A setting of the target's own job, or else of the recipe's; None if neither has it."""
    recipe = run.manifest["recipe"]
    jobs = [recipe["targets"][run.whole(target)].get("job"), recipe.get("job")]
    return next((job[key] for job in jobs if job and job.get(key)), None)


def _question(data: Data, epochs: int | None, steps: int | None) -> Question:
    """Options take precedence over the run's job, and that over the card; else one epoch."""

    number = partial(whole_number, data.plan, data.job)
    known = epochs or number("epochCount")
    return Question(
        card=data.card,
        plan=data.plan,
        tokens=data.tokens,
        epochs=known or 1,
        epochs_known=known is not None,
        steps=steps or number("stepCount"),
        batch_size=number("batchSize") if "stepCount" in data.plan.hyperparameters else None,
        answer_tokens=data.answer_tokens,
    )
