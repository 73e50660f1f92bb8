"""The `teach` command: sends a recipe's documents to a teacher model, and keeps its answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from pipeline.bedrock.client import aws_client, session_region
from pipeline.bedrock.converse import Reply, converse, known_model
from pipeline.bedrock.spending import ITEMS, Bound, Budget, Pace, Rates, rates_of
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
REPORT_EVERY = 50  # answers


@dataclass(frozen=True)
class Limits:
    """How much may be spent, and how fast."""

    max_usd: float | None = None
    max_tokens: int | None = None  # input and output together
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    at_once: int = 4


@dataclass(frozen=True)
class Where:
    """How to reach Bedrock."""

    region: str | None = None
    endpoint_url: str | None = None


@dataclass
class Taught:
    """How many passages there are, and what became of them."""

    answers: str
    model: str
    passages: int = 0
    answered: int = 0
    new: int = 0  # answers of this call
    open_tokens_in: int = 0  # at most, for passages that are not answered yet
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
        lines = [
            f"{self.answers}: {self.answered} of {self.passages} passages answered by {self.model}"
        ]
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
    """A recipe with its teacher, ready to be asked."""

    recipe: Recipe
    folder: Path  # the recipe's folder
    options: Options
    progress: Progress
    rates: Rates
    model: str  # the name in the recipe
    model_id: str  # the id for Bedrock's runtime
    region: str | None
    answers: Path
    max_tokens: int  # of an answer

    def summary(self, requests: Requests, file: AnswersFile) -> Taught:
        """Count the passages, those that are answered, and the tokens that the others may need."""
        taught = Taught(str(self.answers), self.model)
        for request in requests:
            taught.passages += 1
            if bytes.fromhex(request.key) in file.known:
                taught.answered += 1
            else:
                taught.open_tokens_in += request.tokens
                taught.open_tokens_out += self.max_tokens
        taught.open_usd = self.rates.usd(taught.open_tokens_in, taught.open_tokens_out)
        return taught


def lesson(
    path: Path, changes: list[str], options: Callable[[Recipe], Options], progress: Progress,
    prices: dict[str, float],
) -> Lesson:  # fmt: skip
    """A recipe's teacher, with its card and prices. Raises RecipeError."""
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
        region=recipe.aws.region or (card.regions[0] if card and card.regions else None),
        answers=answers,
        max_tokens=teacher.max_tokens,
    )


def survey(lesson: Lesson, batch: Path | None = None) -> Taught:
    """Ask nothing: show what would be asked, and write it as a batch file if one is named."""
    with recipe_requests(lesson.recipe, lesson.folder, lesson.options, lesson.progress) as requests:
        with AnswersFile(lesson.answers) as file:
            taught = lesson.summary(requests, file)
            if batch is not None:
                write_batch(requests, file.known, batch)
                taught.batch = str(batch)
        return taught


def take_in(lesson: Lesson, results: Iterable[Path]) -> Taught:
    """Add the results of a batch job to the file of answers."""
    faults: Counter[str] = Counter()
    added = Taught("", "")
    with recipe_requests(lesson.recipe, lesson.folder, lesson.options, lesson.progress) as requests:
        with AnswersFile(lesson.answers) as file:
            for path in results:
                for key, reply in read_results(path, faults):
                    if file.add(answer_of(key, lesson.model, reply)):
                        added.new += 1
                        added.tokens_in += reply.tokens_in
                        added.tokens_out += reply.tokens_out
            taught = lesson.summary(requests, file)
        taught.new, taught.tokens_in, taught.tokens_out = (
            added.new,
            added.tokens_in,
            added.tokens_out,
        )
        taught.faults = dict(faults)
        return taught


def ask(lesson: Lesson, limits: Limits, where: Where) -> Taught:
    """Ask for all answers that are missing.

    Raises DataError when the budget is not enough or Bedrock refuses single requests, RecipeError
    when it refuses all, StorageError when it fails. Answers that have come are kept, and the same
    call continues from there.
    """
    budget = _budget(lesson, limits)
    region = where.region or lesson.region or session_region()
    if region is None:
        raise RecipeError(f"teacher.model {lesson.model}: in which Region? Give --region")
    profile = lesson.recipe.aws.profile
    runtime = aws_client("bedrock-runtime", region, where.endpoint_url, profile, 0, READ_TIMEOUT)
    pace = Pace(limits.requests_per_minute, limits.tokens_per_minute)

    def call(request: Request, bound: Bound) -> Reply:
        lost = partial(budget.lose, bound)
        return converse(runtime, lesson.model_id, request.body, pace, sum(bound), lost)

    with recipe_requests(lesson.recipe, lesson.folder, lesson.options, lesson.progress) as requests:
        with AnswersFile(lesson.answers) as file:
            before = lesson.summary(requests, file)
            left = before.passages - before.answered

            def say(so_far: Round) -> None:
                if so_far.asked % REPORT_EVERY == 0 or so_far.asked == left:
                    cost = _dollars(budget.usd())
                    lesson.progress.say(f"answered {so_far.asked} of {left}{cost}")

            client = Client(call, lesson.model, lesson.max_tokens, budget, file, say)
            ended = ask_all(requests, client, limits.at_once)
            taught = lesson.summary(requests, file)
        taught.new, taught.usd = ended.asked, budget.usd()
        taught.tokens_in, taught.tokens_out = budget.tokens_in, budget.tokens_out
    _refuse_unfinished(taught, ended)
    return taught


def _budget(lesson: Lesson, limits: Limits) -> Budget:
    """The budget. Raises RecipeError without a limit, or for dollars when no price is known."""
    if limits.max_usd is None and limits.max_tokens is None:
        raise RecipeError(
            "how much may be spent? Give --max-usd or --max-tokens; --dry-run shows what is needed"
        )
    if limits.max_usd is not None and lesson.rates.usd(1, 1) is None:
        given = " ".join(f"--price {item}=USD" for item in ITEMS)
        raise RecipeError(f"--max-usd: no price of {lesson.model} is known; give {given}")
    return Budget(lesson.rates, limits.max_usd, limits.max_tokens)


def _refuse_unfinished(taught: Taught, ended: Round) -> None:
    """Raise if passages are left without an answer: a script must not continue with a part."""
    done = f"{taught.answered} of {taught.passages} passages are answered and kept"
    if ended.fault:
        raise type(ended.fault)(f"{ended.fault}; {done}; fix that and run the same command again")
    if ended.exhausted:
        spent = f"{taught.tokens_in + taught.tokens_out:,} tokens{_dollars(taught.usd)}"
        raise DataError(
            f"the budget is not enough for the next call ({spent} spent): {done}; "
            "raise --max-usd or --max-tokens and run the same command again"
        )
    if ended.first_fault and not taught.answered:
        raise ended.first_fault
    if ended.first_fault:
        raise DataError(f"{ended.failed} requests were refused: {done}; {ended.first_fault}")
