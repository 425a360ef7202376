"""The main job's stages up to the edit table with real editors (issue 5)."""

import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml

from checkout import SNAKEMAKE, Checkout
from image_server import asked, served
from tiny_editors import ARGUMENTS, NAMES, tiny_editor
from unicedit.pictures import decoded

pytestmark = pytest.mark.workflow

TARGET = "results/edit/00000.parquet"


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Models this small only wait for each other in many threads."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


def checkout(folder: Path, editors: list[dict[str, Any]]) -> Checkout:
    run = Checkout.fresh(folder)
    config = {
        "library": {"shard_size": 6},
        "world": {"images": 6},
        "ingest": {"size_divisor": 4},
        "edit": {"editors": editors},
        "verify": {"engine": "ssim"},
    }
    run.path("test.yaml").write_text(yaml.safe_dump(config))
    return run


def diffusers_editor(folder: Path, kind: str, **settings: Any) -> dict[str, Any]:
    """An editor's settings for a tiny pipeline; it works at 64 x 64 pixels."""
    own = {"pipeline": NAMES[kind], "model": str(tiny_editor(folder / kind, kind)), "arguments": ARGUMENTS[kind], "pixels": 4096}
    return {"name": kind, "engine": "diffusers", "diffusers": own | settings}


def rows_of(run: Checkout) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(run.path(TARGET)).to_pylist()
    asked = [row for row in pq.read_table(run.path("results/instruct/00000.parquet")).to_pylist() if row["status"] == "ok"]
    assert sorted(row["instruction"] for row in rows) == sorted(row["key"] for row in asked), "every row is accounted for"
    return rows


def test_edits_come_from_two_models(tmp_path: Path) -> None:
    editors = [diffusers_editor(tmp_path, "kontext", batch_size=4), diffusers_editor(tmp_path, "pix2pix", language="cn")]
    run = checkout(tmp_path / "checkout", editors)
    run.snakemake(TARGET)
    rows = rows_of(run)
    counts = Counter(row["editor"] for row in rows)
    assert {row["status"] for row in rows} == {"ok"} and set(counts) == {"kontext", "pix2pix"}
    sources = {row["key"]: row for row in pq.read_table(run.path("results/ingest/00000.parquet")).to_pylist()}
    for row in rows:
        source = sources[row["image"]]
        assert (row["edit_width"], row["edit_height"]) == (source["image_width"], source["image_height"])
        assert decoded(row["edit_image"]).size == (row["edit_width"], row["edit_height"])

    # how it is computed decides no row; another number of steps makes that editor's rows anew, and other weights too
    run.replace("test.yaml", "batch_size: 4", "batch_size: 2")
    run.snakemake(TARGET)
    assert run.rows().get("edit", 0) == 0
    run.replace("test.yaml", "guidance_scale: 2.5", "guidance_scale: 3.5")
    run.snakemake(TARGET)
    assert run.rows()["edit"] == counts["kontext"]


def test_edits_come_from_a_server_and_from_a_folder(tmp_path: Path) -> None:
    finished = tmp_path / "finished"
    finished.mkdir()
    with served(tmp_path / "log", {"busy": 0.2, "refused": 0.3}) as urls:
        price = {"picture": 0.04}
        server = {
            "name": "far",
            "engine": "openai",
            "openai": {"model": "gpt-image-1", "base_url": urls["openai"], "longest_wait": 0.05, "price": price},
        }
        run = checkout(tmp_path / "checkout", [server, {"name": "theirs", "engine": "images", "images": {"folder": str(finished)}}])
        done = run.command("run", "--", *SNAKEMAKE, *run.overlay(), "--profile", "profiles/local", "--cores", "2", TARGET)
        rows = rows_of(run)
        far = [row for row in rows if row["editor"] == "far"]
        theirs = [row for row in rows if row["editor"] == "theirs"]
        assert {row["status"] for row in far} == {"ok", "failed"}
        assert {row["reason"] for row in far if row["status"] == "failed"} == {
            "refused: HTTP 400: Your request was rejected by the safety system."
        }
        assert theirs and [row["reason"] for row in theirs] == [f"missing: {row['instruction']}.png" for row in theirs]
        made, requests = sum(row["status"] == "ok" for row in far), len(asked(tmp_path / "log"))
        assert f"edit-far: {requests:,} requests" in " ".join(done.stdout.split())
        assert f"{0.04 * made:,.2f} spent" in " ".join(done.stdout.split())

        # a picture that came is read; what was paid for is not asked for again, though every file of the run is gone
        put = theirs[0]["instruction"]
        (finished / f"{put}.png").write_bytes(far[0]["edit_image"] or next(row["edit_image"] for row in far if row["edit_image"]))
        shutil.rmtree(run.path("results"))
        run.snakemake(TARGET)
        again = rows_of(run)
    paid = {row["key"]: row["edit_digest"] for row in far if row["status"] == "ok"}
    assert {row["key"]: row["edit_digest"] for row in again if row["key"] in paid} == paid
    assert [row["status"] for row in again if row["instruction"] == put] == ["ok"]
    new = [record for record in asked(tmp_path / "log")[requests:] if record["fault"] != "busy"]
    assert len(new) == len(far) - made, "only those that were refused are asked for again"


def test_what_cannot_work_is_refused_before_any_job(tmp_path: Path) -> None:
    run = checkout(
        tmp_path / "checkout", [{"name": "flux", "engine": "diffusers", "diffusers": {"pipeline": "FluxPipe", "model": "models"}}]
    )
    done = run.snakemake("-n", TARGET, check=False)
    assert "config: edit.editors.0.diffusers.pipeline = 'FluxPipe': diffusers has no such class" in done.stderr
    run.replace("test.yaml", "FluxPipe", "FluxKontextPipeline")
    run.replace("test.yaml", "ssim", "simulated")
    done = run.snakemake("-n", TARGET, check=False)
    assert (
        "config: verify.engine = 'simulated' (or 'auto', which comes to it here): it knows simulated edits alone, and flux is a real editor; "
        in done.stderr
    )
    folder = "engine: images, images: {folder: absent}"
    run.path("test.yaml").write_text(f"verify: {{engine: ssim}}\nedit: {{editors: [{{name: theirs, {folder}}}]}}\n")
    done = run.snakemake("-n", TARGET, check=False)
    assert "config: edit.editors.0.images.folder = 'absent': no such folder" in done.stderr
