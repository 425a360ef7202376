"""The commented defaults, the JSON schema and config/README.md, generated from the typed configuration."""

import json
import textwrap
from typing import Any, get_args

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from unicedit.config.model import Config

WIDTH = 150


def schema() -> str:
    """JSON schema of the configuration, as config/config.schema.json holds it."""
    return (
        json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema", **Config.model_json_schema()}, indent=1, ensure_ascii=False)
        + "\n"
    )


def _comment(text: str, indent: int) -> list[str]:
    pad = " " * indent
    return [f"{pad}# {line}" for line in textwrap.wrap(" ".join(text.split()), WIDTH - indent - 2)]


def _value(value: Any, indent: int) -> str:
    plain = json.loads(json.dumps(value))
    if isinstance(plain, dict | list) and plain:
        block = yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=WIDTH)
        return "\n" + textwrap.indent(block.rstrip("\n"), " " * (indent + 2))
    return " " + yaml.safe_dump(plain, default_flow_style=True, allow_unicode=True, width=10_000).split("\n...")[0].rstrip("\n")


def _section(model: BaseModel, indent: int) -> list[str]:
    lines: list[str] = []
    for name, field in type(model).model_fields.items():
        value = getattr(model, name)
        lines += _comment(field.description or "", indent)
        if isinstance(value, BaseModel):
            lines.append(f"{' ' * indent}{name}:")
            lines += _section(value, indent + 2)
        else:
            lines.append(f"{' ' * indent}{name}:{_value(_plain(value), indent)}")
    return lines


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return value


def defaults() -> str:
    """The commented defaults, as config/config.yaml holds them."""
    config = Config()
    lines = [
        "# The defaults: everything runs on a laptop, in a simulated world, without GPU, model hub or key.",
        "# Generated from workflow/scripts/unicedit/config by `make config`; write an overlay and name it with --configfile to change a setting.",
        "# Every setting is explained in config/README.md.",
    ]
    for name in Config.model_fields:
        section = getattr(config, name)
        lines += ["", *_comment(type(section).__doc__ or "", 0), f"{name}:", *_section(section, 2)]
    return "\n".join(lines) + "\n"


def _allowed(field: FieldInfo) -> str:
    found = []
    for rule in field.metadata:
        for name, sign in (("ge", "≥"), ("gt", ">"), ("le", "≤"), ("lt", "<")):
            if getattr(rule, name, None) is not None:
                found.append(f"{sign} {getattr(rule, name)}")
    kind = str(getattr(field.annotation, "__name__", field.annotation)).replace("typing.", "")
    if kind.startswith("Literal") or "Literal[" in str(field.annotation):
        kind = str(field.annotation).replace("typing.", "").removeprefix("Literal[").removesuffix("]")
    return " ".join([kind.split(".")[-1] if "[" not in kind and "." in kind else kind, *found])


def _rows(kind: type[BaseModel], prefix: str, values: BaseModel | None) -> list[str]:
    """A row a setting of a section, with those of the sections in it. ``values`` are its values; None: those of a section that the defaults do not have."""
    rows: list[str] = []
    for name, field in kind.model_fields.items():
        value = _default(field) if values is None else getattr(values, name)
        if isinstance(value, BaseModel):
            rows.append(f"| `{prefix}{name}` | | | {_cell(field.description)} |")
            rows += _rows(type(value), f"{prefix}{name}.", value)
            continue
        shown = value if value == _NEEDED else json.dumps(_plain(value), ensure_ascii=False)
        shown = shown if len(shown) <= 60 else "see config.yaml"
        rows.append(f"| `{prefix}{name}` | `{_cell(shown)}` | {_cell(_allowed(field))} | {_cell(field.description)} |")
        entry = "" if value is None else "[]"
        for section in _sections_in(field.annotation):
            rows += _rows(section, f"{prefix}{name}{entry}.", None)
    return rows


_NEEDED = "needed"


def _default(field: FieldInfo) -> Any:
    return _NEEDED if field.is_required() else field.get_default(call_default_factory=True)


def _sections_in(annotation: Any) -> list[type[BaseModel]]:
    """The section that an optional one, or the entries of a list, would be."""
    found = [part for part in get_args(annotation) if isinstance(part, type) and issubclass(part, BaseModel)]
    return found[:1]


def _cell(text: str | None) -> str:
    return " ".join((text or "").split()).replace("|", "\\|")


def readme() -> str:
    """The table of settings, as config/README.md holds it after its introduction."""
    config = Config()
    lines: list[str] = []
    for name in Config.model_fields:
        section = getattr(config, name)
        lines += [
            "",
            f"## {name}",
            "",
            " ".join((type(section).__doc__ or "").split()),
            "",
            "| setting | default | allowed | what it does, and why this default |",
        ]
        lines += ["| --- | --- | --- | --- |", *_rows(type(section), f"{name}.", section)]
    return "\n".join(lines).lstrip("\n") + "\n"
