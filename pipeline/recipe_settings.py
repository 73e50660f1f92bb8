"""The parts of a recipe that are only settings: AWS, publishing, the gate, the report."""

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
    endpoint_url: str | None = None  # an S3-compatible server; http:// only for the local host
    source_bucket_owner: str | None = Field(None, pattern=r"^\d{12}$")  # of every s3:// source
    concurrency: int = Field(8, ge=1, le=64)  # requests at once while files are fetched or uploaded
    max_bandwidth: int | None = Field(None, ge=65_536)  # bytes a second while files are uploaded
    give_up_after: float = Field(300, gt=0)  # seconds after which a failing call is given up
    stall_after: float = Field(60, gt=0)  # seconds that a connection may last without a byte
    md5_etags: bool = True  # whether the ETag of an object put in one piece is its MD5, as in S3


class Publish(Settings):
    """Where the run will be in S3; images and the job's data are named by it."""

    uri: str = Field(pattern=S3_URI)
    kms_key_id: str | None = None
    expected_bucket_owner: str | None = Field(None, pattern=r"^\d{12}$")


class DriftGate(Settings):
    """How far the data may differ from the previous run's; beyond that, that run stays the latest.

    Lengths and languages are compared by the population stability index of each target's records
    (under 0.1 is commonly read as stable, over 0.25 as another population), the rest by shares.
    """

    lengths: float | None = Field(None, ge=0)
    languages: float | None = Field(None, ge=0)
    rejected: float | None = Field(None, ge=0, le=1)  # by how much the rejected share may grow
    merged: float | None = Field(None, ge=0, le=1)
    sources_removed: float | None = Field(None, ge=0, le=1)  # share of the previous run's sources
    records_lost: float | None = Field(None, ge=0, le=1)  # share of a target's previous records


class Gate(Settings):
    """What the data must meet before a run is published; otherwise the exit code is 3."""

    max_rejected: float = Field(1.0, ge=0, le=1)  # share of the records, and of their chunks
    min_records: int = Field(1, ge=0)  # in each target's training file
    max_tokens: int | None = Field(None, ge=1)  # upper bound of every record
    # {"vi": 0.2}: at least this share of each target's records
    min_languages_share: dict[str, float] = Field(default_factory=dict)
    drift: DriftGate | None = None  # compares with the previous run, so not used in the first one
    suite: str | None = None  # a JSON file with a Great Expectations suite, beside the recipe
    expectations: list[Expectation] = Field(default_factory=list)  # the suite's come after these


class Report(Settings):
    """How the run's report is written."""

    # how excerpts of texts are shown: personal data masked, as they are, or not at all
    samples: Literal["masked", "plain", "none"] = "masked"
    language: Literal["en", "vi"] = "en"  # of the page's own words
