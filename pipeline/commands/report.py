"""The `report` command: a published run's report in short, or written in another language."""

from __future__ import annotations

from pathlib import Path

from pipeline.errors import RecipeError, StorageError
from pipeline.published import open_run
from pipeline.report.summary import write_report

LANGUAGES = {"en", "vi"}


def copy_report(uri: str, folder: Path, language: str) -> str:
    """Write a run's report into a folder; returns the path of the page.

    Raises RecipeError for a language in which there is no report.
    """
    if language not in LANGUAGES:
        raise RecipeError(f"--language {language}: is none of {', '.join(sorted(LANGUAGES))}")
    summary = open_run(uri).report()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_report(summary, folder, language=language)
    except OSError as error:
        raise StorageError(f"{folder}: {error.strerror}") from error
    return str(folder / "report.html")


def told_report(uri: str) -> str:
    """A run's targets, gate, and counts by stage and reason, for a terminal."""
    run = open_run(uri)
    lines = [f"{run.manifest['name']}  {run.uri}"]
    for name, target in run.manifest["targets"].items():
        ready = "ready" if target["ready"] else "not ready"
        records = ", ".join(f"{split} {count}" for split, count in target["records"].items())
        model = f" for {target['model']}" if "model" in target else ""
        lines.append(f"  {name}: {ready}, {target['format']}{model}: {records}")
    gate = run.manifest["gate"]
    passed = sum(check["passed"] for check in gate["checks"])
    lines.append(f"  gate: {passed} of {len(gate['checks'])} checks passed ({gate['engine']})")
    lines.append(f"  {'stage':24}{'came':>9}{'kept':>9}{'merged':>9}{'rejected':>9}")
    for stage in run.manifest["stages"]:
        kept = stage["kept"] + stage["chunks"]
        numbers = (stage["came"], kept, stage["merged"], stage["rejected"])
        lines.append(f"  {stage['stage']:24}" + "".join(f"{number:>9,}" for number in numbers))
        lines += [f"      {reason}: {count:,}" for reason, count in stage["reasons"].items()]
    return "\n".join(lines)
