"""Prompts: Jinja templates that lie beside the module that uses them."""

import functools
from pathlib import Path
from typing import Any

from jinja2 import StrictUndefined, Template
from jinja2.sandbox import SandboxedEnvironment


@functools.cache
def template(path: Path) -> Template:
    """The template in a file. A variable that is not given is an error, and ``tojson`` keeps Chinese readable."""
    environment = SandboxedEnvironment(undefined=StrictUndefined, autoescape=False, trim_blocks=True, lstrip_blocks=True)
    environment.policies["json.dumps_kwargs"] = {"ensure_ascii": False, "sort_keys": True}
    return environment.from_string(path.read_text(encoding="utf-8"))


def render(path: Path, **values: Any) -> str:
    """The template in a file with its variables filled in."""
    return template(path).render(**values)
