"""A job's hyperparameters, checked against the model card's types and ranges."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from difflib import get_close_matches
from math import isfinite
from typing import Any

from pipeline.bedrock.card import Hyperparameter, Plan, Scalar
from pipeline.errors import RecipeError


def hyperparameter(plan: Plan, name: str, value: Scalar) -> Scalar:
    """The value in its hyperparameter's type.

    Text that contains a number is accepted, because YAML 1.1 reads `1e-5` as text and the API
    expects text. Raises RecipeError for an unknown name, a wrong type or a value out of range.
    """
    path = f"job.hyperparameters.{name}"
    rule = plan.hyperparameters.get(name)
    if rule is None:
        raise RecipeError(f"{path}: {_unknown(plan, name)}")
    if rule.auto and value == "auto":
        return value
    typed = _typed(rule, value)
    if typed is None:
        kinds = {"int": "a whole number", "float": "a number", "string": "a word"}
        raise RecipeError(f"{path}: {value!r} is not {kinds[rule.type]}")
    fault = _out_of_range(rule, typed)
    if fault:
        raise RecipeError(f"{path}: {typed} {fault} for {plan.card} ({rule.source})")
    return typed


def whole_number(plan: Plan, given: Mapping[str, Any], name: str) -> int | None:
    """The whole number that a job with these hyperparameters uses: the given one, else the card's
    default; None if neither is a number (such as `auto`)."""
    rule = plan.hyperparameters.get(name)
    value = given.get(name, rule.default if rule else None)
    if isinstance(value, str):  # the API accepts numbers as text
        return int(value) if value.isdecimal() else None
    return int(value) if isinstance(value, int | float) else None


def _unknown(plan: Plan, name: str) -> str:
    known = list(plan.hyperparameters)
    if not known:
        return f"{plan.card} has no documented hyperparameter for {plan.customization}"
    close = get_close_matches(name.lower(), [key.lower() for key in known], n=1)
    meant = next((key for key in known if close and key.lower() == close[0]), None)
    hint = f"; did you mean {meant}?" if meant else ""
    return f"{plan.card} has no such hyperparameter{hint} (it has {', '.join(known)})"


def _typed(rule: Hyperparameter, value: Scalar) -> Scalar | None:
    if rule.type == "string":
        return value if isinstance(value, str) else None
    try:
        number = float(value)
    except ValueError:
        return None
    if isinstance(value, bool) or not isfinite(number):
        return None
    if rule.type == "float":
        return number
    return int(number) if number.is_integer() else None


def _out_of_range(rule: Hyperparameter, value: Scalar) -> str | None:
    if rule.enum is not None and value not in rule.enum:
        return f"is not one of {', '.join(rule.enum)}"
    if rule.fixed is not None and value != rule.fixed:
        return f"must be {rule.fixed}"
    if isinstance(value, str):
        return None
    if rule.min is not None and value < rule.min:
        return f"is below {rule.min}, the minimum"
    if rule.max is not None and value > rule.max:
        return f"is above {rule.max}, the maximum"
    return None


def as_text(value: Scalar) -> str:
    """A value as text for the API's map of strings: `0.00001`, not `1e-05`."""
    return format(Decimal(repr(value)), "f") if isinstance(value, float) else str(value)
