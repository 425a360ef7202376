"""config/models: every system of the paper's tables has one entry, which the pipeline's own settings accept."""

import csv
import inspect
from pathlib import Path

import pytest
import yaml

from unicedit.errors import ConfigError
from unicedit.models.entry import UNKNOWN, read_entries, read_entry

CONFIG = Path(__file__).resolve().parents[2] / "config"
ENTRIES = read_entries(CONFIG / "models")


def printed(table: str) -> set[str]:
    with (CONFIG / "paper" / table).open(encoding="utf-8") as stream:
        return {row["model"] for row in csv.DictReader(stream)}


def test_every_system_of_the_paper_has_one_entry() -> None:
    editors = [entry.paper for entry in ENTRIES.values() if entry.table == 4]
    verifiers = [entry.paper for entry in ENTRIES.values() if entry.table == 5]
    assert len(editors) == 13 and set(editors) == printed("table4_unicbench.csv")
    assert len(verifiers) == 4 and set(verifiers) == printed("table5_verifier.csv")


@pytest.mark.parametrize("name", sorted(ENTRIES))
def test_entry_says_what_runs_it_and_why_it_was_not_run(name: str) -> None:
    entry = ENTRIES[name]
    assert entry.run == "run" or len(entry.why) >= 10
    if entry.editor is not None:
        assert entry.editor.name == name, "its name in rows is that of its file"
        diffusers = entry.editor.diffusers
        if diffusers is not None and entry.weights != UNKNOWN:
            assert diffusers.model == entry.weights
        if diffusers is None:
            assert entry.editor.engine in ("openai", "gemini", "ark", "images")


def test_arguments_are_those_of_the_pipelines() -> None:
    diffusers = pytest.importorskip("diffusers")
    for name, entry in ENTRIES.items():
        if entry.editor is not None and (settings := entry.editor.diffusers) is not None:
            accepted = set(inspect.signature(getattr(diffusers, settings.pipeline).__call__).parameters)
            assert set(settings.arguments) <= accepted, name
            assert {"image", "prompt"} <= accepted, name


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"why": ""}, "`not run` needs `why`"),
        ({"editor": None}, "an entry of Table 4 has `editor`"),
        ({"licence": ""}, "licence: String should have at least 1 character"),
        ({"price": 3}, "price: Extra inputs are not permitted"),
        ({"editor": {"name": "a", "engine": "diffusers"}}, "engine `diffusers` needs a section"),
    ],
)
def test_wrong_entry_is_one_line(tmp_path: Path, change: dict[str, object], said: str) -> None:
    values = yaml.safe_load((CONFIG / "models" / "flux-kontext.yaml").read_text(encoding="utf-8"))
    path = tmp_path / "entry.yaml"
    path.write_text(yaml.safe_dump({**values, **change}), encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        read_entry(path)
    assert str(caught.value).startswith(f"{path}: ") and said in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
