"""docs/engines.md says what is so: its settings are valid, its commands and files exist."""

import re
from pathlib import Path

import pytest
import yaml

from unicedit.config.instruct import InstructSettings
from unicedit.config.judge import JudgeSettings
from unicedit.config.model import parse
from unicedit.config.verify import VerifySettings

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = (REPOSITORY / "docs/engines.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: re.search(r"engine: (\w+)", block).group(1))  # type: ignore[union-attr]
def test_settings_are_valid(block: str) -> None:
    values = yaml.safe_load(block)
    config = parse(values)
    judged = any(judge.engine != "measured" for judge in config.benchmark.judges)
    assert judged or config.instruct.engine != "simulated" or "engine" in values["verify"]


def test_every_engine_is_in_the_table() -> None:
    listed = set(re.findall(r"^\| `(\w+)`", PAGE, re.MULTILINE))
    known = {name for settings in (InstructSettings, VerifySettings) for name in settings.model_fields["engine"].annotation.__args__}  # type: ignore[union-attr]
    assert known <= listed
    judges = (REPOSITORY / "docs/benchmark.md").read_text(encoding="utf-8").split("## Judges")[1]
    listed = set(re.findall(r"`(\w+)`", " ".join(re.findall(r"^\|([^|]+)\|", judges, re.MULTILINE))))
    assert set(JudgeSettings.model_fields["engine"].annotation.__args__) <= listed  # type: ignore[union-attr]


def test_commands_and_links_lead_somewhere() -> None:
    makefile = (REPOSITORY / "Makefile").read_text()
    for target in re.findall(r"\bmake ([a-z-]+)", PAGE):
        assert re.search(rf"^(?:\S+ )*{target}(?: \S+)*: ", makefile, re.MULTILINE), target
    for link in re.findall(r"\]\(([^)#]+)\)", PAGE):
        assert (REPOSITORY / "docs" / link).exists(), link


def test_settings_that_the_text_names_exist() -> None:
    manual = (REPOSITORY / "config/README.md").read_text(encoding="utf-8")
    for name in re.findall(r"`([a-z]+(?:_[a-z]+)+)`", PAGE):
        assert name in manual or name in ("mem_mb", "bench_viescore"), name
