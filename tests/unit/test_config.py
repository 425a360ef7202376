"""The configuration: what is generated from it is true, and what is wrong in it is said in one line."""

import json
import os
from pathlib import Path

import pytest
import yaml

from unicedit.config.model import Config, parse
from unicedit.config.paths import check_folders
from unicedit.config.render import defaults, readme, schema
from unicedit.errors import ConfigError, PipelineError
from unicedit.workflow import read_config

CONFIG = Path(__file__).resolve().parents[2] / "config"


@pytest.mark.parametrize(("name", "made"), [("config.yaml", defaults), ("config.schema.json", schema)])
def test_generated_files_are_up_to_date(name: str, made) -> None:
    assert (CONFIG / name).read_text(encoding="utf-8") == made(), "run `make config`"


def test_readme_explains_every_setting() -> None:
    assert (CONFIG / "README.md").read_text(encoding="utf-8").endswith(readme()), "run `make config`"


def test_commented_defaults_are_the_defaults() -> None:
    assert Config.model_validate(yaml.safe_load(defaults())) == Config()


def test_who_verifies_is_said_where_it_is_left_open() -> None:
    own = {"name": "mine", "engine": "python", "python": {"file": "mine.py", "name": "Mine"}}
    photos = {"kind": "files", "path": "photos"}
    for values, engine in (
        ({}, "transformers"),
        ({"library": photos}, "simulated"),  # simulated edits of pictures that no sample looks like
        ({"edit": {"editors": [own]}}, "simulated"),  # refused before the first job: test_program.py
        ({"library": photos, "verify": {"engine": "transformers"}}, "transformers"),
        ({"verify": {"engine": "ssim"}}, "ssim"),
    ):
        assert parse(values).verify.engine == engine


@pytest.mark.parametrize(
    "overlay", sorted(path.name for path in CONFIG.glob("*.yaml") if path.name not in ("config.yaml", "rates.yaml", "taxonomy.yaml"))
)
def test_shipped_overlays_are_valid(overlay: str) -> None:
    assert read_config([CONFIG / "config.yaml", CONFIG / overlay]) != parse({})


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ({"verfy": {}}, "config: verfy: unknown key; known here: benchmark, contamination, d2po, dataset, duplicates,"),
        ({"verify": {"ssim": {"treshold": 0.9}}}, "config: verify.ssim.treshold: unknown key; known here: threshold"),
        ({"verify": {"ssim": {"threshold": 2}}}, "config: verify.ssim.threshold = '2': input should be less than or equal to 1"),
        ({"world": {"images": "many"}}, "config: world.images = 'many': input should be a valid integer"),
        ({"edit": {"editors": [{"name": "a", "share": -1}]}}, "config: edit.editors.0.share = '-1': input should be greater than 0"),
        ({"edit": {"editors": [{"name": "a"}, {"name": "a"}]}}, "editor names must be unique, and a is there more than once"),
        ({"instruct": {"per_image": {"min": 5, "max": 3}}}, "min is 5 and max is 3: min must be at most max"),
        ({"library": {"kind": "files"}}, "`path` (or `list_file`) must name a folder"),
        ({"library": {"declared": 0}}, "config: library.declared = '0': input should be greater than or equal to 1"),
        ({"map": {"stage_workers": {"edit": 99}}}, "0 to 64 processes are allowed"),
        ({"ingest": {"max_crop_loss": float("nan")}}, "config: ingest.max_crop_loss = 'nan'"),
        ({"prefilter": {"aesthetic": {"predictor": "siglip_v2_5"}}}, "must name the vision model"),
        ({"ingest": {"encoding": {"format": "gif"}}}, "config: ingest.encoding.format = 'gif': input should be 'png', 'webp' or 'jpeg'"),
        ({"ingest": 5}, "config: ingest = '5': a section of settings is allowed"),
        ({"edit": {"editors": []}}, "config: edit.editors = '[]': at least one entry is needed"),
        ({"edit": {"editors": ["a"]}}, "config: edit.editors.0 = 'a': a section of settings is allowed"),
        ({"edit": {"editors": [{"name": "a", "engine": "ark"}]}}, "engine `ark` needs a section `ark` beside it"),
        ({"edit": {"editors": [{"name": "a", "engine": "gemini", "gemini": {}}]}}, "config: edit.editors.0.gemini.model: missing"),
        (
            {"edit": {"editors": [{"name": "a", "engine": "diffusers", "diffusers": {"pipeline": "os.system", "model": "m"}}]}},
            "config: edit.editors.0.diffusers.pipeline = 'os.system': string should match pattern",
        ),
        (
            {"edit": {"editors": [{"name": "a", "engine": "openai", "openai": {"model": "m", "budget": {"money": 5}}}]}},
            "budget.money needs price.picture, or price.input and price.output",
        ),
        ({"library": {"path": 5}}, "config: library.path = '5': a text is allowed, or a list is allowed"),
        ({"ingest": {"max_megapixels": 1000}}, "config: ingest.max_megapixels = '1000': input should be less than or equal to 178"),
        ({"benchmark": {"source": "files"}}, "source is `files`, so `path` must name"),
        ({"benchmark": {"judges": [{"name": "a", "engine": "openai"}]}}, "engine `openai` needs openai.model"),
        ({"benchmark": {"judges": [{"name": "a", "repeats": 3}]}}, "engine `measured` gives the same score every time: 1 is allowed"),
        ({"benchmark": {"source": "hub"}}, "needs source `world` and models with engine `simulated`"),
        ({"benchmark": {"models": [{"name": "a"}, {"name": "a"}]}}, "names must be unique, and a is there more than once"),
        ({"benchmark": {"models": [{"name": ".."}]}}, "names begin with a letter or digit, and '..' does not"),
        (
            {"benchmark": {"models": [{"name": "a", "paper": "BAGEL"}, {"name": "b", "paper": "BAGEL"}]}},
            "two models claim the paper's row 'BAGEL'",
        ),
        ({"benchmark": {"models": [{"name": "a", "run": False}]}}, "no model is to be run"),
        ({"table2": {"datasets": [{"name": "a", "mapping": "m.yaml", "root": "r"}]}}, "name a judge, for instance"),
        (
            {"table2": {"judges": [{"name": "a", "openai": {"model": "m"}}] * 2}},
            "names of judges must be unique, and a is there more than once",
        ),
        ({"table2": {"judges": [{"name": "a", "engine": "measured"}]}}, "input should be 'openai', 'batch', 'vllm' or 'transformers'"),
        ({"benchmark": {"languages": ["en", "en"]}}, "a language is named twice"),
        ({"paths": {"results": "made/../scratch/"}}, "results and scratch are one folder; they must be two"),
        ({"paths": {"cache": "results"}}, "results and cache are one folder; they must be two"),
        ({"paths": {"results": "runs/{name}"}}, "config: paths.results = 'runs/{name}': a folder's path has no braces"),
        ({"paths": {"scratch": "two\nlines"}}, "control characters"),
    ],
)
def test_fault_is_one_line_with_key_value_and_what_is_allowed(values: dict, line: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(values)
    (said,) = str(caught.value).splitlines()
    assert said.startswith("config: ")
    assert line in said


def test_every_setting_says_what_it_does() -> None:
    described = json.loads(schema())

    def walk(node: dict, path: str) -> None:
        for name, value in node.get("properties", {}).items():
            reference = value.get("$ref") or next((one["$ref"] for one in value.get("anyOf", []) if "$ref" in one), None)
            assert value.get("description") or (reference and path == ""), f"{path}{name} has no description"
            if reference:
                walk(described["$defs"][reference.rsplit("/", 1)[1]], f"{path}{name}.")

    walk(described, "")


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"- world: 5\n", "holds a list and no settings"),
        (b"just words\n", "holds a str and no settings"),
        (b"library: [\n", "not valid YAML"),
        ("library: {path: größe}\n".encode("latin-1"), "not valid YAML"),
    ],
)
def test_file_that_holds_no_settings_is_named_in_one_line(tmp_path: Path, content: bytes, line: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        read_config([CONFIG / "config.yaml", path])
    (said,) = str(caught.value).splitlines()
    assert said.startswith(f"{path}: {line}")


def test_folders_are_checked_before_anything_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a file").write_text("x")
    with pytest.raises(PipelineError, match=r"config: paths\.results = 'a file/results': a file is no folder"):
        check_folders("a file/results", "scratch")
    monkeypatch.setattr(os, "access", lambda path, mode: str(path) != "readonly")  # who runs this may be root, who may write anywhere
    Path("readonly").mkdir()
    with pytest.raises(PipelineError, match=r"config: paths\.scratch = 'readonly/scratch': readonly cannot be written"):
        check_folders("results", "readonly/scratch")
    Path("docs").mkdir()
    Path("docs/architecture.md").write_text("x")
    with pytest.raises(PipelineError, match=r"config: paths\.results = 'docs': holds architecture\.md and no earlier run"):
        check_folders("docs", "scratch")
    Path("results/logs").mkdir(parents=True)
    check_folders("results", "scratch")
    Path("docs/index").mkdir()
    check_folders("docs", "scratch")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a file", "docs", "readonly", "results"]


def test_folders_are_normalised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")
    paths = parse({"paths": {"results": "~/runs//first/", "scratch": "./scratch"}}).paths
    assert (paths.results, paths.scratch) == ("/home/somebody/runs/first", "scratch")


def test_workers_by_stage_take_the_place_of_the_general_number() -> None:
    settings = parse({"map": {"workers": 2, "stage_workers": {"edit": 8, "instruct": 0}}}).map
    assert [settings.workers_of(stage) for stage in ("ingest", "edit", "instruct")] == [2, 8, 0]
