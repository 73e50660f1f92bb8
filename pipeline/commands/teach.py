"""The `teach` command: sends a recipe's documents to a teacher model, and keeps its answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from pipeline.bedrock.client import aws_client
from pipeline.bedrock.converse import Reply, converse, known_model
from pipeline.bedrock.spending import ITEMS, Bound, Budget, Pace, Rates, rates_of
from pipeline.bedrock.teacher_region import refuse_misfit, teacher_region
from pipeline.errors import DataError, RecipeError
from pipeline.progress import Progress
from pipeline.recipe import Recipe, load_recipe
from pipeline.run import Options
from pipeline.teach.ask import Client, Round, answer_of, ask_all
from pipeline.teach.batch import read_results, write_batch
from pipeline.teach.file import AnswersFile
from pipeline.teach.recipe import teacher_of
from pipeline.teach.requests import Request, Requests, recipe_requests

READ_TIMEOUT = 300  # seconds that an answer may take
TELL_EVERY = 50  # answers


@dataclass(frozen=True)
class Limits:
    """How much may be spent, and how fast."""

    max_usd: float | None = None
    max_tokens: int | None = None  # in and out together
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    at_once: int = 4


@dataclass
class Taught:
    """How many passages there are, and what became of them."""

    answers: str
    model: str
    region: str | None = None  # where the model is asked
    passages: int = 0
    answered: int = 0
    new: int = 0  # answers of this call
    open_tokens_in: int = 0  # bound of what is not answered yet
    open_tokens_out: int = 0
    open_usd: float | None = None
    tokens_in: int = 0  # spent by this call
    tokens_out: int = 0
    usd: float | None = None
    batch: str | None = None
    faults: dict[str, int] = field(default_factory=dict)  # results without an answer

    def as_json(self) -> dict[str, Any]:
        """The fields as JSON."""
        return asdict(self)

    def as_text(self) -> str:
        """The result for people, in lines."""
        place = f" in {self.region}" if self.region else ""
        done = f"{self.answered} of {self.passages} passages answered"
        lines = [f"{self.answers}: {done} by {self.model}{place}"]
        if self.new:
            spent = f"{self.tokens_in:,} tokens in, {self.tokens_out:,} out{_dollars(self.usd)}"
            lines.append(f"  new: {self.new}, {spent}")
        if left := self.passages - self.answered:
            most = f"{self.open_tokens_in:,} tokens in, {self.open_tokens_out:,} out"
            lines.append(f"  not asked yet: {left}, at most {most}{_dollars(self.open_usd)}")
        if self.batch:
            lines.append(f"  {self.batch}: {self.passages - self.answered} requests")
        lines += [f"  without an answer: {what} {n}" for what, n in sorted(self.faults.items())]
        return "\n".join(lines)


def _dollars(usd: float | None) -> str:
    return "" if usd is None else f", {usd:,.2f} USD"


@dataclass(frozen=True)
class Lesson:
    """A recipe with its teacher, ready to ask."""

    recipe: Recipe
    folder: Path  # of the recipe
    options: Options
    progress: Progress
    rates: Rates
    model: str  # as the recipe says
    model_id: str  # as the runtime knows it
    region: str | None
    answers: Path
    max_tokens: int  # of an answer

    def tell(self, requests: Requests, file: AnswersFile) -> Taught:
        """Count the passages, those that are answered, and the tokens that the others may need."""
        told = Taught(str(self.answers), self.model, self.region)
        for request in requests:
            told.passages += 1
            if bytes.fromhex(request.key) in file.known:
                told.answered += 1
            else:
                told.open_tokens_in += request.tokens
                told.open_tokens_out += self.max_tokens
        told.open_usd = self.rates.usd(told.open_tokens_in, told.open_tokens_out)
        return told


def lesson(
    path: Path, changes: list[str], options: Callable[[Recipe], Options], progress: Progress,
    prices: dict[str, float], region: str | None = None,
) -> Lesson:  # fmt: skip
    """A recipe's teacher by its name, with card, prices and Region. Raises RecipeError."""
    recipe = load_recipe(path, changes)
    teacher = teacher_of(recipe)
    card, model_id = known_model(teacher.model)
    folder = path.resolve().parent
    answers = (folder / teacher.answers).resolve()
    if answers.is_dir() or not answers.parent.is_dir():
        raise RecipeError(f"teacher.answers: {answers}: name a file in an existing folder")
    return Lesson(
        recipe=recipe,
        folder=folder,
        options=options(recipe),
        progress=progress,
        rates=rates_of(card, prices),
        model=teacher.model,
        model_id=model_id,
        region=teacher_region(model_id, card, region, recipe.aws.region, recipe.aws.profile),
        answers=answers,
        max_tokens=teacher.max_tokens,
    )


def survey(one: Lesson, batch: Path | None = None) -> Taught:
    """Ask nothing: tell what would be asked, and write it as a batch file if one is named.

    Raises RecipeError for a model that cannot be asked in its Region.
    """
    if one.region:
        refuse_misfit(one.model_id, one.region)
    with recipe_requests(one.recipe, one.folder, one.options, one.progress) as requests:
        with AnswersFile(one.answers) as file:
            told = one.tell(requests, file)
            if batch is not None:
                write_batch(requests, file.known, batch)
                told.batch = str(batch)
        return told


def take_in(one: Lesson, results: Iterable[Path]) -> Taught:
    """Take the results of a batch job into the file of answers."""
    faults: Counter[str] = Counter()
    used = Taught("", "")
    with recipe_requests(one.recipe, one.folder, one.options, one.progress) as requests:
        with AnswersFile(one.answers) as file:
            for path in results:
                for key, reply in read_results(path, faults):
                    if file.add(answer_of(key, one.model, reply)):
                        used.new += 1
                        used.tokens_in += reply.tokens_in
                        used.tokens_out += reply.tokens_out
            told = one.tell(requests, file)
        told.new, told.tokens_in, told.tokens_out = used.new, used.tokens_in, used.tokens_out
        told.faults = dict(faults)
        return told


def ask(one: Lesson, limits: Limits, endpoint_url: str | None = None) -> Taught:
    """Ask what is not answered yet.

    Raises DataError when the budget is not enough or Bedrock finds single requests
    wrong, RecipeError when it finds all wrong, StorageError when it fails; the answers that have
    come are kept, and the same call goes on from there.
    """
    budget = _budget(one, limits)
    region = one.region
    if region is None:
        raise RecipeError(f"teacher.model {one.model}: in which Region? Give --region")
    refuse_misfit(one.model_id, region)
    one.progress.say(f"texts are sent to {one.model_id} in {region}")
    profile = one.recipe.aws.profile
    runtime = aws_client("bedrock-runtime", region, endpoint_url, profile, 0, READ_TIMEOUT)
    pace = Pace(limits.requests_per_minute, limits.tokens_per_minute)

    def call(request: Request, bound: Bound) -> Reply:
        lost = partial(budget.lose, bound)
        return converse(runtime, one.model_id, request.body, pace, sum(bound), lost)

    with recipe_requests(one.recipe, one.folder, one.options, one.progress) as requests:
        with AnswersFile(one.answers) as file:
            open_ones = one.tell(requests, file)
            left = open_ones.passages - open_ones.answered

            def say(so_far: Round) -> None:
                if so_far.asked % TELL_EVERY == 0 or so_far.asked == left:
                    cost = _dollars(budget.usd())
                    one.progress.say(f"answered {so_far.asked} of {left}{cost}")

            client = Client(call, one.model, one.max_tokens, budget, file, say)
            ended = ask_all(requests, client, limits.at_once)
            told = one.tell(requests, file)
        told.new, told.usd = ended.asked, budget.usd()
        told.tokens_in, told.tokens_out = budget.tokens_in, budget.tokens_out
    _refuse_unfinished(told, ended)
    return told


def _budget(one: Lesson, limits: Limits) -> Budget:
    """Raises RecipeError without a limit, and for dollars where no price is known."""
    if limits.max_usd is None and limits.max_tokens is None:
        raise RecipeError(
            "how much may be spent? Give --max-usd or --max-tokens; --dry-run tells what is needed"
        )
    if limits.max_usd is not None and one.rates.usd(1, 1) is None:
        given = " ".join(f"--price {item}=USD" for item in ITEMS)
        raise RecipeError(f"--max-usd: no price of {one.model} is known; give {given}")
    return Budget(one.rates, limits.max_usd, limits.max_tokens)


def _refuse_unfinished(told: Taught, ended: Round) -> None:
    """Raise when passages are left without an answer: a script must not go on with a part."""
    done = f"{told.answered} of {told.passages} passages are answered and kept"
    if ended.fault:
        raise type(ended.fault)(f"{ended.fault}; {done}; mend that and run the same command again")
    if ended.exhausted:
        spent = f"{told.tokens_in + told.tokens_out:,} tokens{_dollars(told.usd)}"
        raise DataError(
            f"the budget is not enough for the next call ({spent} spent): {done}; "
            "raise --max-usd or --max-tokens and run the same command again"
        )
    if ended.first_fault and not told.answered:
        raise ended.first_fault
    if ended.first_fault:
        raise DataError(f"{ended.failed} requests were refused: {done}; {ended.first_fault}")
