"""The stages a recipe may name, and every reason they give for setting a record aside."""

from __future__ import annotations

from pipeline.stages.chunk import Chunk
from pipeline.stages.clean import Clean
from pipeline.stages.contradictions import Contradictions
from pipeline.stages.decontaminate import Decontaminate
from pipeline.stages.dedup_exact import DedupExact
from pipeline.stages.dedup_image import DedupImage
from pipeline.stages.dedup_lines import DedupLines
from pipeline.stages.dedup_near import DedupNear
from pipeline.stages.label import Label
from pipeline.stages.language import Language
from pipeline.stages.quality import Quality
from pipeline.stages.redact import Redact
from pipeline.stages.split import Split
from pipeline.stages.teacher import Teacher

_STAGES = (
    Clean,
    Language,
    Quality,
    Redact,
    Teacher,
    Label,
    DedupExact,
    DedupLines,
    DedupNear,
    DedupImage,
    Contradictions,
    Decontaminate,
    Chunk,
)

STAGES: dict[str, type] = {stage.name: stage for stage in _STAGES}
"""Stage classes by their name in the recipe. `split` is not among them: it has its own key."""

REASONS: dict[str, str] = {
    reason: meaning for stage in (*_STAGES, Split) for reason, meaning in stage.reasons.items()
}
"""What each reason means and what the user can do about it, in one line."""
