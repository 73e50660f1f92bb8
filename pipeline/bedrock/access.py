"""What a recipe uses in AWS, as plain values from which policies are written."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

GLOB = re.compile(r"[*?\[]")
BRACKETS = re.compile(r"\[!?+\]?+[^\]]*+\]")
GEOGRAPHIES = {"us": "us-*", "us-gov": "us-gov-*", "eu": "eu-*", "apac": "ap-*", "jp": "ap-*",
               "au": "ap-southeast-*", "ca": "ca-*"}  # fmt: skip
"""The Regions that an inference profile of a geography may send calls to, as patterns."""


def literal(text: str) -> str:
    """Escape text for a policy, in which `${…}` would be a variable."""
    return text.replace("$", "${$}")


@dataclass(frozen=True)
class Location:
    """A bucket and the objects meant in it: a key, a prefix, or a glob."""

    bucket: str
    key: str

    @property
    def listed(self) -> str:
        """The prefix that is listed to find the objects."""
        return GLOB.split(self.key, maxsplit=1)[0]

    def objects(self, partition: str) -> list[str]:
        """ARNs of the objects that may be read. IAM has `*` and `?`, but no brackets."""
        start, key = f"arn:{partition}:s3:::{self.bucket}/", literal(self.key)
        if GLOB.search(key):
            names = (
                BRACKETS.sub("?", name) for name in key.split("/")
            )  # brackets never span a slash
            return [start + re.sub(r"\*+", "*", "/".join(names).replace("**/", "*"))]
        if not key or key.endswith("/"):
            return [f"{start}{key}*"]
        return [start + key, f"{start}{key}/*"]

    def below(self, partition: str, path: str = "") -> str:
        """The ARN of every object under this prefix (and a path below it)."""
        parts = [part for part in (literal(self.key.strip("/")), path) if part]
        return f"arn:{partition}:s3:::{'/'.join([self.bucket, *parts])}/*"

    def prefixes(self, path: str = "") -> list[str]:
        """Values of `s3:prefix` for listing this place, or a path below it."""
        inside = "/".join(part for part in (literal(self.key.strip("/")), path) if part)
        return [inside, f"{inside}/*"] if inside else ["*"]


@dataclass(frozen=True)
class Key:
    """A KMS key as the recipe names it: an ARN, an id or an alias."""

    name: str

    @property
    def is_alias(self) -> bool:
        """Whether it is an alias; IAM grants rights only on the alias's key, by a condition."""
        return "alias/" in self.name

    @property
    def alias(self) -> str:
        """The alias without its ARN: `alias/name`."""
        return self.name[self.name.index("alias/") :]


@dataclass(frozen=True)
class JobAccess:
    """What one target's job uses."""

    model_id: str
    role_arn: str
    output: Location
    model_key: Key | None = None
    subnet_ids: tuple[str, ...] = ()
    security_group_ids: tuple[str, ...] = ()
    teacher: str | None = None
    reward_lambda: str | None = None
    base_model: str | None = None
    tagged: bool = False


@dataclass(frozen=True)
class Asked:
    """A teacher model that `teach` asks."""

    model: str  # id, inference profile or ARN
    region: str | None = None  # None: that of all else


@dataclass(frozen=True)
class Access:
    """What a recipe uses in AWS."""

    partition: str  # aws, aws-us-gov
    account: str  # 12 digits
    region: str
    output: Location  # publish.uri
    sources: tuple[Location, ...] = ()  # in S3
    owner: str | None = None  # expected owner of the output bucket
    data_key: Key | None = None
    jobs: tuple[JobAccess, ...] = ()
    source_vpce: str | None = None
    teachers: tuple[Asked, ...] = ()  # what `teach` asks
    media: tuple[Location, ...] = ()  # folders of media in S3 that the data names
    state: Location | None = None  # where `prepare --state` keeps what the next run reuses

    def arn(self, service: str, resource: str, account: str | None = None) -> str:
        """An ARN in this Region, of this account unless another one is given."""
        owner = self.account if account is None else account
        return f"arn:{self.partition}:{service}:{self.region}:{owner}:{resource}"

    def invoked(self, model: str, region: str | None = None) -> list[str]:
        """ARNs that a call needs: of a model, or of a profile and its model in its Regions.

        The call is made in `region`, or else in this one.
        """
        here = replace(self, region=region or self.region)
        regions = profile_regions(model)
        if model.startswith("arn:"):
            called = model
        elif regions:
            called = here.arn("bedrock", f"inference-profile/{model}")
        else:
            called = here.arn("bedrock", f"foundation-model/{model}", "")
        if regions is None:
            return [called]
        behind = (
            model.rsplit("/", 1)[-1].partition(".")[2] or "*"
        )  # an application profile may call any model
        return [called, f"arn:{self.partition}:bedrock:{regions}::foundation-model/{behind}"]

    def bucket(self, name: str) -> str:
        """The ARN of a bucket."""
        return f"arn:{self.partition}:s3:::{name}"


def profile_regions(teacher: str) -> str | None:
    """The Regions behind an inference profile as an ARN pattern; None for a plain model."""
    name = teacher.rsplit("/", 1)[-1]
    geography = name.split(".")[0]
    if geography == "global":
        return "*"
    if geography in GEOGRAPHIES:
        return GEOGRAPHIES[geography]
    return "*" if "inference-profile/" in teacher else None
