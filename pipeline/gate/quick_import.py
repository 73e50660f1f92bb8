"""Great Expectations, imported without what a suite of this project has no use for."""

from __future__ import annotations

import copy
import gc
import importlib
import sys
from contextlib import suppress
from types import ModuleType
from typing import Any


def imported() -> Any:
    """Great Expectations, without what it needs not here: in a third of the time."""
    gc.disable()  # it lives for seconds, and a fifth of its import went into looking for garbage
    _import_when_used("scipy.stats")
    _import_when_used("altair")
    _leave_out("boto3", "botocore")
    _copy_fields_once()
    import great_expectations as gx

    return gx


class _Unread(ModuleType):
    """Stands for a module that is imported when something of it is used."""

    def __getattr__(self, name: str) -> Any:
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), name)


def _import_when_used(name: str) -> None:
    """Leave a module unread until something of it is used.

    Great Expectations imports scipy.stats for the tests of distributions and altair for plots,
    which the suite has none of: 1.3 of the 2.8 CPU seconds that its own import takes.
    """
    package, _, child = name.rpartition(".")
    sys.modules[name] = _Unread(name)
    if package:
        setattr(importlib.import_module(package), child, sys.modules[name])


def _leave_out(*names: str) -> None:
    """Let modules seem not installed: Great Expectations does without, and needs no AWS here."""
    sys.modules.update(dict.fromkeys(names))  # type: ignore[arg-type]  # None says just that


def _copy_fields_once() -> None:
    """Let a model of pydantic 1 take over its base's fields as copies that share their types.

    It copies all that a field leads to, for each of Great Expectations' 370 models: a third of the
    import. What it goes on to change is the field itself, its validators and its info.
    """
    with suppress(ImportError):
        import pydantic.v1.main

        setattr(pydantic.v1.main, "smart_deepcopy", _copied_fields)  # noqa: B010


def _copied_fields(fields: dict[str, Any]) -> dict[str, Any]:
    made = {name: copy.copy(field) for name, field in fields.items()}
    for field in made.values():
        field.field_info = copy.copy(field.field_info)
        field.class_validators = dict(field.class_validators)
    return made
