"""The parts of a recipe that are settings alone: AWS, publishing, the gate, the report."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pipeline.gate.own import Expectation
from pipeline.stage import Settings

S3_URI = r"^s3://[a-z0-9][-.a-z0-9]{1,61}[a-z0-9](/.*)?$"


class Aws(Settings):
    """How to reach AWS; credentials come from the default chain and are never written here."""

    region: str | None = None
    profile: str | None = None
    endpoint_url: str | None = None  # an S3-compatible server; http:// only on the loopback
    source_bucket_owner: str | None = Field(None, pattern=r"^\d{12}$")  # of every s3:// source
    concurrency: int = Field(8, ge=1, le=64)  # requests at once while files are fetched or uploaded
    max_bandwidth: int | None = Field(None, ge=65_536)  # bytes a second while files are uploaded
    give_up_after: float = Field(300, gt=0)  # seconds that one call may go on failing
    stall_after: float = Field(60, gt=0)  # seconds without a byte that a connection may last
    md5_etags: bool = True  # whether the ETag of what was put whole is its MD5, as in S3


class Publish(Settings):
    """Where the run will stand in S3: names the images and the job's data."""

    uri: str = Field(pattern=S3_URI)
    kms_key_id: str | None = None
    expected_bucket_owner: str | None = Field(None, pattern=r"^\d{12}$")


class DriftGate(Settings):
    """How far the data may be from that of the run before; that run stays the latest if it is not.

    Lengths and languages by the population stability index of each target's records (under 0.1 is
    commonly read as stable, over 0.25 as another population), the rest as shares.
    """

    lengths: float | None = Field(None, ge=0)
    languages: float | None = Field(None, ge=0)
    rejected: float | None = Field(None, ge=0, le=1)  # by how much the share may grow
    merged: float | None = Field(None, ge=0, le=1)
    sources_removed: float | None = Field(None, ge=0, le=1)  # of the run before
    records_lost: float | None = Field(None, ge=0, le=1)  # of a target of the run before


class Gate(Settings):
    """What the data must meet before a run is published; breaking it ends with exit code 3."""

    max_rejected: float = Field(1.0, ge=0, le=1)  # of the records, and of their chunks
    min_records: int = Field(1, ge=0)  # in each target's training file
    max_tokens: int | None = Field(None, ge=1)  # upper bound of every record
    # {"vi": 0.2}: at least this share of each target's records
    min_languages_share: dict[str, float] = Field(default_factory=dict)
    drift: DriftGate | None = None  # looks back at the run before; the first run has none
    suite: str | None = None  # a JSON file with a suite of Great Expectations, beside the recipe
    expectations: list[Expectation] = Field(default_factory=list)  # those of the suite come after


class Report(Settings):
    """How the run's report is written."""

    # how excerpts of texts are shown: personal data masked, as they are, or not at all
    samples: Literal["masked", "plain", "none"] = "masked"
    language: Literal["en", "vi"] = "en"  # of the page's own words
