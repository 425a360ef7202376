"""Pages of the documentation that lie where their readers look for them first, outside docs/."""

import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

REPOSITORY = Path(__file__).resolve().parents[1]
PAGES = {"configuration.md": "config/README.md", "contributing.md": "CONTRIBUTING.md"}


def on_files(files: Files, config: Any) -> Files:
    """Add them, with links between the repository's folders made links between pages."""
    for page, source in PAGES.items():
        text = (REPOSITORY / source).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=re.sub(r"\]\((?:\.\./)?docs/", "](", text)))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Make links that lead out of docs/, as a reader of the repository follows them, lead to those pages."""
    for page, source in PAGES.items():
        markdown = re.sub(rf"\]\(\.\./{re.escape(source)}([)#])", rf"]({page}\1", markdown)
    return markdown
