"""The causes behind Bedrock's error messages.

Bedrock checks data, role and bucket when a job starts, and reports only the first fault, in
`failureMessage`. Each cause names the document or thread that explains the message.
"""

from __future__ import annotations

from dataclasses import dataclass

TROUBLESHOOTING = (
    "https://docs.aws.amazon.com/bedrock/latest/userguide/fine-tuning-troubleshooting.html"
)
RE_POST = "https://repost.aws/knowledge-center/bedrock-fine-tuning-errors"
WORKSHOP_ISSUE = "https://github.com/aws-samples/amazon-bedrock-workshop/issues/266"


@dataclass(frozen=True)
class Cause:
    """What an error message of Bedrock means, and what to do."""

    match: str  # text that the message contains, in any letter case
    cause: str
    remedy: str
    source: str

    def as_json(self) -> dict[str, str]:
        """`cause`, `remedy` and `source` as plain JSON values."""
        return {"cause": self.cause, "remedy": self.remedy, "source": self.source}


CAUSES = (
    Cause(
        "Could not validate GetObject permissions",
        "the role cannot read the data: no s3:GetObject or s3:ListBucket on it, no kms:Decrypt on "
        "its key, no trust in bedrock.amazonaws.com, or a bucket in another Region than the job",
        "attach the documents of `bedrock-prep policy RECIPE` to the role, then run "
        "`bedrock-prep doctor RECIPE`",
        TROUBLESHOOTING,
    ),
    Cause(
        "Amazon S3 perms missing (PutObject)",
        "the role cannot write below job.output_uri",
        "give the role s3:PutObject there: see `bedrock_role` of `bedrock-prep policy RECIPE`",
        TROUBLESHOOTING,
    ),
    Cause(
        'must follow \'{"prompt"',
        "the lines are in another format than the model accepts, or have other keys",
        "run `bedrock-prep check FILE --model NAME`, then prepare the target for that model",
        WORKSHOP_ISSUE,
    ),
    Cause(
        "Unable to parse Amazon S3 file",
        "a line is not a JSON object, is empty, or has wrong keys (the `input` and `output` keys "
        "in that document belong to an older format)",
        "run `bedrock-prep check FILE --model NAME`, which names the line",
        TROUBLESHOOTING,
    ),
    Cause(
        "Data files must conform to JSONL format",
        "a line is not a JSON object, is empty, or has wrong keys",
        "run `bedrock-prep check FILE --model NAME`, which names the line",
        TROUBLESHOOTING,
    ),
    Cause(
        "Input size exceeded in file",
        "a record has more characters than the model's quota",
        "run `bedrock-prep check FILE --model NAME`; shorten the record, or lower "
        "stages.chunk.max_tokens",
        TROUBLESHOOTING,
    ),
    Cause(
        "Maximum input token count",
        "a record's input has more tokens than the model accepts",
        "run `bedrock-prep check FILE --model NAME`; set gate.max_tokens below the limit",
        TROUBLESHOOTING,
    ),
    Cause(
        "Maximum output token count",
        "a record's completion has more tokens than the model accepts",
        "run `bedrock-prep check FILE --model NAME`; set gate.max_tokens below the limit",
        TROUBLESHOOTING,
    ),
    Cause(
        "Max sum of input and output token length",
        "prompt and completion of a record together have more tokens than the model accepts",
        "run `bedrock-prep check FILE --model NAME`; set gate.max_tokens below the limit",
        TROUBLESHOOTING,
    ),
    Cause(
        "Automated tests flagged this fine-tuning job",
        "Anthropic's screening found content against its usage policy",
        "remove such records; if there are none, ask AWS Support",
        TROUBLESHOOTING,
    ),
    Cause(
        "Uri should be a file, not a directory",
        "the data's URI is a prefix, but must be one object",
        "name the file: s3://bucket/…/train.jsonl",
        RE_POST,
    ),
    Cause(
        "The provided S3 URI is invalid",
        "the URI has characters that Bedrock refuses, or a wrong ending",
        "use letters, digits and -!_*'(). in publish.uri and job.output_uri",
        RE_POST,
    ),
    Cause(
        "The provided model identifier is invalid",
        "the model id lacks the suffix for customization (such as :300k), or the model is not "
        "customized in this Region",
        "run `bedrock-prep models` for the id and its Regions",
        RE_POST,
    ),
    Cause(
        "no commitment model units reserved",
        "the account's quota of Provisioned Throughput for custom models is 0",
        "ask AWS for the quota, or host on demand where the model allows it",
        "https://repost.aws/ (threads on Provisioned Throughput of custom models)",
    ),
    Cause(
        "Encountered an unexpected error when processing the request",
        "a fault inside the service",
        "start the job again; if the error persists, ask AWS Support",
        TROUBLESHOOTING,
    ),
)


def find_cause(message: str) -> Cause | None:
    """The cause behind an error message of Bedrock, or None for an unknown message.

    >>> find_cause("Maximum input token count 4097 exceeds limit of 4096").cause
    "a record's input has more tokens than the model accepts"
    """
    plain = " ".join(message.split()).lower()
    return next((cause for cause in CAUSES if cause.match.lower() in plain), None)
