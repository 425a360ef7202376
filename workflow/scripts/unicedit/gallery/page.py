"""The page itself: its markup, style and scripts, which lie beside this module."""

import shutil
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined

from unicedit.files import write_text

MARKUP = "index.jinja"
STYLE = "gallery.css"
SCRIPTS = ("rows.js", "filters.js", "list.js", "viewer.js", "details.js", "main.js")  # in the order they are loaded


def write_page(folder: Path, **values: Any) -> None:
    """Write ``index.html`` and the folder ``app`` with what it loads. ``values`` fill the markup, escaped."""
    here = Path(__file__).parent
    app = folder / "app"
    app.mkdir(parents=True, exist_ok=True)
    for name in (STYLE, *SCRIPTS):
        shutil.copyfile(here / name, app / name)
    environment = Environment(undefined=StrictUndefined, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    markup = environment.from_string((here / MARKUP).read_text(encoding="utf-8"))
    write_text(folder / "index.html", markup.render(scripts=SCRIPTS, style=STYLE, **values))
