"""A small Bedrock control plane over real HTTP, driven by botocore's own service model.

It enforces what the service does and a client does not: required members, patterns, enums,
bounds; one job for one clientRequestToken; no second job of a name. It looks the training data up
in S3 as the role would, and plays scripted statuses. It lists the models that can be customized,
and counts tokens as the runtime does: here a token is a character.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote

from botocore.loaders import Loader
from botocore.model import ServiceModel

MODEL = ServiceModel(Loader().load_service_model("bedrock", "service-2"))
RUNTIME = ServiceModel(Loader().load_service_model("bedrock-runtime", "service-2"))
CREATE = MODEL.operation_model("CreateModelCustomizationJob")
GET = MODEL.operation_model("GetModelCustomizationJob")
LIST = MODEL.operation_model("ListFoundationModels")
COUNT = RUNTIME.operation_model("CountTokens")
CONVERSE = RUNTIME.operation_model("Converse")
ACCOUNT, REGION = "111122223333", "us-east-1"
CREATED = 1_790_000_000  # seconds since 1970; no clock in tests

Step = tuple[str, dict[str, Any]]


class Refused(Exception):
    """An error of the service, by its code."""

    def __init__(self, code: str, message: str) -> None:
        self.code, self.message = code, message
        super().__init__(message)


def faults(value: Any, shape: Any, path: str = "") -> Iterator[str]:
    """What the service model says against a value, in the words of the service."""
    rules = shape.metadata
    if shape.type_name == "structure":
        for name in shape.required_members:
            if name not in value:
                yield f"Value null at '{path}{name}' failed to satisfy constraint: not null"
        for name, item in value.items():
            if name in shape.members:
                yield from faults(item, shape.members[name], f"{path}{name}.")
    elif shape.type_name == "list":
        for item in value:
            yield from faults(item, shape.member, path)
    elif shape.type_name == "map":
        for item in value.values():
            yield from faults(item, shape.value, path)
    if shape.type_name in {"string", "list", "map"}:
        if not rules.get("min", 0) <= len(value) <= rules.get("max", 10**9):
            yield f"Value at '{path[:-1]}' failed to satisfy constraint: length"
        elif "pattern" in rules and not re.fullmatch(rules["pattern"], value):
            yield f"Value '{value}' at '{path[:-1]}' failed to satisfy constraint: pattern"
    if rules.get("enum") and value not in rules["enum"]:
        yield f"Value '{value}' at '{path[:-1]}' failed to satisfy constraint: enum"


def _refuse(request: dict[str, Any], shape: Any) -> None:
    found = list(faults(request, shape))
    if found:
        raise Refused("ValidationException", f"{len(found)} validation errors: {found}")


@dataclass
class FakeBedrock:
    """The service's state, and the knobs that a test turns."""

    s3: Any  # a boto3 client: what the role can read
    models: set[str] = field(default_factory=lambda: {"amazon.nova-lite-v1:0:300k"})
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)  # by ARN
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    script: list[Step] = field(default_factory=list)  # what each Get answers, in order
    throttle: int = 0  # so many calls are refused first
    forget_tokens: bool = False  # as the service does after a while
    listed: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    """Model ids and their life cycle, by the customization that they are listed for."""
    url: str = ""
    teach: Callable[[dict[str, Any]], dict[str, Any]] | None = None
    """What the model says to a Converse request: the response, or raises Refused."""

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, dict[str, Any]]:
        """One call. Raises Refused."""
        if self.throttle:
            self.throttle -= 1
            raise Refused("ThrottlingException", "Rate exceeded")
        start = CREATE.http["requestUri"]
        if method == CREATE.http["method"] and path == start:
            request = json.loads(body)
            self.calls.append((CREATE.name, request))
            return CREATE.http["responseCode"], {"jobArn": self.create(request)}
        if method == GET.http["method"] and path.startswith(f"{start}/"):
            identifier = unquote(path.removeprefix(f"{start}/"))
            self.calls.append((GET.name, {"jobIdentifier": identifier}))
            return GET.http["responseCode"], self.get(identifier)
        if method == LIST.http["method"] and path.partition("?")[0] == LIST.http["requestUri"]:
            asked = dict(parse_qsl(path.partition("?")[2]))
            self.calls.append((LIST.name, asked))
            return 200, {"modelSummaries": self.list_models(asked)}
        counted = re.fullmatch(COUNT.http["requestUri"].replace("{modelId}", "(.+)"), path)
        if method == COUNT.http["method"] and counted:
            request = json.loads(body) | {"modelId": unquote(counted[1])}
            self.calls.append((COUNT.name, request))
            return 200, {"inputTokens": self.count_tokens(request)}
        asked_model = re.fullmatch(CONVERSE.http["requestUri"].replace("{modelId}", "(.+)"), path)
        if method == CONVERSE.http["method"] and asked_model and self.teach:
            request = json.loads(body) | {"modelId": unquote(asked_model[1])}
            self.calls.append((CONVERSE.name, request))
            _refuse(request, CONVERSE.input_shape)
            return 200, self.teach(request)
        raise Refused("ValidationException", f"{method} {path}: no such operation here")

    def list_models(self, asked: dict[str, str]) -> list[dict[str, Any]]:
        """Those of one customization, as byCustomizationType asks."""
        _refuse(asked, LIST.input_shape)
        return [
            {
                "modelId": model,
                "modelArn": f"arn:aws:bedrock:{REGION}::foundation-model/{model}",
                "modelLifecycle": {"status": status},
            }
            for model, status in self.listed.get(asked.get("byCustomizationType", ""), [])
        ]

    def count_tokens(self, request: dict[str, Any]) -> int:
        """A token a character. The runtime knows no id with a context length."""
        _refuse(request, COUNT.input_shape)
        if re.search(r":\d+k$", request["modelId"]):
            raise Refused("ValidationException", "The provided model identifier is invalid.")
        conversation = request["input"]["converse"]
        said = [*conversation["messages"], *({"content": conversation.get("system", [])},)]
        return sum(len(block["text"]) for one in said for block in one["content"])

    def create(self, request: dict[str, Any]) -> str:
        _refuse(request, CREATE.input_shape)
        if request["baseModelIdentifier"] not in self.models:
            raise Refused("ValidationException", "The provided model identifier is invalid.")
        token = request.get("clientRequestToken")
        for arn, job in self.jobs.items():
            if token and job["clientRequestToken"] == token and not self.forget_tokens:
                return arn
            if job["jobName"] == request["jobName"]:
                raise Refused("ConflictException", f"Job {request['jobName']} exists already.")
        failure = self.read_data(request["trainingDataConfig"]["s3Uri"])
        digest = hashlib.sha256(f"{token}{len(self.jobs)}".encode()).hexdigest()[:12]
        arn = (
            f"arn:aws:bedrock:{REGION}:{ACCOUNT}:model-customization-job/"
            f"{request['baseModelIdentifier']}/{digest}"
        )
        ends = bool(self.script) and self.script[-1][0] in {"Failed", "Stopped"}
        script = [*self.script] if ends else [*self.script, ("Completed", {})]
        if failure:
            script = [("Failed", {"failureMessage": failure})]
        self.jobs[arn] = request | {"script": script, "digest": digest}
        return arn

    def read_data(self, uri: str) -> str | None:
        """The role reads the data: a refusal at once, or the message that the job fails with."""
        bucket, key = uri.removeprefix("s3://").split("/", 1)
        if key.endswith("/"):
            raise Refused("ValidationException", "Uri should be a file, not a directory")
        try:
            lines = self.s3.get_object(Bucket=bucket, Key=key)["Body"].read().split(b"\n")
        except self.s3.exceptions.ClientError:
            told = f"Could not validate GetObject permissions to access Amazon S3 bucket: {bucket}"
            raise Refused("ValidationException", f"{told} at key {key}") from None
        try:
            for line in lines[:-1] if not lines[-1] else lines:
                json.loads(line)
        except ValueError:
            name = key.rsplit("/", 1)[-1]
            told = f"Unable to parse Amazon S3 file: {name}."
            return f"{told} Data files must conform to JSONL format."
        return None

    def get(self, identifier: str) -> dict[str, Any]:
        named = [arn for arn, job in self.jobs.items() if identifier in (arn, job["jobName"])]
        if not named:
            raise Refused("ResourceNotFoundException", f"Could not find job {identifier}")
        arn, job = named[0], self.jobs[named[0]]
        status, more = job["script"].pop(0) if len(job["script"]) > 1 else job["script"][0]
        model = f"arn:aws:bedrock:{REGION}:{ACCOUNT}:custom-model/{job['baseModelIdentifier']}/"
        made = {"outputModelArn": model + job["digest"], "endTime": CREATED + 3600}
        base = f"arn:aws:bedrock:{REGION}::foundation-model/{job['baseModelIdentifier']}"
        return {
            "jobArn": arn,
            "jobName": job["jobName"],
            "outputModelName": job["customModelName"],
            "clientRequestToken": job.get("clientRequestToken"),
            "roleArn": job["roleArn"],
            "status": status,
            "creationTime": CREATED,
            "baseModelArn": base,
            "trainingDataConfig": job["trainingDataConfig"],
            "validationDataConfig": job.get("validationDataConfig", {"validators": []}),
            "outputDataConfig": job["outputDataConfig"],
            **(made if status == "Completed" else {}),
            **more,
        }


def error_status(code: str) -> int:
    """The HTTP status of an error, from the service models."""
    model = MODEL if code in MODEL.shape_names else RUNTIME
    return int(model.shape_for(code).metadata["error"]["httpStatusCode"])


@contextmanager
def serve_bedrock(s3: Any) -> Iterator[FakeBedrock]:
    """A fake on a free port of the loopback; `url` is its endpoint."""
    fake = FakeBedrock(s3)
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def reply(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            code = None
            try:
                with lock:
                    status, answer = fake.answer(self.command, self.path, body)
            except Refused as refused:
                code, answer = refused.code, {"message": refused.message}
                status = error_status(code)
            data = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            if code:
                self.send_header("x-amzn-ErrorType", code)
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = reply  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    fake.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
