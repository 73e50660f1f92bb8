"""What a run says while it works: a live display, plain lines, or JSON, all on stderr."""

from __future__ import annotations

import json
import sys
import time
from contextlib import suppress
from typing import Any, Protocol, TextIO


class Progress(Protocol):
    """Told by the run what it is doing."""

    def say(self, text: str) -> None:
        """One thing that is going on."""
        ...

    def begin(self, title: str, tasks: int) -> None:
        """A pass starts."""
        ...

    def advance(self, marker: dict[str, Any]) -> None:
        """A task is done; its marker has the counts."""
        ...

    def end(self) -> None:
        """The pass is over."""
        ...


def records_of(marker: dict[str, Any]) -> tuple[int, int]:
    """(records that came in, records set aside) of a finished task, all its parts together."""
    counts = marker["counts"]
    came = sum(count["came"] for count in counts if count["stage"] == counts[0]["stage"])
    return came, sum(count["rejected"] + count["merged"] for count in counts)


class Lines:
    """Plain or JSON lines: what a scheduler's log wants."""

    def __init__(self, out: TextIO, *, as_json: bool) -> None:
        self.out, self.as_json = out, as_json
        self.title, self.started = "", 0.0
        self.tasks, self.records, self.set_aside = 0, 0, 0

    def say(self, text: str) -> None:
        """One line."""
        self._write({"event": "note", "message": text}, text)

    def begin(self, title: str, tasks: int) -> None:
        """Remember the pass; it is told when it ends."""
        self.title, self.tasks, self.records, self.set_aside = title, tasks, 0, 0
        self.started = time.monotonic()

    def advance(self, marker: dict[str, Any]) -> None:
        """Add up."""
        came, out = records_of(marker)
        self.records += came
        self.set_aside += out

    def end(self) -> None:
        """One line for the pass."""
        seconds = round(time.monotonic() - self.started, 2)
        event = {"event": "pass", "stages": self.title, "records": self.records}
        event |= {"set_aside": self.set_aside, "tasks": self.tasks, "seconds": seconds}
        text = f"{self.title}: {self.records} records, {self.set_aside} set aside, {seconds} s"
        self._write(event, text)

    def _write(self, event: dict[str, Any], text: str) -> None:
        self.out.write((json.dumps(event, ensure_ascii=False) if self.as_json else text) + "\n")
        self.out.flush()


class Live:
    """A rich display: stages, shards, records a second, set aside so far, time left."""

    def __init__(self) -> None:
        from rich.console import Console

        self.console = Console(stderr=True)
        self.display: Any = None
        self.task: Any = None
        self.records, self.set_aside, self.started = 0, 0, 0.0

    def say(self, text: str) -> None:
        """A line of its own."""
        self.console.print(text, highlight=False, markup=False)

    def begin(self, title: str, tasks: int) -> None:
        """A bar for the pass, its shards counted; it stays when the pass is over."""
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
        from rich.progress import TimeRemainingColumn as TimeLeft

        rate = TextColumn("{task.fields[rate]:,} records/s")
        aside = TextColumn("{task.fields[set_aside]:,} set aside")
        bar = BarColumn(bar_width=20)
        columns = (TextColumn("{task.description}"), bar, MofNCompleteColumn(), rate, aside)
        self.records, self.set_aside, self.started = 0, 0, time.monotonic()
        self.display = Progress(*columns, TimeLeft(), console=self.console)
        self.task = self.display.add_task(title, total=tasks, rate=0, set_aside=0)
        self.display.start()

    def advance(self, marker: dict[str, Any]) -> None:
        """One shard further."""
        came, out = records_of(marker)
        self.records += came
        self.set_aside += out
        rate = int(self.records / max(time.monotonic() - self.started, 1e-3))
        self.display.update(self.task, advance=1, rate=rate, set_aside=self.set_aside)

    def end(self) -> None:
        """Leave the finished bar standing."""
        self.display.stop()


class Unhindered:
    """Progress that may fail: a full disk, a reader or a terminal that is gone end no run."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress

    def say(self, text: str) -> None:
        """If it can be said."""
        with suppress(OSError):
            self.progress.say(text)

    def begin(self, title: str, tasks: int) -> None:
        """Likewise."""
        with suppress(OSError):
            self.progress.begin(title, tasks)

    def advance(self, marker: dict[str, Any]) -> None:
        """Likewise."""
        with suppress(OSError):
            self.progress.advance(marker)

    def end(self) -> None:
        """Likewise."""
        with suppress(OSError):
            self.progress.end()


def open_progress(log: str | None) -> Progress:
    """`json` or `text` lines, or what suits stderr when nothing is asked."""
    live = log is None and sys.stderr.isatty()
    return Unhindered(Live() if live else Lines(sys.stderr, as_json=log == "json"))
