"""All reasons for which a record can be left out, with their meanings."""

from __future__ import annotations

from pipeline import readers, stages, targets
from pipeline.bedrock import limits
from pipeline.delta import SHIPPED, SHIPPED_MEANS
from pipeline.render import SCHEMA_BROKEN, SCHEMA_BROKEN_MEANS
from pipeline.select_records import OVER_LIMIT, OVER_LIMIT_MEANS
from pipeline.withdraw import WITHDRAWN, WITHDRAWN_MEANS

RUN_REASONS = {
    OVER_LIMIT: OVER_LIMIT_MEANS,
    SHIPPED: SHIPPED_MEANS,
    WITHDRAWN: WITHDRAWN_MEANS,
    SCHEMA_BROKEN: SCHEMA_BROKEN_MEANS,
}
"""Reasons that come from the run itself, not from a reader, stage, target or model card."""


def all_reasons() -> dict[str, str]:
    """The meaning of each reason, by the reason's name."""
    rooms = {**readers.REASONS, **stages.REASONS, **targets.REASONS, **limits.REASONS}
    return {**rooms, **RUN_REASONS}
