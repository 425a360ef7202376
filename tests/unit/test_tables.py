"""Table 3 and the filter's truth: counts, definitions, intervals."""

import csv
import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binomtest

from made_tables import assembled, shard_tables
from unicedit.config.tables import TablesSettings
from unicedit.errors import PipelineError
from unicedit.tables.filter_truth import filter_truth, normalised
from unicedit.tables.interval import Ratio, wilson
from unicedit.tables.table import COLUMNS, Figure, write_long
from unicedit.tables.table3 import table3

PAPER = Path(__file__).parents[2] / "config" / "paper" / "table3_funnel.csv"
SHARDS = ("00000", "00001")
Row = dict[str, str]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("results")
    shard_tables(folder, "00000", images=24)
    shard_tables(folder, "00001", images=12, offset=24)
    assembled(folder, SHARDS)
    table3(folder, SHARDS, PAPER, TablesSettings(), ["library", "edit"])
    filter_truth(folder, SHARDS, TablesSettings(), "simulated")
    return folder


def read(results: Path, name: str) -> dict[tuple[str, str, str], Row]:
    with (results / "tables" / f"{name}.csv").open(newline="") as stream:
        reader = csv.DictReader(stream)
        rows = list(reader)
        assert tuple(reader.fieldnames or ()) == COLUMNS
    found = {(row["row"], row["metric"], row["source"]): row for row in rows}
    assert len(found) == len(rows)
    return found


def test_each_step_is_given_what_the_step_before_gave(results: Path) -> None:
    table = read(results, "table3")

    def figure(row: str, column: str, metric: str = "data_volume") -> int:
        return int(table[row, metric, "measured"][column])

    chain = ["Library Images", "Decoded", "Cropped and Resized", "Not Duplicates", "Initial Images", "Instruction Generation"]
    chain += ["Edit Generation", "Failure Filtering", "Instruction Restating", "Final Data"]
    assert figure("Library Images", "value") == 36
    for before, after in pairwise(chain):
        assert figure(after, "expected") == figure(before, "value"), after
        failed = figure(after, "value", "failed")
        assert figure(after, "n") + failed == figure(after, "expected"), after
        if after != "Instruction Generation":
            assert figure(after, "value") + figure(after, "value", "rejected") == figure(after, "n"), after
    assert figure("Decoded", "value", "failed") == 3
    assert figure("Not Duplicates", "value", "rejected") == 3


def test_both_definitions_stand_beside_what_the_paper_printed(results: Path) -> None:
    table = read(results, "table3")
    row = "Instruction Generation"
    assert float(table[row, "variation_percent", "reported"]["value"]) == pytest.approx(347.26, abs=0.005)
    assert float(table[row, "ratio_percent", "reported"]["value"]) == pytest.approx(447.26, abs=0.005)
    assert table[row, "printed_variation_percent", "reported"]["value"] == "447.26"
    for step, printed in (("Edit Generation", -30.03), ("Failure Filtering", -25.97)):
        assert float(table[step, "variation_percent", "reported"]["value"]) == pytest.approx(printed, abs=0.005)
    measured = table["Edit Generation", "variation_percent", "measured"]
    volume, before = (int(table[name, "data_volume", "measured"]["value"]) for name in ("Edit Generation", row))
    assert float(measured["value"]) == pytest.approx(100 * (volume / before - 1), abs=1e-5)
    assert float(measured["ci_low"]) < float(measured["value"]) < float(measured["ci_high"])
    text = (results / "tables" / "table3.md").read_text()
    assert "simulated world" in text.splitlines()[0]
    assert "+447.26" in text


def test_restated_counts_accepted_edits_with_another_text(results: Path) -> None:
    row = read(results, "table3")["Instruction Restating", "restated", "measured"]
    assert 0 < int(row["value"]) < int(row["expected"])


def test_no_interval_where_the_sample_tells_nothing() -> None:
    ratio = Ratio()
    assert (ratio.value, ratio.interval(0.95)) == (None, (None, None))
    ratio.add(np.ones(5), np.ones(5))
    assert (ratio.value, ratio.interval(0.95)) == (1.0, (None, None))


def test_a_share_stays_within_its_bounds() -> None:
    ratio = Ratio()
    assert ratio.share_interval(0.95) == (None, None)
    ratio.add(np.full(20, 3.0), np.full(20, 3.0))
    low, high = ratio.share_interval(0.95)
    assert low is not None and 0.8 < low < 0.9  # as 20 pictures of which none lost a row, not 60
    assert high == 1
    ratio.add(np.full(1, 3.0), np.full(1, 2.0))
    low, high = ratio.share_interval(0.95)
    assert low is not None and high is not None and 0.85 < low < 62 / 63 < high < 1


@pytest.mark.parametrize("kind", ["interval", "share_interval"])
def test_intervals_cover_at_their_level(kind: str) -> None:
    random = np.random.Generator(np.random.PCG64(7))
    covered = 0
    for _ in range(400):
        x = random.integers(1, 8, 60).astype(float)
        chance = random.beta(3, 1, 60)  # edits of one image fail together
        ratio = Ratio()
        y = random.binomial(x.astype(int), chance).astype(float)
        ratio.add(x[:30], y[:30])
        ratio.add(x[30:], y[30:])
        low, high = getattr(ratio, kind)(0.95)
        assert low is not None and high is not None
        covered += low <= 0.75 <= high
    assert 0.91 <= covered / 400 <= 0.98


def test_wilson_agrees_with_scipy() -> None:
    low, high = wilson(8, 10, 0.95)
    found = binomtest(8, 10).proportion_ci(0.95, method="wilson")
    assert (low, high) == pytest.approx((found.low, found.high))
    assert wilson(0, 0, 0.95) == (None, None)


def test_filter_is_measured_by_kind_of_failure(results: Path) -> None:
    table = read(results, "filter_truth")

    def value(row: str, metric: str) -> str:
        return table[row, metric, "measured"]["value"]

    assert value("misaligned", "recall") == ""  # none of them is invalid
    assert value("no_edit", "false_alarm_rate") == ""
    assert 0 < float(value("all", "recall")) < 1
    assert float(value("all", "precision")) == 1
    assert float(value("all", "valid_share_after")) > float(value("all", "valid_share_before"))
    assert float(value("misaligned", "restated_right")) == 1
    rows = {kind: int(value(kind, "rows")) for kind in ("none", "no_edit", "misaligned", "quality", "damage", "all")}
    assert sum(rows.values()) == 2 * rows["all"]
    failed = sum(int(value(kind, "failed")) for kind in rows) // 2
    assert int(table["all", "rows", "measured"]["n"]) == rows["all"] - failed


def test_truth_about_other_edits_is_refused(tmp_path: Path) -> None:
    shard_tables(tmp_path, images=12)
    shard_tables(tmp_path / "other", images=12, offset=12)
    (tmp_path / "other" / "truth" / "truth.parquet").replace(tmp_path / "truth" / "truth.parquet")
    with pytest.raises(PipelineError, match="shard 00000"):
        filter_truth(tmp_path, ["00000"], TablesSettings(), "simulated")


def test_tables_of_an_empty_library_have_no_invented_figures(tmp_path: Path) -> None:
    shard_tables(tmp_path, images=0)
    assembled(tmp_path)
    table3(tmp_path, ["00000"], PAPER, TablesSettings(), [])
    filter_truth(tmp_path, ["00000"], TablesSettings(), "ssim")
    table = read(tmp_path, "table3")
    assert table["Edit Generation", "variation_percent", "measured"]["value"] == ""
    assert "imulated" not in (tmp_path / "tables" / "table3.md").read_text()


def test_tables_are_the_same_bytes_again(results: Path, tmp_path: Path) -> None:
    before = {path.name: path.read_bytes() for path in (results / "tables").iterdir()}
    table3(results, SHARDS, PAPER, TablesSettings(), ["library", "edit"])
    filter_truth(results, SHARDS, TablesSettings(), "simulated")
    assert {path.name: path.read_bytes() for path in (results / "tables").iterdir()} == before


def test_a_figure_that_is_no_number_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="finite"):
        write_long("t", [Figure("row", "metric", math.nan)], tmp_path / "t.csv")
    assert not (tmp_path / "t.csv").exists()


def test_texts_are_compared_without_case_space_and_punctuation() -> None:
    assert normalised("Make  the cat RED.") == normalised("make the cat red")
    assert normalised(None) != normalised("make")
