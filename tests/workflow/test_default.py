"""What `make all` gives on a fresh machine: the embedded default, through the command that make runs.

Minutes of the verifier's training are left to `make test-long`; test_verifier.py has a small one.
"""

import csv
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from checkout import SNAKEMAKE, Checkout
from made_report import holds, make_report
from unicedit.report.labels import NAMES

pytestmark = pytest.mark.workflow


@pytest.fixture(scope="module")
def default(tmp_path_factory: pytest.TempPathFactory) -> tuple[Checkout, str]:
    """A run of the embedded default with the simulated verifier, and what it showed."""
    run = Checkout.fresh(tmp_path_factory.mktemp("default") / "checkout")
    return run, shown_by(run)


def shown_by(run: Checkout) -> str:
    """What the command of `make all` shows."""
    command = [sys.executable, "workflow/scripts/run.py", "--", *SNAKEMAKE, "--profile", "profiles/local", "--cores", "2", "all"]
    done = subprocess.run(command, cwd=run.folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    return done.stdout


@pytest.mark.long
def test_default_trains_its_verifier_and_beats_ssim_with_it(tmp_path: Path) -> None:
    run = Checkout.fresh(tmp_path / "checkout", trains=True)
    shown = shown_by(run)
    assert "results/tables/table5.md" in shown and "results/tables/filter_curve.md" in shown
    with run.path("results/tables/table5.csv").open() as stream:
        right = {row["row"]: float(row["value"]) for row in csv.DictReader(stream) if row["metric"] == "is_changed" and row["value"]}
    assert right["+ D2PO"] > 0.9 > right["SSIM"] and right["+ SFT"] > 0.9 > right["Base"]
    assert_balanced(run)
    assert run.planned() == {}


def assert_balanced(run: Checkout) -> None:
    """Every sub-task is there, none three times as often as another."""
    from datasets import load_dataset

    from unicedit.taxonomy import load

    found = Counter(load_dataset(str(run.path("results/dataset")), split="train", cache_dir=str(run.path("cache")))["edit_subtask"])
    assert set(found) == set(load(run.path("config/taxonomy.yaml")).subtasks) and len(found) == 22
    assert max(found.values()) < 3 * min(found.values()), "the frozen pass rates balance the accepted rows"


def test_progress_and_summary(default: tuple[Checkout, str]) -> None:
    run, shown = default
    assert "ETA" in shown
    for place in (
        "results/dataset",
        "results/dataset/README.md",
        "results/dataset/census.png",
        "results/tables/table3.md",
        "results/tables/nc_claim.md",
    ):
        assert place in shown, "the summary says where to look"
        assert run.path(place).exists()


def test_every_subtask_and_enough_pictures(default: tuple[Checkout, str]) -> None:
    from datasets import load_dataset

    run, _ = default
    assert_balanced(run)
    row = load_dataset(str(run.path("results/dataset")), split="train", cache_dir=str(run.path("cache")))[0]
    assert row["src_image"].size == row["edit_image"].size
    pictures = sum(run.sidecar(f"prefilter/{path.stem}")["status"]["ok"] for path in run.folder.glob("results/prefilter/*.parquet"))
    assert pictures >= 200


def test_tables_stand_beside_the_papers(default: tuple[Checkout, str]) -> None:
    run, _ = default
    with run.path("results/tables/table3.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert list(rows[0]) == ["table", "row", "metric", "value", "ci_low", "ci_high", "n", "expected", "source"]
    reported = {(row["row"], row["metric"]): row["value"] for row in rows if row["source"] == "reported"}
    assert reported["Final Data", "data_volume"] == "11586583", "paper Table 3"
    for name in ("table3", "filter_truth"):
        for suffix in ("csv", "md", "png"):
            assert run.path(f"results/tables/{name}.{suffix}").stat().st_size > 200
    with run.path("results/tables/filter_truth.csv").open() as stream:
        kinds = {row["row"] for row in csv.DictReader(stream)}
    assert {"no_edit", "misaligned", "quality", "damage"} <= kinds


def test_report_holds_the_benchmark_and_its_claim(default: tuple[Checkout, str]) -> None:
    run, summary = default
    assert "NC against VIEScore" in summary and "results/tables/nc_claim.md" in summary
    make_report(run)
    path = run.path("results/report.html")
    assert path.stat().st_size < 20_000_000
    report = path.read_text(encoding="utf-8")
    tables = {table.stem for table in run.path("results/tables").glob("*.md")}
    assert {"table3", "table4", "filter_truth", "nc_claim"} <= tables
    for name in tables:
        assert holds(report, run.path(f"results/report/tables/{name}.html")), name
        assert NAMES[name] in report, name
    for name in (  # the funnel, the balance of sub-tasks, the scores, and what was measured
        "tables/table3.png",
        "dataset/census.png",
        "report/scores.png",
        "tables/filter_truth.png",
        "tables/table4.png",
        "tables/table4_subtasks.png",
        "tables/nc_claim.png",
    ):
        assert holds(report, run.path(f"results/{name}")), name
    for caption in run.path("workflow/report").glob("*.rst"):
        if caption.stem in ("table3", "census", "scores", "filter_truth", "table4", "table4_subtasks", "nc_claim", "record"):
            assert caption.read_text().split(",")[0].split("``")[0][:40].strip() in report, caption.stem
    for category in ("Dataset", "Tables", "Run"):
        assert f'"{category}"' in report
    record = run.path("results/report/record.html").read_text()
    for said in (
        "per_subtask: 5",
        "pyarrow",
        "simulated-a",
        run.sidecar("tables/nc_claim")["sha256"],
        run.sidecar("tables/table4")["sha256"],
    ):
        assert said in record, said


def test_nothing_is_left_to_do(default: tuple[Checkout, str]) -> None:
    run, _ = default
    assert run.planned() == {}


def test_status_of_a_finished_run(default: tuple[Checkout, str], tmp_path: Path) -> None:
    run, _ = default
    shown = run.command("status").stdout
    for stage in ("ingest", "edit", "verify"):
        assert stage in shown


def test_folder_of_own_photographs(tmp_path: Path) -> None:
    from unicedit.world.photos import PHOTOS, photograph

    run = Checkout.fresh(tmp_path / "checkout")
    folder = tmp_path / "it's [my] pictures"
    folder.mkdir()
    for name in list(PHOTOS)[:4]:
        photograph(name).convert("RGB").save(folder / f"{name}.jpg")
    run.path("places.yaml").write_text("paths: {results: my results & more, scratch: the scratch}\n")
    # without the installation, in the environment of the tests
    command = ["make", "-o", "install", "photos", f"PHOTOS={folder}", "CONFIG=places.yaml", f"BIN={Path(sys.executable).parent}"]
    done = subprocess.run(command, cwd=run.folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    assert "my results & more/dataset" in " ".join(done.stdout.split())
    with run.path("my results & more/dataset/census.csv").open() as stream:
        kept = {row["value"]: int(row["n"]) for row in csv.DictReader(stream) if (row["stage"], row["dimension"]) == ("dataset", "subtask")}
    assert sum(kept.values()) >= 4
    assert set(kept) <= {"Tone Transformation", "Style Transfer", "Lens Zooming", "Viewpoint Transformation", "Text Modification", "Background Change"} | {
        "Color Alteration", "Compound Operation Edits", "Implicit Change Edits", "Texture Editing"
    }  # fmt: skip
