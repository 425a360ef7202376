"""results/report.html over a finished run, made by Snakemake itself."""

import base64
import re
from pathlib import Path

import pytest

from checkout import SNAKEMAKE, Checkout
from unicedit.report.labels import NAMES

pytestmark = pytest.mark.workflow


def make_report(run: Checkout, check: bool = True) -> str:
    """Make the report as `make report` does; returns what was said."""
    command = [*SNAKEMAKE, *run.overlay(), "--profile", "profiles/local", "--cores", "2"]
    done = run.command("report", "--", *command, check=check)
    return done.stdout + done.stderr


def holds(report: str, path: Path) -> bool:
    """Whether the report embeds a file, byte by byte."""
    return base64.b64encode(path.read_bytes()).decode() in report


def test_report_holds_every_table_picture_and_the_record(run: Checkout) -> None:
    said = make_report(run)
    assert "results/report.html: " in said
    path = run.path("results/report.html")
    assert path.stat().st_size < 20_000_000
    report = path.read_text(encoding="utf-8")
    tables = sorted(run.path("results/tables").glob("*.md"))
    assert {table.stem for table in tables} == {"table3", "filter_truth"}
    for table in tables:
        page = run.path(f"results/report/tables/{table.stem}.html")
        assert page.read_text().count("<tr>") > 5
        assert holds(report, page) and holds(report, table.with_suffix(".png"))
    for name in ("report/record.html", "report/scores.png", "dataset/census.png"):
        assert holds(report, run.path(f"results/{name}")), name
    record = run.path("results/report/record.html").read_text()
    assert "library.shard_size" in record and run.sidecar("tables/table3")["sha256"] in record
    assert "Table 3: funnel" in report and "how much each step lets pass" in report, "labels and captions"
    loaded = re.findall(r"""(?:src|href)\s*=\s*["'](?:https?:)?//[^"']+""", report)
    assert loaded == [], "it opens without a network"
    assert run.planned() == {}, "a report makes nothing stale"


SMALL_DEFAULT = """\
world: {images: 8}
library: {shard_size: 8}
benchmark: {per_subtask: 1}
"""


def test_report_and_summary_of_the_embedded_default_hold_the_benchmark_and_its_claim(tmp_path: Path) -> None:
    run = Checkout.fresh(tmp_path / "checkout")
    run.path("test.yaml").write_text(SMALL_DEFAULT)
    command = [*SNAKEMAKE, *run.overlay(), "--profile", "profiles/local", "--cores", "2"]
    summary = run.command("run", "--", *command, "all").stdout
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
        "benchmark.per_subtask",
        "pyarrow",
        "simulated-a",
        run.sidecar("tables/nc_claim")["sha256"],
        run.sidecar("tables/table4")["sha256"],
    ):
        assert said in record, said


def test_report_recomputes_no_stage(run: Checkout) -> None:
    sealed = run.path("results/verify/00000.json").read_bytes()
    with run.path("test.yaml").open("a") as overlay:
        overlay.write("verify: {simulated: {miss: 0.5}}\n")
    make_report(run)
    assert run.path("results/verify/00000.json").read_bytes() == sealed
    assert "verify.simulated.miss" in run.path("results/report/record.html").read_text()


def test_without_a_finished_run_it_says_what_to_do(run: Checkout) -> None:
    run.path("results/tables/table3.json").unlink()
    said = make_report(run, check=False)
    assert "error: results/tables/table3.json is not there: there is no finished run to report on; `make all` makes one" in said
    assert "Traceback" not in said
