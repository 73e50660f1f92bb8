"""The types of a model card: what a Bedrock model accepts, each number with its source.

If sources disagree, `value` is the stricter one, and the looser one is in `disagrees`.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict

from pipeline.errors import RecipeError

Customization = Literal[
    "FINE_TUNING", "CONTINUED_PRE_TRAINING", "DISTILLATION", "REINFORCEMENT_FINE_TUNING"
]
Format = Literal[
    "prompt_completion",
    "conversation",
    "claude3_messages",
    "image_caption",
    "pretraining",
    "pretraining_text",
    "reinforcement",
    "distillation",
    "batch_inference",
]
Content = Literal["text", "image", "video", "document", "reasoning", "tools"]
Scalar = int | float | str


WORDS: dict[str, Customization] = {
    "finetuning": "FINE_TUNING",
    "finetune": "FINE_TUNING",
    "supervisedfinetuning": "FINE_TUNING",
    "sft": "FINE_TUNING",
    "continuedpretraining": "CONTINUED_PRE_TRAINING",
    "pretraining": "CONTINUED_PRE_TRAINING",
    "cpt": "CONTINUED_PRE_TRAINING",
    "distillation": "DISTILLATION",
    "modeldistillation": "DISTILLATION",
    "reinforcementfinetuning": "REINFORCEMENT_FINE_TUNING",
    "rft": "REINFORCEMENT_FINE_TUNING",
}
"""The API's word for each common name of a customization (lower case, letters only)."""


def customization(word: str) -> Customization:
    """The API's word for `fine-tuning`, `sft`, `FINE_TUNING`, `cpt`, `distillation`, `rft`, …

    Raises RecipeError for any other word.
    """
    plain = re.sub("[^a-z]", "", word.lower())
    if plain in WORDS:
        return WORDS[plain]
    close = get_close_matches(plain, WORDS, n=1)
    meant = f"; did you mean {WORDS[close[0]]}?" if close else ""
    known = ", ".join(get_args(Customization))
    raise RecipeError(f"customization: {word!r} is not one{meant} (use one of: {known})")


class Fact(BaseModel):
    """The base of all card types: frozen, and strict about names and types."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Cited(Fact):
    """Something with its source (URL or reference), date (YYYY[-MM[-DD]]) and confidence."""

    source: str
    date: str
    confidence: Literal[
        "official", "api", "aws_sample", "aws_blog", "third_party", "derived", "guess", "user"
    ]
    note: str | None = None


class Disagreement(Cited):
    """A value from the looser of two sources."""

    value: Scalar | tuple[str, ...]


class Batch(Fact):
    """The limit that applies while `batchSize` is at most `up_to`."""

    up_to: int
    value: int


OWN_QUOTA = "the recipe's quota"
"""The `source` of a limit that the user has set; `disagrees` then has the card's limit."""


class Number(Cited):
    """A limit; `counts` says which records it counts, `batches` has its values by batch size."""

    value: int | float
    disagrees: Disagreement | None = None
    counts: Literal["train", "together"] = "train"
    adjustable: bool | None = None
    quota_code: str | None = None
    batches: tuple[Batch, ...] = ()


class Names(Cited):
    """A closed list, such as image formats."""

    value: tuple[str, ...]
    disagrees: Disagreement | None = None


class ReservedWords(Cited):
    """Words that make a job fail wherever they occur, even inside other words."""

    words: tuple[str, ...]
    case_sensitive: bool
    disagrees: Disagreement | None = None


class Limits(Fact):
    """Limits of one customization, in bytes, pixels or seconds; None: not documented."""

    records_min: Number | None = None
    records_recommended: Number | None = None
    records_max: Number | None = None
    train_records_max: Number | None = None
    validation_records_min: Number | None = None
    validation_records_max: Number | None = None
    train_bytes_max: Number | None = None
    validation_bytes_max: Number | None = None
    line_bytes_max: Number | None = None
    tokens_max: Number | None = None
    input_tokens_max: Number | None = None
    output_tokens_max: Number | None = None
    chars_per_token: Number | None = None
    caption_chars_min: Number | None = None
    caption_chars_max: Number | None = None
    images_max: Number | None = None
    image_bytes_max: Number | None = None
    image_side_min: Number | None = None
    image_side_max: Number | None = None
    image_pixels_max: Number | None = None
    image_ratio_min: Number | None = None
    image_ratio_max: Number | None = None
    image_formats: Names | None = None
    videos_max: Number | None = None
    video_bytes_max: Number | None = None
    video_seconds_max: Number | None = None
    video_formats: Names | None = None
    documents_max: Number | None = None
    document_bytes_max: Number | None = None
    document_formats: Names | None = None


class Validation(Cited):
    """Whether a job accepts a validation data set; `ignored` means it has no effect."""

    allowed: bool | Literal["ignored"]


class Hyperparameter(Cited):
    """Type and range of one hyperparameter; with `auto`, the service can choose the value."""

    type: Literal["int", "float", "string"]
    min: int | float | None = None
    max: int | float | None = None
    default: Scalar | None = None
    fixed: Scalar | None = None
    enum: tuple[str, ...] | None = None
    auto: bool = False
    disagrees: Disagreement | None = None


class Plan(Fact):
    """What one model accepts for one customization: formats, limits, hyperparameters."""

    card: str  # name of the model card
    customization: Customization
    family: str  # of the model
    formats: tuple[Format, ...]
    content: tuple[Content, ...] = ("text",)  # kinds of blocks that a conversation may contain
    one_media_kind: bool = False  # images or videos or documents, never two in one data set
    invocation_logs: bool = False  # Bedrock's invocation logs are accepted as training data
    api: Literal["bedrock", "openai"] = "bedrock"
    endpoint: str | None = None
    teachers: tuple[str, ...] = ()  # model ids
    validation: Validation
    limits: Limits
    reserved_words: ReservedWords | None = None
    hyperparameters: dict[str, Hyperparameter] = {}


class Lifecycle(Cited):
    """The status of a model: `legacy` accepts no new jobs, `eol` and `removed` answer no calls."""

    status: Literal["active", "legacy", "eol", "removed"]
    legacy_date: str | None = None
    eol_date: str | None = None


class Deployment(Fact):
    """How a customized model can be hosted."""

    on_demand: bool
    provisioned: bool


class Price(Cited):
    """The price in US dollars of one `item`, such as `train_per_1k_tokens`."""

    item: str
    usd: float
    region: str | None = None


class Card(Fact):
    """The card of one model, as in schemas/models/."""

    name: str
    title: str
    model_id: str  # with the suffix that customization jobs need, such as `:300k`
    provider: str
    family: str
    aliases: tuple[str, ...] = ()
    regions: tuple[str, ...]
    note: str | None = None
    sources: dict[str, Cited]
    lifecycle: Lifecycle
    open_for_new_jobs: bool
    deployment: Deployment | None = None
    customizations: dict[Customization, Plan]
    prices: tuple[Price, ...]

    @property
    def formats(self) -> tuple[str, ...]:
        """All formats of all customizations, in the card's order."""
        plans = self.customizations.values()
        return tuple(dict.fromkeys(name for plan in plans for name in plan.formats))

    def plan(self, word: str | None = None) -> Plan:
        """The plan for a customization by any of its names.

        Without a word, it is fine-tuning if the model offers it, else its first customization.
        Raises RecipeError, which names what the model does offer.
        """
        offered = list(self.customizations)
        if not offered:
            raise RecipeError(f"{self.name} cannot be customized ({self.note})")
        usual = "FINE_TUNING" if "FINE_TUNING" in offered else offered[0]
        wanted = customization(word) if word else usual
        if wanted not in offered:
            offers = ", ".join(offered)
            raise RecipeError(f"{self.name} does not offer {wanted}; it offers {offers}")
        return self.customizations[wanted]
