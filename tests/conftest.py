"""Fixtures that several test modules share."""

import os
from pathlib import Path

import pytest

from checkout import Checkout

os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # jobs of a checkout compile its modules once
LONG = os.environ.get("UNICEDIT_LONG") == "1"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("long") and not LONG:
            item.add_marker(pytest.mark.skip(reason="repeats for confidence: make test-long"))


TEST_CONFIG = """\
library:
  kind: files
  path: photos
  shard_size: 4
benchmark: {source: none}
map:
  stop_after_failures: 1000
"""


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A checkout after a complete run over eight photograph files; never change it, copy it."""
    from unicedit.world.library import encoded, names

    run = Checkout.fresh(tmp_path_factory.mktemp("finished") / "checkout")
    photos = run.path("photos")
    photos.mkdir()
    for number, name in enumerate(names(8)):
        content = encoded(name)
        (photos / f"{number:03d}.{'png' if content[:4] == bytes([0x89]) + b'PNG' else 'jpg'}").write_bytes(content)
    run.path("test.yaml").write_text(TEST_CONFIG)
    run.snakemake("all")
    return run


@pytest.fixture
def run(finished_run: Checkout, tmp_path: Path) -> Checkout:
    """A copy of the finished run that a test may change."""
    copied = finished_run.copy(tmp_path / "checkout")
    copied.forget_rows()
    return copied
