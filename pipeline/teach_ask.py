"""Asking a teacher model: several calls at once, within a budget, each answer kept as it comes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any

from pipeline.bedrock.converse import Reply
from pipeline.bedrock.spending import Budget
from pipeline.errors import PrepError, RecipeError
from pipeline.teach_file import AnswersFile
from pipeline.teach_requests import Request

Ask = Callable[[Request], Reply]
Pending = dict["Future[Reply]", Request]


@dataclass
class Round:
    """What came of asking."""

    asked: int = 0
    exhausted: bool = False  # the budget did not hold a call
    failed: int = 0  # requests that Bedrock finds wrong
    first_fault: str = ""


def answer_of(request: str, model: str, reply: Reply) -> dict[str, Any]:
    """A reply as the file of answers holds it."""
    used = {"input_tokens": reply.tokens_in, "output_tokens": reply.tokens_out}
    return {"key": request, "model": model, "stop": reply.stop, "text": reply.text, **used}


def ask_all(
    requests: Iterable[Request],
    ask: Ask,
    budget: Budget,
    file: AnswersFile,
    asking: tuple[str, int],
    at_once: int,
    told: Callable[[Round], None],
) -> Round:
    """Ask what the file does not answer yet; `asking` is the model and an answer's most tokens.

    A request that Bedrock finds wrong is passed over, once another has been answered. Any other
    failure ends the round, when the calls under way have ended and their answers are kept.
    """
    so_far = Round()
    pending: Pending = {}
    fault: PrepError | None = None
    threads = ThreadPoolExecutor(at_once, thread_name_prefix="teacher")

    def collect(done: Iterable[Future[Reply]]) -> Iterator[PrepError]:
        for future in done:
            request = pending.pop(future)
            try:
                _keep(request, future.result(), asking, budget, file)
                so_far.asked += 1
                told(so_far)
            except PrepError as error:
                budget.settle((request.tokens, asking[1]), 0, 0)
                if isinstance(error, RecipeError):
                    so_far.failed += 1
                    so_far.first_fault = so_far.first_fault or str(error)
                if not isinstance(error, RecipeError) or not so_far.asked:
                    yield error

    def settled(how_many: int) -> PrepError | None:
        """Wait until at most so many calls are under way; the first failure that ends the round."""
        while len(pending) > how_many:
            for error in collect(wait(pending, return_when=FIRST_COMPLETED).done):
                return error
        return None

    try:
        for request in requests:
            if bytes.fromhex(request.key) in file.known:
                continue
            while not budget.hold(request.tokens, asking[1]):
                if not pending:  # what is under way may come cheaper than it could
                    so_far.exhausted = True
                    break
                fault = fault or settled(len(pending) - 1)
            if so_far.exhausted or fault:
                break
            pending[threads.submit(ask, request)] = request
            fault = settled(at_once - 1)
            if fault:
                break
        while pending:
            late = settled(0)
            fault = fault or late
    finally:
        threads.shutdown(wait=False, cancel_futures=True)
        for future in [one for one in pending if one.done() and not one.cancelled()]:
            if not future.exception():  # a signal came: what has been paid for is kept
                _keep(pending[future], future.result(), asking, budget, file)
    if fault:
        raise fault
    return so_far


def _keep(
    request: Request, reply: Reply, asking: tuple[str, int], budget: Budget, file: AnswersFile
) -> None:
    """Into the file and the accounts; a lost answer counts as all that it could have cost."""
    model, most = asking
    file.add(answer_of(request.key, model, reply))
    lost = reply.lost
    used = reply.tokens_in + lost * request.tokens, reply.tokens_out + lost * most
    budget.settle((request.tokens, most), *used)
