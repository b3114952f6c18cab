"""Strict typed configuration: YAML files, `--set a.b=c` overrides, and components named in them.

A wrong key, type or value is a `WespkError` of one line: the file, the key and the nearest right one.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from importlib import import_module
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from wespk.core.errors import WespkError, nearest
from wespk.core.files import PathLike, read_text, write_text

# What the YAML library lets through of its constructors (2026-13-45, !!bool x) and of endlessly nested texts.
UNREADABLE = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)

# Whether the component that is being built, and so all inside it, may only be a registered one.
_registered_only: ContextVar[bool] = ContextVar("registered_only", default=False)


class StrictModel(BaseModel):
    """Base of every configuration section: immutable, unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, allow_inf_nan=False)


class Component(BaseModel):
    """A part chosen by name, with its own options beside the name: ``{name: ecapa_tdnn, channels: 512}``.

    `name` is a registered name or the dotted path of a class in the user's own package.
    """

    model_config = ConfigDict(frozen=True, extra="allow")
    name: str

    @property
    def options(self) -> dict[str, Any]:
        """The keys beside `name`."""
        return dict(self.model_extra or {})


Config = TypeVar("Config", bound=BaseModel)


def load_config(schema: type[Config], path: PathLike, overrides: Sequence[str] = ()) -> Config:
    """Read the YAML file `path` into `schema`, after applying overrides of the form ``optim.lr=0.001``."""
    return parse_config(schema, override(_read_yaml(path), overrides), str(path))


def override(values: dict[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    """Return `values` with each of ``optim.lr=0.001`` set in them, in place; the new value is YAML."""
    for each in overrides:
        _set(values, each)
    return values


def parse_config(schema: type[Config], values: Mapping[str, Any], source: str) -> Config:
    """Validate `values` against `schema`; `source` names their origin in error messages."""
    try:
        return schema.model_validate(values)
    except ValidationError as error:
        raise WespkError(f"{source}: {_first_complaint(error, schema)}") from None


def save_config(config: BaseModel, path: PathLike) -> None:
    """Write the fully resolved configuration, defaults included, as YAML."""
    write_text(path, yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True))


def build(
    component: Component,
    registry: Mapping[str, str],
    kind: str,
    *,
    registered_only: bool = False,
    **given: Any,
) -> Any:
    """Make the object that `component` names.

    `registry` maps a short name to a dotted path ``package.module:Class``; a name with a dot is taken as
    such a path itself, unless `registered_only` (for a component that comes out of an untrusted file: a
    dotted path could name any function), which then holds for the components inside it too. `given` are
    arguments that the caller derives (an input dimension, a class count). The component's options are
    checked, by name and type, against the constructor.
    """
    registered_only = registered_only or _registered_only.get()
    if registered_only and component.name not in registry:
        raise WespkError(
            f"{kind} '{component.name}' is not part of wespk; trust its code explicitly to load it"
        )
    factory = find_component(component.name, registry, kind)
    clash = sorted(set(given) & set(component.options))
    if clash:
        raise WespkError(f"{kind} {component.name}: '{clash[0]}' is derived from the data; remove it")
    parameters = inspect.signature(factory, eval_str=True).parameters.values()
    open_ended = any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters)
    lacking = sorted(set(given) - {parameter.name for parameter in parameters})
    if lacking and not open_ended:
        raise WespkError(f"{kind} {component.name}: its constructor must take '{lacking[0]}'")
    options = _check_options(factory, component, kind, set(given))
    outer = _registered_only.set(registered_only)
    try:
        return factory(**options, **given)
    except (ArithmeticError, RuntimeError, TypeError, ValueError) as error:
        reason = str(error).split("\n")[0]
        raise WespkError(f"{kind} {component.name}: cannot be built with {options} ({reason})") from None
    finally:
        _registered_only.reset(outer)


def find_component(name: str, registry: Mapping[str, str], kind: str) -> Callable[..., Any]:
    """Return the class that `name` stands for: registered, or by a dotted path ``package.module:Class``."""
    path = registry.get(name, name if "." in name or ":" in name else None)
    if path is None:
        raise WespkError(
            f"unknown {kind} '{name}': {nearest(name, registry)}, or a dotted path to your own class"
        )
    module, _, attribute = path.replace(":", ".").rpartition(".")
    try:
        return getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise WespkError(f"{kind} '{name}' cannot be imported: {error}") from None


def first_difference(one: dict[str, Any], other: dict[str, Any]) -> tuple[str, Any, Any] | None:
    """Return the first setting that differs between two nested mappings, as (dotted key, value, value)."""
    mine, yours = _flat(one), _flat(other)
    for key in [*mine, *sorted(yours.keys() - mine.keys())]:
        if mine.get(key) != yours.get(key):
            return key, mine.get(key), yours.get(key)
    return None


def _flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in values.items():
        flat.update(_flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value})
    return flat


def _read_yaml(path: PathLike) -> dict[str, Any]:
    try:
        values = yaml.safe_load(read_text(path))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise WespkError(f"{path}{line}: not valid YAML ({getattr(error, 'problem', error)})") from None
    except UNREADABLE as error:
        raise WespkError(f"{path}: not YAML that can be read ({error})") from None
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise WespkError(
            f"{path}: a configuration is a mapping of keys to values, not a {type(values).__name__}"
        )
    return values


def _set(values: dict[str, Any], setting: str) -> None:
    key, equals, text = setting.partition("=")
    if not equals or not all(key.split(".")):
        raise WespkError(f"--set {setting}: write it as section.key=value")
    *sections, last = key.split(".")
    for section in sections:
        values = values.setdefault(section, {})
        if not isinstance(values, dict):
            raise WespkError(f"--set {setting}: '{section}' is a value, not a section")
    try:
        values[last] = _yaml_value(text)
    except (yaml.YAMLError, *UNREADABLE):
        raise WespkError(f"--set {setting}: '{text}' is not a valid YAML value") from None


def _yaml_value(text: str) -> Any:
    value = yaml.safe_load(text)
    if isinstance(value, str):  # YAML 1.1 takes 1e-3 for a string; people mean the number
        try:
            return float(value)
        except ValueError:
            return value
    return value


def _first_complaint(error: ValidationError, schema: type[BaseModel]) -> str:
    first = error.errors(include_url=False)[0]
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return f"unknown key '{key}': {nearest(str(first['loc'][-1]), _fields_at(schema, first['loc'][:-1]))}"
    if first["type"] == "missing":
        return f"'{key}' is missing"
    message = first["msg"].removeprefix("Value error, ")
    shown = "" if isinstance(first["input"], dict) else f", not {first['input']!r}"
    return f"'{key}': {message[:1].lower()}{message[1:]}{shown}" if key else message


def _fields_at(schema: type[BaseModel], location: Sequence[Any]) -> list[str]:
    for part in location:
        annotation = schema.model_fields[part].annotation if part in schema.model_fields else None
        if not (inspect.isclass(annotation) and issubclass(annotation, BaseModel)):
            return []
        schema = annotation
    return list(schema.model_fields)


def _check_options(
    factory: Callable[..., Any], component: Component, kind: str, given: set[str]
) -> dict[str, Any]:
    parameters = {
        name: parameter
        for name, parameter in inspect.signature(factory, eval_str=True).parameters.items()
        if name not in given and parameter.kind is not inspect.Parameter.VAR_KEYWORD
    }
    fields: Any = {
        name: (
            Any if parameter.annotation is inspect.Parameter.empty else parameter.annotation,
            ... if parameter.default is inspect.Parameter.empty else parameter.default,
        )
        for name, parameter in parameters.items()
    }
    schema = create_model(
        "Options", __config__=ConfigDict(extra="forbid", arbitrary_types_allowed=True), **fields
    )
    checked = parse_config(schema, component.options, f"{kind} {component.name}")
    return {name: getattr(checked, name) for name in component.options}
