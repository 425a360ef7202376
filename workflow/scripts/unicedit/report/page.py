"""Pages of the report: small documents that stand alone, for the report embeds each one."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from unicedit.files import write_text

STYLE = "page.css"
MARKUP = "page.jinja"
RECORD = "record.jinja"


def _environment() -> Environment:
    return Environment(undefined=StrictUndefined, autoescape=True, trim_blocks=True, lstrip_blocks=True)


def write_page(path: Path, title: str, body: Markup) -> None:
    """Write a page with its style inside. ``body`` is markup of ours."""
    here = Path(__file__).parent
    style = Markup((here / STYLE).read_text(encoding="utf-8"))  # ours, and nothing else
    markup = _environment().from_string((here / MARKUP).read_text(encoding="utf-8"))
    write_text(path, markup.render(title=title, style=style, body=body) + "\n")


def fill(name: str, **values: Any) -> Markup:
    """A template that lies beside this module, filled with ``values``, which are escaped."""
    text = Path(__file__).with_name(name).read_text(encoding="utf-8")
    return Markup(_environment().from_string(text).render(**values))


def from_markdown(text: str) -> Markup:
    """Markdown with tables as markup. HTML in it is shown as text; pictures are left out, for a page has no files beside it."""
    from markdown_it import MarkdownIt

    return Markup(MarkdownIt("commonmark", {"html": False}).enable("table").disable("image").render(text))


def title_of(text: str, otherwise: str) -> str:
    """The first heading of a Markdown text."""
    return next((line[2:].strip() for line in text.splitlines() if line.startswith("# ")), otherwise)
