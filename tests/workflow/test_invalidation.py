"""Only what is invalid is made again: what Snakemake plans, and which rows are computed (design section 5)."""

import json
import os
import shutil
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml

from checkout import Checkout

pytestmark = pytest.mark.workflow

SHARDS = ("00000", "00001")
AFTER_VERIFY = {"verify", "assemble", "card", "gallery", "table3", "filter_truth"}
AFTER_INSTRUCT = {"instruct", "edit", "truth"} | AFTER_VERIFY


def test_finished_run_plans_nothing(run: Checkout) -> None:
    assert run.planned() == {}


def test_touching_everything_plans_nothing(run: Checkout) -> None:
    later = time.time() + 5
    for folder in ("photos", "workflow", "config", "profiles", "results"):
        for path in sorted(run.path(folder).rglob("*")):
            if path.is_file():
                later += 0.001
                os.utime(path, (later, later))
    os.utime(run.path("Snakefile"))
    assert run.planned() == {}


def over_old_results(run: Checkout, folder: Path, *, metadata: bool) -> Checkout:
    """A fresh checkout beside old results and photographs, copied without their times."""
    fresh = Checkout.fresh(folder)
    shutil.copy(run.path("test.yaml"), fresh.path("test.yaml"))
    for name in ["photos", "results", *([".snakemake"] if metadata else [])]:
        shutil.copytree(run.path(name), fresh.path(name), copy_function=shutil.copy)
    return fresh


@pytest.mark.parametrize("metadata", [True, False], ids=["with-records", "without-records"])
def test_fresh_checkout_over_old_results(run: Checkout, tmp_path: Path, metadata: bool) -> None:
    fresh = over_old_results(run, tmp_path / "fresh", metadata=metadata)
    assert fresh.planned() == {}
    fresh.path("test.yaml").write_text(fresh.path("test.yaml").read_text() + "verify: {simulated: {miss: 0.5}}\n")
    assert set(fresh.planned()) == AFTER_VERIFY
    shutil.copy(run.path("test.yaml"), fresh.path("test.yaml"))
    assert fresh.planned() == {}, "put back as it was"


def test_comment_or_docstring_plans_nothing(run: Checkout) -> None:
    run.replace("workflow/scripts/unicedit/files.py", "CHUNK_BYTES = 1 << 20", "CHUNK_BYTES = 1 << 20  # one megabyte")
    run.replace("workflow/scripts/unicedit/files.py", '"""Files that appear whole', '"""Files that always appear whole')
    run.replace("workflow/scripts/unicedit/map/stage.py", '"""What a stage supplies', '"""Exactly what a stage supplies')
    assert run.planned() == {}


def rows_of(run: Checkout, stage: str) -> int:
    """Items that a stage was given, over all shards."""
    return sum(run.sidecar(f"{stage}/{shard}")["rows_in"] for shard in SHARDS)


def test_logic_of_the_verify_module_plans_and_computes_verify_and_nothing_before(run: Checkout) -> None:
    before = run.dataset()
    with run.path("workflow/scripts/unicedit/verify/stage.py").open("a") as module:
        module.write("\n\nADDED = 1\n")
    assert set(run.planned()) == AFTER_VERIFY
    run.snakemake("all")
    assert run.rows() == {"verify": rows_of(run, "verify")}
    assert run.dataset() == before


def test_prompt_plans_its_stage_and_after_and_computes_its_rows(run: Checkout) -> None:
    before = run.dataset()
    with run.path("workflow/scripts/unicedit/instruct/prompt.jinja").open("a") as prompt:
        prompt.write("\nThink first.\n")
    assert set(run.planned()) == AFTER_INSTRUCT
    run.snakemake("dataset")
    # the simulated writer answers as before, so the edits of its instructions are the same ones
    assert run.rows() == {"instruct": rows_of(run, "instruct")}
    assert run.dataset() == before


def test_plumbing_computes_no_row(run: Checkout) -> None:
    """Neither a map refactored, nor a new field in another section of the settings."""
    before = run.dataset()
    run.replace(
        "workflow/scripts/unicedit/map/compute.py",
        """        batch = list(items[start : start + stage.batch_size])
        yield batch, list(stage.load(batch))
""",
        """        batch = _slice(items, start, stage.batch_size)
        yield batch, list(stage.load(batch))


def _slice(items: Sequence[Item], start: int, length: int) -> list[Item]:
    return [items[number] for number in range(start, min(start + length, len(items)))]
""",
    )
    run.replace(
        "workflow/scripts/unicedit/config/map.py",
        "    segment_mb: int",
        '    spare: int = Field(0, description="A new setting of another section.")\n    segment_mb: int',
    )
    run.snakemake("dataset")
    assert run.rows() == {}
    assert run.rows("reused"), "the stages ran, and reused their rows"
    assert run.dataset() == before


def test_new_image_makes_its_shard_and_the_gathers(run: Checkout) -> None:
    from unicedit.world.library import encoded, names

    before = run.dataset()
    run.path("photos/new.jpg").write_bytes(encoded(names(20)[19]))
    planned = run.planned()
    one_each = {"ingest", "duplicates", "prefilter"} | AFTER_INSTRUCT
    assert planned == dict.fromkeys(one_each, 1)
    run.snakemake("all")
    assert run.rows()["ingest"] == 1
    after = run.dataset()
    assert len(after) == len(before) + 1
    assert {name: after[name] for name in before} == before


def test_gallery_follows_its_own_settings_and_files(run: Checkout) -> None:
    with run.path("test.yaml").open("a") as overlay:
        overlay.write("gallery: {rows: 10}\n")
    assert run.planned() == {"gallery": 1}
    run.snakemake("all")
    assert "10 of " in run.path("results/gallery/index.html").read_text()
    assert run.planned() == {}
    with run.path("workflow/scripts/unicedit/gallery/list.js").open("a") as script:
        script.write("// another list\n")
    assert run.planned() == {"gallery": 1}, "its scripts are part of its code"
    shutil.rmtree(run.path("results/gallery/data"))
    assert run.planned() == {"gallery": 1}


def test_changed_image_computes_its_rows_only(run: Checkout) -> None:
    from unicedit.world.library import encoded, names

    run.path("photos/001.jpg").write_bytes(encoded(names(20)[18]))
    run.snakemake("dataset")
    rows = run.rows()
    assert rows["ingest"] == rows["prefilter"] == rows["instruct"] == 1
    assert 0 < rows["edit"] <= 7


def test_threshold_computes_only_newly_admitted_rows(run: Checkout) -> None:
    run.path("test.yaml").write_text(run.path("test.yaml").read_text() + "verify: {engine: ssim, ssim: {threshold: 0.9}}\n")
    run.snakemake("dataset")
    few = sum(run.sidecar(f"verify/{shard}")["status"]["ok"] for shard in ("00000", "00001"))
    run.forget_rows()
    run.replace("test.yaml", "threshold: 0.9", "threshold: 0.99")
    assert set(run.planned()) == AFTER_VERIFY
    run.snakemake("dataset")
    assert run.rows() == {}, "every SSIM was measured before"
    assert sum(run.sidecar(f"verify/{shard}")["status"]["ok"] for shard in ("00000", "00001")) > few


def admitted(run: Checkout) -> int:
    """Pictures that pass the prefilter."""
    return sum(run.sidecar(f"prefilter/{shard}")["status"]["ok"] for shard in ("00000", "00001"))


def test_admitting_more_pictures_computes_the_newcomers_only(run: Checkout) -> None:
    run.path("test.yaml").write_text(run.path("test.yaml").read_text() + "prefilter: {min_quality: 9.5}\n")
    run.snakemake("dataset")
    few = admitted(run)
    run.forget_rows()
    run.replace("test.yaml", "min_quality: 9.5", "min_quality: 0")
    run.snakemake("dataset")
    rows = run.rows()
    assert "ingest" not in rows and "prefilter" not in rows
    assert rows["instruct"] == admitted(run) - few > 0
    assert 3 * rows["instruct"] <= rows["edit"] <= 7 * rows["instruct"]


def test_corrupted_files_are_named_and_made_again(run: Checkout) -> None:
    before = run.dataset()
    damaged = ("results/edit/00000.parquet", "results/verify/00001.parquet")
    for name in damaged:
        content = bytearray(run.path(name).read_bytes())
        content[len(content) // 2] ^= 0xFF
        run.path(name).write_bytes(bytes(content))
    found = run.command("verify_results", check=False)
    assert found.returncode == 1
    assert all(name in found.stdout for name in damaged)
    planned = run.planned()
    assert (planned["edit"], planned["verify"]) == (1, 2), "and what follows of the edits"
    run.snakemake("dataset")
    assert run.dataset() == before
    assert run.command("verify_results").stdout.strip().endswith("0 damaged")
    assert run.planned("dataset") == {}


def test_table_that_is_gone_is_made_again_when_it_is_needed(run: Checkout) -> None:
    cases = (
        ("ingest/00001", "assemble", "dataset: {row_group_rows: 50}"),
        ("verify/00000", "assemble", "dataset: {row_group_rows: 50}"),
        ("ingest/00000", "duplicates", "duplicates: {max_distance: 3}"),
        ("instruct/00001", "card", "dataset: {card: {title: Another}}"),
        ("prefilter/00000", "table3", "tables: {confidence: 0.9}"),
        ("truth/truth", "filter_truth", "tables: {confidence: 0.9}"),
    )
    tables = {gone: run.path(f"results/{gone}.parquet") for gone, _, _ in cases}
    aside = {gone: path.rename(run.path(f"{number}.aside")) for number, (gone, path) in enumerate(tables.items())}
    assert run.planned() == {}, "nobody needs them"
    for gone, path in aside.items():
        path.rename(tables[gone])
    kept = run.path("test.yaml").read_text()
    for gone, needed_by, setting in cases:
        tables[gone].rename(run.path("gone.aside"))
        run.path("test.yaml").write_text(f"{kept}{setting}\n")
        planned = run.planned()
        assert planned[gone.split("/")[0]] == 1 and needed_by in planned, gone
        assert run.path(f"results/{gone}.json").exists(), "a dry run leaves things as they are"
        run.path("gone.aside").rename(tables[gone])


def test_intermediate_tables_that_are_gone_are_linked_again(run: Checkout) -> None:
    tables = [run.path(f"results/{stage}/00000.parquet") for stage in ("ingest", "prefilter", "instruct", "edit", "verify")]
    before = {path: path.read_bytes() for path in tables}
    for path in tables:
        path.unlink()
    with run.path("test.yaml").open("a") as overlay:
        overlay.write("dataset: {row_group_rows: 50}\n")
    run.snakemake("dataset")
    assert run.rows() == {}
    assert {path: path.read_bytes() for path in tables} == before
    assert run.planned("dataset") == {}


def test_dry_run_leaves_the_index_as_it_is(run: Checkout) -> None:
    def index() -> dict[str, tuple[bytes, int]]:
        return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in run.path("results/index").iterdir()}

    before, kept = index(), run.path("test.yaml").read_text()
    name = json.loads(before["00000.json"][0])["entries"][0]["name"]
    run.path(f"photos/{name}").rename(run.path("aside.jpg"))
    run.path("other").mkdir()
    shutil.copy(run.path("aside.jpg"), run.path("other/one.jpg"))
    planned = run.planned()
    assert planned["ingest"] == 1 and planned["card"] == 1
    run.path("test.yaml").write_text(kept.replace("path: photos", "path: other\n  allow_removal: true"))
    planned = run.planned()
    assert planned["ingest"] == 3, "both old shards lose their pictures, and there is a new one"
    refused = run.snakemake("-n", "--config", "library={allow_removal: false}", check=False)
    assert "which library.path no longer names" in refused.stdout + refused.stderr
    assert "error" not in run.snakemake("--summary").stderr.lower()
    run.path("test.yaml").write_text(kept)
    run.path("aside.jpg").rename(run.path(f"photos/{name}"))
    assert index() == before
    assert run.planned() == {}


def test_dataset_files_that_are_gone_are_made_again(run: Checkout) -> None:
    before = run.dataset()
    for gone, shards in (("README.md", 0), ("sidecars/shard-00001.json", 1), ("data/shard-00000.parquet", 2)):
        run.path(f"results/dataset/{gone}").unlink()
        planned = run.planned()
        assert {"card"} <= set(planned) <= {"assemble", "card", "table3"} and planned.get("assemble", 0) == shards, gone
    run.snakemake("dataset")
    assert run.rows() == {}
    assert run.dataset() == before
    assert run.path("results/dataset/README.md").exists()
    assert run.planned("dataset") == {}


def test_accepted_rows_are_adopted_under_a_new_recipe(run: Checkout) -> None:
    before = run.dataset()
    run.path("workflow/scripts/unicedit/instruct/prompt.jinja").open("a").write("\nBe brief.\n")
    run.command("accept", "--stage", "instruct", "--configfile", "test.yaml", "--why", "only the wording of the prompt changed")
    run.snakemake("dataset")
    assert run.rows() == {}
    assert run.dataset() == before
    assert "only the wording" in run.path("results/.accepted/instruct.json").read_text()


def test_setting_of_one_editor_recomputes_that_editors_rows(run: Checkout) -> None:
    names = [
        name for shard in ("00000", "00001") for name in pq.read_table(run.path(f"results/edit/{shard}.parquet"))["editor"].to_pylist()
    ]
    editors = yaml.safe_load(run.path("config/config.yaml").read_text())["edit"]["editors"]
    editors[0]["simulated"]["flicker"] = 7.0
    run.path("test.yaml").write_text(run.path("test.yaml").read_text() + yaml.safe_dump({"edit": {"editors": editors}}))
    run.snakemake("dataset")
    assert run.rows()["edit"] == names.count(editors[0]["name"]) > 0
    assert run.rows("reused")["edit"] == names.count(editors[1]["name"]) > 0
