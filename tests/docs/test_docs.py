"""The documentation builds without a warning, and every command in it is run by a test."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from checkout import REPOSITORY, Checkout

PAGES = sorted((REPOSITORY / "docs").glob("*.md"))
_BLOCK = re.compile(r"(?:<!-- (?P<mark>[^\n]*?) -->\n)?```(?P<language>bash|python)[^\n]*\n(?P<text>.*?)```", re.S)
_SHELL = re.compile(r"^ {4}(?:make|snakemake|python|sbatch|pip|\.venv/bin/)\b", re.M)


@dataclass(frozen=True)
class Block:
    """Commands of a page."""

    page: Path
    mark: str
    language: str
    text: str


def blocks(page: Path) -> list[Block]:
    found = _BLOCK.finditer(page.read_text(encoding="utf-8"))
    return [Block(page, one["mark"] or "", one["language"], one["text"]) for one in found]


def test_it_builds_without_a_warning(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
    )
    assert done.returncode == 0, done.stderr
    home = (tmp_path / "site/index.html").read_text(encoding="utf-8")
    assert "https://fonts" not in home and "First run" in home


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_command_says_which_test_runs_it(page: Path) -> None:
    assert not _SHELL.search(page.read_text(encoding="utf-8")), "commands stand between ```bash and ```, under a mark"
    for block in blocks(page):
        known = block.mark == "runs" or (block.mark.startswith("tested by ") and _exists(block.mark.removeprefix("tested by ")))
        by_hand = block.mark.startswith("by hand: ") and len(block.mark) > len("by hand: ") + 10
        assert known or by_hand, f"{page.name}: no test runs\n{block.text}"


def _exists(name: str) -> bool:
    file, _, test = name.partition("::")
    path = REPOSITORY / file
    return path.is_file() and (not test or f"def {test}(" in path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A run of the embedded default, small; in copies of it readers type what the pages say."""
    from unicedit.world.library import encoded, names

    run = Checkout.fresh(tmp_path_factory.mktemp("reader") / "checkout")
    config = run.path("config/config.yaml")
    settings = config.read_text(encoding="utf-8")
    for default, small in (("images: 240", "images: 12"), ("per_subtask: 5", "per_subtask: 1")):
        assert default in settings
        settings = settings.replace(default, small)
    config.write_text(settings, encoding="utf-8")
    run.path("photos").mkdir()
    for number, name in enumerate(names(3)):
        run.path(f"photos/{number}.jpg").write_bytes(encoded(name))
    run.path(".venv").symlink_to(sys.prefix)
    run.snakemake("all")
    return run


@pytest.mark.workflow
@pytest.mark.parametrize(
    "page", [page for page in PAGES if any(block.mark == "runs" for block in blocks(page))], ids=lambda page: page.stem
)
def test_commands_of_the_page_run(reader: Checkout, page: Path, tmp_path: Path) -> None:
    """Each page begins with the finished run: what another page's commands changed is not its matter."""
    own = reader.copy(tmp_path / "checkout")
    for block in blocks(page):
        if block.mark != "runs":
            continue
        command = ["bash", "-euo", "pipefail", "-c", block.text] if block.language == "bash" else [sys.executable, "-c", block.text]
        done = subprocess.run(command, cwd=own.folder, capture_output=True, text=True, env=_environment())
        assert done.returncode == 0, f"{page.name}:\n{block.text}\n{done.stdout[-2000:]}\n{done.stderr[-3000:]}"


def _environment() -> dict[str, str]:
    """The reader has installed."""
    return {**os.environ, "MAKEFLAGS": "-o install", "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
