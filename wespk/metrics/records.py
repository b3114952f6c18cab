"""Records that a JSON file holds: one way to write any frozen dataclass of results, and to read it back."""

from __future__ import annotations

import json
import re
import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from math import isfinite
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wespk.core.errors import WespkError

DIGITS = 6  # of the numbers in curves: more than any plot shows
EXACT = 17  # significant digits name any float64

AnyRecord = TypeVar("AnyRecord", bound="Record")


class Record:
    """What a frozen dataclass inherits to be written as JSON and read back with the same values.

    Its fields are numbers, strings, booleans, arrays of float64, dataclasses, named tuples, tuples, maps from
    names, or None where the type allows it.
    """

    def to_json(self) -> dict[str, Any]:
        """Return plain values for a JSON file, one entry for each field."""
        plain: dict[str, Any] = _plain(self)
        return plain

    @classmethod
    def from_json(cls: type[AnyRecord], value: Any) -> AnyRecord:
        """Read what `to_json` returned. Raises `WespkError` naming the entry that is not as it should be."""
        return _read_fields(cls, value, cls.__name__)


def rounded(values: ArrayLike, digits: int = DIGITS) -> NDArray[np.float64]:
    """Return the numbers of a curve with so many significant digits, so that a file of them stays small."""
    array = np.asarray(values, dtype=np.float64)
    short = [float(f"{value:.{digits}g}") for value in array.ravel().tolist()]
    return np.array(short, dtype=np.float64).reshape(array.shape)


def rounded_axis(places: ArrayLike) -> NDArray[np.float64]:
    """Return places on an axis, rounded to `DIGITS` digits of the range that they span."""
    array = np.asarray(places, dtype=np.float64)
    span, most = np.ptp(array) if array.size else 0.0, np.abs(array).max(initial=0.0)
    shared = np.log10(most / span) if span > most * 1e-16 else 0.0  # digits in which all are equal
    return rounded(array, min(EXACT, DIGITS + max(0, round(float(shared)))))


def json_text(value: Any) -> str:
    """Return indented JSON with sorted keys in which a vector of numbers takes one line.

    Strict JSON: raises `ValueError` for NaN and infinity, which no result may hold.
    """
    text = json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return re.sub(r"\[\n[-+.,\w\s]*?\]", lambda match: re.sub(r"\s+", "", match[0]), text) + "\n"


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items()}
    if hasattr(value, "_asdict"):
        return {name: _plain(each) for name, each in value._asdict().items()}
    if isinstance(value, (tuple, list)):
        return [_plain(each) for each in value]
    return value.item() if isinstance(value, np.generic) else value


@cache
def _types(cls: type) -> dict[str, Any]:
    hints = get_type_hints(cls)
    names = [field.name for field in fields(cls)] if is_dataclass(cls) else list(cls._fields)  # type: ignore[attr-defined]
    return {name: hints[name] for name in names}


def _read_fields(cls: Any, value: Any, where: str) -> Any:
    types_of = _types(cls)
    if not isinstance(value, dict) or value.keys() != types_of.keys():
        names = sorted(value.keys() ^ types_of.keys()) if isinstance(value, dict) else []
        which = f"'{names[0]}' is {'unknown' if names[0] in value else 'missing'}" if names else "no record"
        raise WespkError(f"{where}: {which} in a file of another version")
    return cls(**{name: _read(kind, value[name], f"{where}.{name}") for name, kind in types_of.items()})


def _read(kind: Any, value: Any, where: str) -> Any:
    """Return the plain `value` as an object of the type `kind`."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):  # only `X | None` is in use
        return None if value is None else _read(arguments[0], value, where)
    if origin is np.ndarray:
        return _read_array(value, where)
    if origin is tuple and isinstance(value, list):
        if arguments[-1] is Ellipsis:
            return tuple(_read(arguments[0], each, f"{where}[{i}]") for i, each in enumerate(value))
        if len(arguments) == len(value):
            pairs = zip(arguments, value, strict=True)
            return tuple(_read(each, item, f"{where}[{i}]") for i, (each, item) in enumerate(pairs))
    if origin is not None and isinstance(value, dict) and issubclass(origin, Mapping):
        return {str(name): _read(arguments[1], each, f"{where}.{name}") for name, each in value.items()}
    if origin is None and (is_dataclass(kind) or hasattr(kind, "_fields")):
        return _read_fields(kind, value, where)
    if kind is float and type(value) in (int, float) and isfinite(value):
        return float(value)
    if kind in (int, str, bool) and type(value) is kind:
        return value
    raise WespkError(f"{where}: {str(value)[:60]!r} is not of the type {getattr(kind, '__name__', kind)}")


def _read_array(value: Any, where: str) -> NDArray[np.float64]:
    try:
        array = np.array(value, dtype=np.float64)
    except (TypeError, ValueError):
        array = np.array(np.nan)
    if not isinstance(value, list) or not np.isfinite(array).all():
        raise WespkError(f"{where}: is not a list of numbers")
    return array
