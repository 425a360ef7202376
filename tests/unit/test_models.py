"""Models of a configuration: which there are, what their lock says, and that they are fetched whole, once, and used without a network."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hub_server import put, served
from unicedit.check_files import check_files
from unicedit.config.model import Config, parse
from unicedit.errors import ConfigError
from unicedit.models.cache import check_fetched, hub_cache, snapshot, use_cache
from unicedit.models.fetch import wanted_files
from unicedit.models.listed import listed
from unicedit.models.lock import locked, read_lock, says, unlocked
from unicedit.reads import READS

REPOSITORY = Path(__file__).resolve().parents[2]
FIRST, SECOND = "1" * 40, "2" * 40
FILES = {
    "config.json": b'{"model_type": "qwen2_5_vl"}',
    "model.safetensors": b"weights" * 1000,
    "model.fp16.safetensors": b"half" * 1000,
    "tokenizer.json": b"{}",
    "README.md": b"a card",
    "pytorch_model.bin": b"a pickle",
    "modeling_evil.py": b"import os",
}


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    """A hub's folder with one model in it, and a working folder with a configuration that names it."""
    put(tmp_path / "hub", "lab/verifier", FIRST, FILES, licence="apache-2.0")
    work = tmp_path / "work"
    work.mkdir()
    (work / "config").symlink_to(REPOSITORY / "config")
    (work / "my.yaml").write_text("verifier: {base: lab/verifier}\nmodels: {lock: my.lock.json}\n")
    return tmp_path


def fetch(hub: Path, endpoint: str, *more: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "HUGGINGFACE_"))}
    script = REPOSITORY / "workflow" / "scripts" / "fetch_models.py"
    command = [sys.executable, str(script), "--configfile", "my.yaml", *more]
    clean |= {"HF_ENDPOINT": endpoint, "HF_HUB_DISABLE_TELEMETRY": "1", **environment}
    return subprocess.run(command, cwd=hub / "work", env=clean, capture_output=True, text=True)


def lock_of(hub: Path) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((hub / "work/my.lock.json").read_text())["models"]
    return value


def cached(hub: Path, commit: str = FIRST) -> set[str]:
    return {path.name for path in (hub / f"work/cache/hub/models--lab--verifier/snapshots/{commit}").glob("*")}


def test_fetched_once_locked_and_whole_without_a_network(hub: Path) -> None:
    with served(hub / "hub") as endpoint:
        done = fetch(hub, endpoint)
        assert done.returncode == 0, done.stderr
        assert "lab/verifier@main: 111111111111" in done.stdout and "resolved and locked" in done.stdout
        put(hub / "hub", "lab/verifier", SECOND, {**FILES, "config.json": b"{}"}, licence="apache-2.0")
        again = fetch(hub, endpoint)
        assert "111111111111" in again.stdout and "checked against the lock" in again.stdout, "a branch that moves moves nothing here"
    entry = lock_of(hub)["lab/verifier@main"]
    assert (entry["commit"], entry["licence"]) == (FIRST, "apache-2.0")
    assert set(entry["files"]) == cached(hub) == {"config.json", "model.safetensors", "tokenizer.json"}, "no code, no pickle, nothing twice"
    assert entry["files"]["model.safetensors"]["size"] == 7000
    offline = fetch(hub, "http://127.0.0.1:9", HF_HUB_OFFLINE="1")
    assert offline.returncode == 0, offline.stderr
    look = "import huggingface_hub as h; print(open(h.hf_hub_download('lab/verifier', 'config.json', revision='%s', local_files_only=True)).read())"
    environment = {**os.environ, "HF_HUB_CACHE": str(hub / "work/cache/hub"), "HF_HUB_OFFLINE": "1"}
    read = subprocess.run([sys.executable, "-c", look % FIRST], env=environment, capture_output=True, text=True)
    assert "qwen2_5_vl" in read.stdout, read.stderr


def test_update_locks_what_the_branch_stands_for_now_and_settings_change(hub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(hub / "work")
    config = parse({"verifier": {"base": "lab/verifier"}, "models": {"lock": "my.lock.json"}})
    settings = []
    with served(hub / "hub") as endpoint:
        for commit in (FIRST, SECOND):
            put(hub / "hub", "lab/verifier", commit, FILES)
            assert fetch(hub, endpoint, "--update").returncode == 0
            assert locked(config).verifier.revision == commit
            settings.append(READS["sft"](locked(config)))
    assert settings[0] != settings[1], "another commit invalidates what the model computed"
    assert READS["edit"](locked(config)) == READS["edit"](config), "and nothing else"
    assert lock_of(hub)["lab/verifier@main"]["licence"] == "unknown"


@pytest.mark.parametrize("spoilt", ["model.safetensors", "config.json"])
def test_spoilt_file_is_removed_and_not_locked(hub: Path, spoilt: str) -> None:
    put(hub / "hub", "lab/verifier", FIRST, FILES, spoilt=[spoilt])
    with served(hub / "hub") as endpoint:
        done = fetch(hub, endpoint)
        assert done.returncode != 0 and f"{spoilt} is not what its digest says" in done.stderr, done.stderr
        assert not (hub / "work/my.lock.json").exists() and spoilt not in cached(hub)
        put(hub / "hub", "lab/verifier", FIRST, FILES)
        assert fetch(hub, endpoint).returncode == 0


def test_file_that_changed_on_the_disk_is_found(hub: Path) -> None:
    with served(hub / "hub") as endpoint:
        assert fetch(hub, endpoint).returncode == 0
        path = hub / f"work/cache/hub/models--lab--verifier/snapshots/{FIRST}/model.safetensors"
        path.resolve().write_bytes(b"Weights" * 1000)
        assert "model.safetensors is not what its digest says" in fetch(hub, endpoint).stderr
        assert fetch(hub, endpoint).returncode == 0
        assert path.read_bytes() == FILES["model.safetensors"]


def test_what_cannot_be_had_is_one_line(hub: Path) -> None:
    put(hub / "hub", "lab/pickles", FIRST, {"pytorch_model.bin": b"a pickle", "config.json": b"{}"})
    work = hub / "work"
    with served(hub / "hub") as endpoint:
        for model, said in (("lab/pickles", "holds no safetensors file"), ("lab/nothing", "looking it up failed")):
            (work / "my.yaml").write_text(f"verifier: {{base: {model}}}\nmodels: {{lock: my.lock.json}}\n")
            done = fetch(hub, endpoint)
            assert done.returncode != 0 and said in done.stderr and "Traceback" not in done.stderr, done.stderr
    (work / "my.yaml").write_text("verifier: {base: lab/verifier}\nmodels: {lock: my.lock.json}\n")
    assert "looking it up failed" in fetch(hub, "http://127.0.0.1:9").stderr
    assert "HF_HUB_OFFLINE is set" in fetch(hub, "http://127.0.0.1:9", HF_HUB_OFFLINE="1").stderr


def test_folder_is_left_as_it_is(hub: Path) -> None:
    model = hub / "work/lab/mine"
    model.mkdir(parents=True)
    (hub / "work/my.yaml").write_text("verifier: {base: lab/mine}\nmodels: {lock: my.lock.json}\n")
    done = fetch(hub, "http://127.0.0.1:9")
    assert done.returncode == 0 and "lab/mine@main: (a folder: nothing to fetch)" in done.stdout, done.stderr
    assert not (hub / "work/my.lock.json").exists()


def test_run_needs_the_lock_and_a_dry_run_says_so(hub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(hub / "work")
    for name in ("HF_HOME", "HF_HUB_CACHE"):
        monkeypatch.delenv(name, raising=False)
    config = parse({"verifier": {"base": "lab/verifier"}, "models": {"lock": "my.lock.json"}})
    (warning,) = check_files(locked(config), dry=True)
    assert warning.startswith("config: verifier.base = 'lab/verifier'") and "make fetch-models" in warning
    with pytest.raises(ConfigError, match=r"not in the lock file my\.lock\.json: run `make fetch-models`"):
        check_files(locked(config))
    with served(hub / "hub") as endpoint:
        assert fetch(hub, endpoint).returncode == 0
    assert check_files(locked(config)) == []
    (hub / f"work/cache/hub/models--lab--verifier/snapshots/{FIRST}/tokenizer.json").unlink()
    with pytest.raises(ConfigError, match=r"tokenizer\.json of its locked commit 111111111111 is not whole"):
        check_files(locked(config))
    assert check_files(locked(config), dry=True) == []


def test_pinned_commit_needs_no_lock_and_a_path_that_is_not_there_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert unlocked(parse({"verifier": {"base": "lab/verifier", "revision": FIRST}})) == []
    with pytest.raises(
        ConfigError, match=r"config: verifier\.base = '\./absent': no such file or folder, and no hub model with a revision"
    ):
        unlocked(parse({"verifier": {"base": "./absent"}}))
    (one,) = unlocked(parse({"verifier": {"base": "lab/verifier", "revision": "v2"}}))
    assert "its revision v2 is not in the lock file my.lock.json" in says(one, "my.lock.json")


def test_only_models_of_chosen_engines_are_listed() -> None:
    vllm = {"model": "lab/large"}
    editors = [
        {"name": "a", "engine": "diffusers", "diffusers": {"pipeline": "FluxKontextPipeline", "model": "lab/kontext", "revision": "v1"}}
    ]
    values: dict[str, Any] = {"instruct": {"engine": "vllm", "vllm": vllm}, "verify": {"vllm": vllm}, "edit": {"editors": editors}}
    names = [(one.key, one.name) for one in listed(parse(values))]
    assert names == [
        ("instruct.vllm.model", "lab/large@main"),
        ("edit.editors.0.diffusers.model", "lab/kontext@v1"),
        ("verifier.base", "models/tiny-base@main"),
    ]
    assert [one.model for one in listed(Config())] == ["models/tiny-base"]


def test_commits_reach_every_place_that_names_the_model(tmp_path: Path) -> None:
    editor = {"name": "a", "engine": "diffusers", "diffusers": {"pipeline": "FluxKontextPipeline", "model": "lab/kontext"}}
    values = {"edit": {"editors": [editor, {"name": "b"}]}, "models": {"lock": str(tmp_path / "lock.json")}}
    entry = {"model": "lab/kontext", "commit": FIRST, "licence": "mit", "files": {"a.json": {"sha256": "0" * 64, "size": 1}}}
    (tmp_path / "lock.json").write_text(json.dumps({"format": 1, "models": {"lab/kontext@main": entry}}))
    made = locked(parse(values))
    assert made.edit.editors[0].diffusers is not None and made.edit.editors[0].diffusers.revision == FIRST
    assert made.edit.editors[1] == parse(values).edit.editors[1]
    (tmp_path / "lock.json").write_text("{}]")
    with pytest.raises(ConfigError, match="is no lock file"):
        read_lock(tmp_path / "lock.json")


def test_adapter_is_looked_for_by_its_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("HF_HOME", "HF_HUB_CACHE"):
        monkeypatch.delenv(name, raising=False)
    lora = {"model": "lab/fast", "weight_name": "fast.safetensors", "revision": "refs/pr/1"}
    editor = {"name": "a", "engine": "diffusers", "diffusers": {"pipeline": "FluxKontextPipeline", "model": "lab", "lora": lora}}
    Path("lab").mkdir()
    entry = {"model": "lab/fast", "commit": FIRST, "licence": "mit", "only": "fast.safetensors"}
    entry["files"] = {"fast.safetensors": {"sha256": "0" * 64, "size": 3}}
    Path("lock.json").write_text(json.dumps({"models": {"lab/fast@refs/pr/1/fast.safetensors": entry}}))
    config = locked(parse({"edit": {"editors": [editor]}, "verifier": {"base": "lab"}, "models": {"lock": "lock.json"}}))
    with pytest.raises(ConfigError, match=r"fast\.safetensors of its locked commit"):
        check_fetched(config)
    folder = snapshot(hub_cache("cache"), read_lock(Path("lock.json")).models["lab/fast@refs/pr/1/fast.safetensors"])
    folder.mkdir(parents=True)
    (folder / "fast.safetensors").write_bytes(b"abc")
    check_fetched(config)


def test_pipelines_are_fetched_without_the_whole_checkpoint_beside_them() -> None:
    names = [
        "model_index.json",
        "flux1-kontext-dev.safetensors",
        "transformer/a-00001-of-2.safetensors",
        "tokenizer_2/spiece.model",
        "x.png",
    ]
    assert wanted_files(names, None) == ["model_index.json", "transformer/a-00001-of-2.safetensors", "tokenizer_2/spiece.model"]
    assert wanted_files(["a.safetensors", "b.safetensors"], "b.safetensors") == ["b.safetensors"], "of an adapter's repository one file"


def test_cache_of_the_run_is_used_unless_the_user_names_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HF_HOME", "HF_HUB_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HUB_CACHE", "")
    use_cache(str(tmp_path))
    assert os.environ["HF_HUB_CACHE"] == "", "nothing was fetched there"
    (tmp_path / "hub").mkdir()
    use_cache(str(tmp_path))
    assert os.environ["HF_HUB_CACHE"] == str(tmp_path / "hub")
    monkeypatch.setenv("HF_HUB_CACHE", "/shared/hub")
    use_cache(str(tmp_path))
    assert hub_cache(str(tmp_path)) == Path("/shared/hub")
