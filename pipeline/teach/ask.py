"""Asking a teacher model: several calls at once, within a budget; answers are saved at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from pipeline.bedrock.converse import Reply
from pipeline.bedrock.spending import Bound, Budget
from pipeline.errors import PrepError, RecipeError
from pipeline.teach.file import AnswersFile
from pipeline.teach.requests import Request

FIRST_REFUSALS = 3
"""If so many requests are invalid and none is valid, the recipe is wrong, not a passage."""

Ask = Callable[[Request, Bound], Reply]


@dataclass
class Round:
    """The outcome of asking so far."""

    asked: int = 0
    exhausted: bool = False  # the budget was too small for a call
    failed: int = 0  # requests that Bedrock calls invalid
    first_fault: RecipeError | None = None
    fault: PrepError | None = None  # the failure that ended it


def answer_of(request: str, model: str, reply: Reply) -> dict[str, Any]:
    """A reply as an entry of the answers file."""
    used = {"input_tokens": reply.tokens_in, "output_tokens": reply.tokens_out}
    return {"key": request, "model": model, "stop": reply.stop, "text": reply.text, **used}


@dataclass(frozen=True)
class Client:
    """How a model is asked, what that may cost, and where its answers are saved."""

    ask: Ask  # sends a request, within its bound
    model: str
    most: int  # maximum tokens of an answer
    budget: Budget
    file: AnswersFile
    told: Callable[[Round], None]  # called after each answer

    def bound(self, request: Request) -> Bound:
        """The most tokens, in and out, that a call can use."""
        return request.tokens, self.most

    def keep(self, request: Request, reply: Reply) -> None:
        """Save the answer, then count what it used."""
        self.file.add(answer_of(request.key, self.model, reply))
        bound = self.bound(request)
        reported = reply.tokens_in > 0  # an answer without usage counts with its bound
        self.budget.settle(bound, (reply.tokens_in, reply.tokens_out) if reported else bound)


def ask_all(requests: Iterable[Request], client: Client, at_once: int) -> Round:
    """Ask every request that the file has no answer to.

    A request that Bedrock calls invalid is skipped, unless the first ones are all invalid. Any
    other failure ends the round, after the calls under way have ended and their answers are saved.
    """
    with Calls(client, at_once) as calls:
        for request in requests:
            if bytes.fromhex(request.key) not in client.file.known and not calls.begin(request):
                break
        calls.wait(0)
    return calls.so_far


class Calls:
    """The calls under way, each in its own thread; all else happens in the caller's thread."""

    def __init__(self, client: Client, at_once: int) -> None:
        self.client, self.at_once = client, at_once
        self.so_far = Round()
        self.pending: dict[Future[Reply], Request] = {}
        self.threads = ThreadPoolExecutor(at_once, thread_name_prefix="teacher")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, _: TracebackType | None
    ) -> None:
        """Do not wait for calls, but save the answers that have arrived, even after a signal."""
        self.threads.shutdown(wait=False, cancel_futures=True)
        for future, request in self.pending.items():
            if future.done() and not future.cancelled() and not future.exception():
                self.client.keep(request, future.result())

    def begin(self, request: Request) -> bool:
        """Begin a call as soon as budget and threads allow; False if no more calls can be made."""
        bound = self.client.bound(request)
        while not self.so_far.fault and not self.client.budget.hold(bound):
            if not self.pending:
                self.so_far.exhausted = True
                return False
            self.wait(len(self.pending) - 1)  # a call may cost less than its bound
        if not self.so_far.fault:
            self.pending[self.threads.submit(self.client.ask, request, bound)] = request
            self.wait(self.at_once - 1)
        return not self.so_far.fault

    def wait(self, how_many: int) -> None:
        """Return when at most `how_many` calls are under way."""
        while len(self.pending) > how_many:
            for future in wait(self.pending, return_when=FIRST_COMPLETED).done:
                self._end(future)

    def _end(self, future: Future[Reply]) -> None:
        request = self.pending[future]
        try:
            self.client.keep(request, future.result())
        except PrepError as error:
            self.client.budget.settle(self.client.bound(request), (0, 0))
            self._refused(error)
        else:
            self.so_far.asked += 1
            self.client.told(self.so_far)
        del self.pending[future]

    def _refused(self, error: PrepError) -> None:
        if isinstance(error, RecipeError):
            self.so_far.failed += 1
            self.so_far.first_fault = self.so_far.first_fault or error
            if self.so_far.asked or self.so_far.failed < FIRST_REFUSALS:
                return
            error = self.so_far.first_fault
        self.so_far.fault = self.so_far.fault or error
