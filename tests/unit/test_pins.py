"""One set of pins serves the virtual environment and the conda environments."""

import re
from pathlib import Path

import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parents[2]


def pins() -> dict[str, str]:
    lines = [line for name in ("requirements.txt", "requirements-face.txt") for line in (REPOSITORY / name).read_text().splitlines()]
    return dict(line.split("==") for line in lines if line and not line.startswith("#"))


def test_every_requirement_is_pinned() -> None:
    for name in ("requirements.txt", "requirements-face.txt", "requirements-dev.txt"):
        for line in (REPOSITORY / name).read_text().splitlines():
            if line and not line.startswith(("#", "-r")):
                assert re.fullmatch(r"[A-Za-z0-9_.-]+==[0-9][0-9A-Za-z.]*", line), f"{name}: {line}"


@pytest.mark.parametrize("path", sorted((REPOSITORY / "envs").glob("*.yaml")), ids=lambda path: path.name)
def test_conda_environments_have_the_same_pins(path: Path) -> None:
    (listed,) = [entry["pip"] for entry in yaml.safe_load(path.read_text())["dependencies"] if isinstance(entry, dict)]
    wanted = pins()
    for line in listed:
        name, version = line.split("==")
        assert wanted[name] == version, f"{path.name}: {line}"


def test_every_conda_file_that_a_rule_names_exists() -> None:
    for rule in sorted((REPOSITORY / "workflow/rules").glob("*.smk")):
        for name in re.findall(r'"(\.\./\.\./envs/[^"]+)"', rule.read_text()):
            assert (rule.parent / name).exists(), f"{rule.name}: {name}"
