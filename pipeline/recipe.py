"""The recipe file, typed: its tree is the pipeline.

YAML, strict, read by the safe loader; all faults are reported at once, each with its line, its
path and the name that was probably meant.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, get_args

from pydantic import AfterValidator, BaseModel, Field, TypeAdapter, ValidationError

from pipeline.bedrock.cards import Card, Plan, find_card, with_batch_size, with_quota
from pipeline.bedrock.hyperparameters import whole_number
from pipeline.bedrock.job import JobSettings
from pipeline.bedrock.own_card import is_card_file
from pipeline.corpus_stage import Stage
from pipeline.entries import AnySource, AnyStage, AnyTarget, TargetSettings, keys_of_entry
from pipeline.errors import RecipeError
from pipeline.faults import explain
from pipeline.gate.own import read_suite
from pipeline.readers import READERS
from pipeline.recipe_faults import cross_faults, gate_faults
from pipeline.recipe_settings import Aws, Gate, Publish, Report
from pipeline.source import Reader
from pipeline.stage import Settings
from pipeline.stages import STAGES
from pipeline.stages.split import Split
from pipeline.targets import TARGETS
from pipeline.targets.contract import Target
from pipeline.withdraw import sorted_entries
from pipeline.yaml_file import Positions, load_yaml, set_value

NAME = r"^[a-z0-9][a-z0-9_-]{0,62}$"


class Recipe(Settings):
    """What to read, what to do with it, and what to write: the whole pipeline."""

    name: str = Field(pattern=NAME)
    sources: list[AnySource] = Field(min_length=1)
    # sources, and records as `why` names them (`source (locator)`), that no run may use
    withdraw: Annotated[list[str], AfterValidator(sorted_entries)] = Field(default_factory=list)
    stages: list[AnyStage] | None = None
    # read in the same way as sources; `decontaminate` keeps their questions out of the data
    evaluation_sets: dict[Annotated[str, Field(pattern=NAME)], AnySource] = Field(
        default_factory=dict
    )
    # read in the same way as sources; dedup_exact and dedup_near reject what is in them already
    against: dict[Annotated[str, Field(pattern=NAME)], AnySource] = Field(default_factory=dict)
    targets: dict[Annotated[str, Field(pattern=NAME)], AnyTarget] = Field(min_length=1)
    split: Split = Split()
    publish: Publish | None = None
    job: JobSettings | None = None
    gate: Gate = Gate()
    report: Report = Report()
    aws: Aws = Aws()

    def as_json(self) -> dict[str, Any]:
        """The recipe with all defaults filled in, without the settings for reaching AWS.

        Report settings, the user's own expectations and `withdraw` are included only if they are
        set, so that a run without them keeps its digest. A model card of the user's own is
        included in full under its target's name: its content counts, its path does not.
        """
        plain = self._plain_parts()
        cards = {name: self.card(name) for name in self.targets if self._has_own_card(name)}
        own = {name: card.model_dump(mode="json") for name, card in cards.items() if card}
        for name, card in own.items():
            plain["targets"][name]["model"] = card["name"]
        return plain | ({"cards": own} if own else {})

    def _has_own_card(self, name: str) -> bool:
        return is_card_file(self.targets[name].model or "")

    def _plain_parts(self) -> dict[str, Any]:
        plain: dict[str, Any] = {
            "name": self.name,
            "sources": [_plain(source) for source in self.sources],
            "stages": [{stage.name: _plain(stage)} for stage in self.steps()],
            "targets": {name: _plain(entry) for name, entry in self.targets.items()},
            "split": _plain(self.split),
            "publish": _plain(self.publish),
            "job": _plain(self.job),
            "gate": _plain(self.gate),
        }
        if self.evaluation_sets:
            own = {name: _plain(source) for name, source in self.evaluation_sets.items()}
            plain["evaluation_sets"] = own
        if self.against:
            plain["against"] = {name: _plain(source) for name, source in self.against.items()}
        if not self.gate.expectations:
            del plain["gate"]["expectations"]
        if self.withdraw:
            plain["withdraw"] = self.withdraw
        return plain if self.report == Report() else plain | {"report": _plain(self.report)}

    def all_sources(self) -> dict[str, Any]:
        """All entries to read (sources, evaluation sets, earlier data) by their recipe path."""
        own = {f"sources[{number}]": source for number, source in enumerate(self.sources)}
        sets = {f"evaluation_sets.{name}": source for name, source in self.evaluation_sets.items()}
        return own | sets | {f"against.{name}": source for name, source in self.against.items()}

    def reader(self, source: Any) -> Reader | None:
        """The reader that a source entry names, or None if it is to be found from the content."""
        if source.reader is None:
            return None
        settings = source.model_dump(exclude={"path", "reader"})
        return READERS[source.reader](**settings)

    def looks_back(self) -> bool:
        """Whether the gate compares the data with that of the previous run."""
        return self.gate.drift is not None

    def has_deltas(self) -> bool:
        """Whether a target has only records that previous runs have not shipped."""
        return any(entry.mode == "delta" for entry in self.targets.values())

    def steps(self) -> list[Stage]:
        """The stages in order; sensible defaults for the targets if the recipe names none."""
        return list(self.stages) if self.stages is not None else default_stages(self)

    def target(self, name: str) -> Target:
        """The target's renderer, without the settings that all targets share."""
        entry = self.targets[name]
        shared = set(TargetSettings.model_fields) | {"format"}
        target: Target = TARGETS[entry.format](**entry.model_dump(exclude=shared))
        return target

    def card(self, name: str) -> Card | None:
        """The model card of a target, or None for a format without a model."""
        model = self.targets[name].model
        return None if model is None else find_card(model)

    def plan(self, name: str) -> Plan | None:
        """The limits for a target: at its job's batch size, and with the recipe's quota."""
        entry, job = self.targets[name], self.job_settings(name)
        if entry.model is None:
            return None
        plan = find_card(entry.model).plan(entry.customization)
        batch_size = whole_number(plan, job.hyperparameters, "batchSize") if job else None
        if batch_size is not None and "tokens_max" not in entry.quota:
            plan = with_batch_size(plan, batch_size)
        return with_quota(plan, entry.quota)

    def job_settings(self, name: str) -> JobSettings | None:
        """The job of a target: the recipe's `job`, overridden by the target's own fields."""
        own = self.targets[name].job
        if self.job is None or own is None:
            return own or self.job
        return self.job.model_copy(update={key: getattr(own, key) for key in own.model_fields_set})


def _plain(settings: Any) -> dict[str, Any] | None:
    """Settings as JSON, without those that are not set."""
    if settings is None:
        return None
    plain: dict[str, Any] = settings.model_dump(mode="json", exclude_none=True)
    return plain


def default_stages(recipe: Recipe) -> list[Stage]:
    """The stages to use if the recipe names none, chosen by the formats of its targets."""
    formats = {entry.format for entry in recipe.targets.values()}
    if "image_caption" in formats:
        names = ["clean", "dedup_image"]
    elif formats <= {"pretraining", "pretraining_text"}:
        names = ["clean", "language", "quality", "dedup_exact", "dedup_near", "chunk"]
    else:
        names = ["clean", "language", "label", "dedup_exact", "contradictions"]
    if recipe.evaluation_sets:
        names.insert(names.index("dedup_exact") if "dedup_exact" in names else 1, "decontaminate")
    return [STAGES[name]() for name in names]


def load_recipe(path: Path, changes: list[str] | None = None) -> Recipe:
    """Read a recipe, apply `changes` (`a.b=value`), and validate it.

    Raises RecipeError with all faults, a line each: `recipe.yaml:12: stages[1].alow: …`.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        cause = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise RecipeError(f"{path}: cannot be read as a recipe: {cause}") from None
    tree, positions = load_yaml(text, str(path))
    for change in changes or []:
        set_value(tree, change)
    _place_cards(tree, path.parent)
    return with_suite(parse_recipe(tree, positions, path.parent), path.parent)


def with_suite(recipe: Recipe, folder: Path) -> Recipe:
    """The recipe with the gate's suite file read into it, so that the run's digest covers it."""
    if recipe.gate.suite is None:
        return recipe
    read = read_suite(folder / recipe.gate.suite)
    gate = recipe.gate.model_copy(
        update={"suite": None, "expectations": [*recipe.gate.expectations, *read]}
    )
    whole = recipe.model_copy(update={"gate": gate})
    faults = list(gate_faults(whole))
    if faults:
        raise RecipeError(*faults)
    return whole


def _place_cards(tree: Any, folder: Path) -> None:
    """Make paths of the user's own model cards relative to the recipe's folder, like sources."""
    targets = tree.get("targets") if isinstance(tree, dict) else None
    for entry in targets.values() if isinstance(targets, dict) else ():
        model = entry.get("model") if isinstance(entry, dict) else None
        if isinstance(model, str) and is_card_file(model):
            entry["model"] = str(folder / model)


def parse_recipe(tree: Any, positions: Positions, folder: Path = Path()) -> Recipe:
    """A recipe from its plain values; files that a stage needs are found from `folder`."""
    try:
        recipe: Recipe = TypeAdapter(Recipe).validate_python(tree, context={"folder": folder})
    except ValidationError as error:
        raise RecipeError(*explain(error, positions, _known_keys)) from None
    faults = list(cross_faults(recipe, positions))
    if faults:
        raise RecipeError(*faults)
    return recipe


def _known_keys(loc: tuple[str | int, ...]) -> set[str]:
    """The keys that a recipe may have at a place, for a "did you mean"."""
    entry = keys_of_entry(loc)
    if entry is not None:
        return entry
    model: Any = Recipe
    for step in loc:
        field = model.model_fields.get(step) if model is not None else None
        model = next((member for member in _members(field) if _is_model(member)), None)
    return set(model.model_fields) if model is not None else set()


def _members(field: Any) -> tuple[Any, ...]:
    return () if field is None else get_args(field.annotation) or (field.annotation,)


def _is_model(member: Any) -> bool:
    return isinstance(member, type) and issubclass(member, BaseModel)
