"""Table 5: means, intervals and tests over seeds and samples, and what the table says of them."""

import csv
import math
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from scipy.stats import binomtest, f_oneway, ttest_rel

from made_evaluations import evaluations
from unicedit.config.table5 import Table5Settings
from unicedit.config.tables import TablesSettings
from unicedit.errors import PipelineError
from unicedit.evaluation.rows import COMPARED, ROWS
from unicedit.tables.table import COLUMNS
from unicedit.tables.table5 import table5
from unicedit.tables.table5_findings import Finding, claim, findings, paragraph
from unicedit.tables.table5_measured import Measured, evaluation_path, measured_rows
from unicedit.tables.table5_statistics import difference, holm, interval, spread

PAPER = Path(__file__).parents[2] / "config" / "paper" / "table5_verifier.csv"
SEEDS = ["0", "1", "2", "3", "4"]
Row = dict[str, str]


def skill(normal: float, no_edit: float, hallucination: float) -> dict[str, float]:
    return {"normal": normal, "no_edit": no_edit, "hallucination": hallucination, "failed": no_edit}


SKILLS = {
    "base": skill(0.2, 0.5, 0.2),
    "sft": skill(0.9, 0.99, 0.4),
    "d2po": skill(0.88, 0.98, 0.65),
    "ssim": skill(0.8, 0.8, 0.0),
    "control": skill(0.88, 0.98, 0.67),
    "text_only": skill(0.5, 0.3, 0.0),
}


def read(path: Path) -> dict[tuple[str, str, str], Row]:
    with path.open(newline="") as stream:
        reader = csv.DictReader(stream)
        rows = list(reader)
        assert tuple(reader.fieldnames or ()) == COLUMNS
    found = {(row["row"], row["metric"], row["source"]): row for row in rows}
    assert len(found) == len(rows)
    return found


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("results")
    evaluations(folder, SKILLS, SEEDS, failed=2)
    table5("table5", folder, [*SKILLS, "larger"], SEEDS, PAPER, TablesSettings(), simulated=True, tuned=3)
    return folder


def test_one_seed_has_wilsons_interval() -> None:
    values = np.array([[10.0] * 17 + [0.0] * 3])
    expected = binomtest(17, 20).proportion_ci(0.95, method="wilson")
    assert interval(values, 0.95, 10) == pytest.approx((10 * expected.low, 10 * expected.high))
    assert interval(np.zeros((1, 0)), 0.95, 10) == (None, None)


def test_the_variance_is_that_of_a_crossed_design() -> None:
    lot = np.random.default_rng(3)
    values = lot.normal(0, 1, (4, 9)) + lot.normal(0, 2, (4, 1)) + lot.normal(0, 1, (1, 9))
    seeds, samples = values.shape
    # the sums of squares of both factors, from one-way analyses of variance: F = MS_between / MS_within
    total = ((values - values.mean()) ** 2).sum()

    def between(groups: np.ndarray) -> float:
        k, n = groups.shape
        ratio = f_oneway(*groups).statistic * (k - 1) / (k * (n - 1))
        return float(total * ratio / (1 + ratio))

    of_seeds, of_samples = between(values), between(values.T)
    rest = (total - of_seeds - of_samples) / ((seeds - 1) * (samples - 1))
    expected = (of_seeds / (seeds - 1) + of_samples / (samples - 1) - rest) / (seeds * samples)
    found = spread(values)
    assert (found.mean, found.variance) == pytest.approx((values.mean(), expected))
    assert seeds - 1 <= found.freedom <= seeds * samples


def test_intervals_cover_over_seeds_and_samples() -> None:
    lot = np.random.default_rng(5)
    covered = []
    for _ in range(400):
        seed_effects, sample_effects = lot.normal(0, 0.05, (5, 1)), lot.choice([-0.2, 0.0, 0.2], (1, 80))
        values = 10.0 * (lot.random((5, 80)) < 0.7 + seed_effects + sample_effects)
        low, high = interval(values, 0.95, 10)
        assert low is not None and high is not None and 0 <= low <= high <= 10
        covered.append(low <= 7 <= high)
    assert 0.91 <= np.mean(covered) <= 0.99


def test_seeds_that_agree_leave_the_spread_of_the_samples() -> None:
    row = np.array([[10.0] * 30 + [0.0] * 10])
    low, high = interval(np.repeat(row, 5, axis=0), 0.95, 10)
    once = interval(row, 0.95, 10)
    assert low is not None and high is not None and once[0] is not None and once[1] is not None
    assert high - low >= 0.95 * (once[1] - once[0])  # five equal seeds say no more than one
    perfect = interval(np.full((5, 40), 10.0), 0.95, 10)
    assert perfect[1] == pytest.approx(10) and perfect[0] is not None and 8 < perfect[0] < 9.5


def test_graded_points_have_students_interval() -> None:
    values = np.array([[2.0, 7.0, 9.0, 4.0, 8.0, 6.0]])
    low, high = interval(values, 0.95, 10)
    half = 2.570582 * values.std(ddof=1) / math.sqrt(6)
    assert (low, high) == pytest.approx((6 - half, 6 + half), abs=1e-5)


def test_one_seed_each_is_compared_by_mcnemars_exact_test() -> None:
    ours, theirs = np.array([[10.0] * 12 + [0.0] * 8]), np.array([[10.0] * 3 + [0.0] * 16 + [10.0]])
    gap, _, p = difference(ours, theirs, 0.95)
    assert gap == pytest.approx(4.0)
    assert p == pytest.approx(binomtest(9, 10).pvalue)
    assert difference(ours, ours, 0.95) == (0.0, (None, None), 1.0)


def test_graded_points_of_one_seed_are_compared_in_pairs() -> None:
    lot = np.random.default_rng(8)
    ours = lot.integers(0, 11, (1, 200)).astype(float)
    theirs = np.clip(ours - lot.integers(-1, 3, (1, 200)), 0, 10)
    assert difference(ours, theirs, 0.95)[2] == pytest.approx(ttest_rel(ours[0], theirs[0]).pvalue)


def test_no_difference_is_found_where_there_is_none() -> None:
    lot = np.random.default_rng(11)
    found = []
    for _ in range(400):
        hard = lot.uniform(0.2, 1, (1, 60))
        ours, theirs = (10.0 * (lot.random((5, 60)) < hard + lot.normal(0, 0.08, (5, 1))) for _ in range(2))
        found.append(difference(ours, theirs, 0.95)[2] < 0.05)
    assert np.mean(found) <= 0.07


def test_a_difference_is_found_where_there_is_one() -> None:
    lot = np.random.default_rng(12)
    hard = lot.uniform(0.2, 0.8, (1, 200))
    ours, theirs = (10.0 * (lot.random((5, 200)) < hard + more) for more in (0.15, 0.0))
    gap, (low, high), p = difference(ours, theirs, 0.95)
    assert p < 0.001 and low is not None and high is not None and low < gap < high and 0.5 < gap < 2.5
    base = theirs[:1]
    assert difference(ours, base, 0.95)[0] == pytest.approx(ours.mean() - base.mean())  # a row without seeds is set against each
    with pytest.raises(ValueError, match="same"):
        difference(ours, theirs[:3], 0.95)
    always = difference(np.full((5, 12), 10.0), np.zeros((5, 12)), 0.95)
    assert always[2] == pytest.approx(2 * 0.5**12)


def test_holm_corrects() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


def test_the_figures_are_those_of_the_evaluations(results: Path) -> None:
    table = read(results / "tables" / "table5.csv")
    shares = []
    for seed in SEEDS:
        rows = pq.read_table(evaluation_path(results, "d2po", seed, "informed", "test")).to_pylist()
        shares.append(np.mean([row["points"] for row in rows if row["kind"] == "hallucination" and row["status"] == "ok"]))
    figure = table["+ D2PO", "hallucination_acc", "measured"]
    assert float(figure["value"]) == pytest.approx(np.mean(shares), abs=1e-6)
    assert float(figure["ci_low"]) < float(figure["value"]) < float(figure["ci_high"])
    assert (figure["n"], figure["expected"]) == ("58", "60")
    assert float(table["+ D2PO", "hallucination_acc_seed_sd", "measured"]["value"]) == pytest.approx(np.std(shares, ddof=1), abs=1e-6)
    assert table["+ D2PO", "seeds", "measured"]["value"] == "5"
    assert table["Base", "seeds", "measured"]["value"] == "1"
    assert (table["+ D2PO", "is_changed", "measured"]["n"], table["+ D2PO", "is_changed", "measured"]["expected"]) == ("232", "240")


def test_the_papers_figures_stand_beside_ours(results: Path) -> None:
    table = read(results / "tables" / "table5.csv")
    with PAPER.open() as stream:
        printed = {line["model"]: line for line in csv.DictReader(stream)}
    for name in ("base", "sft", "d2po", "larger"):
        row = ROWS[name]
        for metric in ("normal_acc", "no_edit_acc", "hallucination_acc"):
            assert float(table[row.label, metric, "reported"]["value"]) == float(printed[str(row.paper)][metric])
    assert sum(row["source"] == "reported" for row in table.values()) == 12


def test_the_page_says_what_was_simulated_and_not_run(results: Path) -> None:
    text = (results / "tables" / "table5.md").read_text()
    assert "in the simulated world" in text.splitlines()[0]
    (larger,) = [line for line in text.splitlines() if line.startswith("| Larger model")]
    assert "not run" in larger and "9.60" in larger
    assert "among 3 tried for each" in text
    assert "D2PO does not beat its control" in text
    table5("plain", results, ["base", "sft", "d2po"], ["0"], PAPER, TablesSettings(), simulated=False)
    plain = (results / "tables" / "plain.md").read_text()
    assert "imulated" not in plain
    assert "one seed" in plain and "was not measured here" in plain


def test_slots_and_held_out_compositions_are_reported(results: Path) -> None:
    table = read(results / "tables" / "table5_slots.csv")
    operation, attribute = (float(table["+ D2PO", f"{slot}_en", "measured"]["value"]) for slot in ("operation", "attribute"))
    assert operation > attribute
    right = float(table["+ D2PO", "right_en", "measured"]["value"])
    assert attribute == pytest.approx(right)
    assert table["+ D2PO", "place_en", "measured"]["value"] == ""  # no sample had a place
    held, seen = (table["+ D2PO", f"normal_{part}", "measured"] for part in ("held_out", "seen"))
    assert int(held["n"]) + int(seen["n"]) == 58
    text = (results / "tables" / "table5_slots.md").read_text()
    assert text.splitlines()[0].endswith("in the simulated world")
    assert "| + D2PO | Chinese |" in text


def finding(kind: str, gap: float, p: float) -> Finding:
    return Finding("d2po", "control", kind, gap, (gap - 0.1, gap + 0.1), p, 100)


@pytest.mark.parametrize(
    ("gaps", "said"),
    [
        ((0.5, 0.001, 0.1, 0.9), "**D2PO beats its control** (the same pairs, the sft loss alone) on Normal"),
        ((0.5, 0.2, 0.1, 0.9), "**D2PO does not beat its control**"),
        ((-0.5, 0.001, 0.1, 0.9), "it is worse on Normal"),
        ((0.5, 0.001, -0.5, 0.001), "better than its control (the same pairs, the sft loss alone) on Normal and worse on Hallucination"),
    ],
)
def test_the_claim_follows_from_the_numbers(gaps: tuple[float, float, float, float], said: str) -> None:
    found = [finding("normal", gaps[0], gaps[1]), finding("hallucination", gaps[2], gaps[3])]
    assert said in claim(found, 0.05, 5)
    assert "one seed" not in claim(found, 0.05, 5)
    assert "one seed" in claim(found, 0.05, 1)


def test_a_paragraph_names_what_is_clear_and_what_is_not(results: Path) -> None:
    measured = measured_rows(results, list(SKILLS), SEEDS)
    found = findings(measured, 0.95)
    assert len({(one.ours, one.theirs) for one in found}) == sum(a in SKILLS and b in SKILLS for a, b in COMPARED)
    text = paragraph(found, 0.05, 5)
    assert "+ SFT against Base: Normal +" in text
    assert "between + D2PO and control" in text
    assert paragraph([], 0.05, 5).startswith("Fewer than two rows")


def test_rows_of_other_samples_are_refused(results: Path, tmp_path: Path) -> None:
    evaluations(tmp_path, {"sft": SKILLS["sft"]}, ["0"], samples=10)
    evaluations(tmp_path, {"sft": SKILLS["sft"]}, ["1"], samples=12)
    with pytest.raises(PipelineError, match="other samples"):
        measured_rows(tmp_path, ["sft"], ["0", "1"])
    with pytest.raises(PipelineError, match="not there"):
        measured_rows(tmp_path, ["sft"], ["0", "7"])
    big = Measured("d2po", [evaluation_path(results, "d2po", "0", "informed", "test")])
    path = evaluation_path(tmp_path, "sft", "0", "informed", "test")
    table = pq.read_table(path)
    pq.write_table(table.set_column(0, "key", [[f"other-{number}" for number in range(table.num_rows)]]), path)
    small = Measured("sft", [path])
    with pytest.raises(PipelineError, match="other samples"):
        big.paired(small, "normal")


def test_a_row_read_on_a_part_of_the_samples_is_compared_on_that_part(results: Path, tmp_path: Path) -> None:
    whole = evaluation_path(results, "d2po", "0", "informed", "test")
    table = pq.read_table(whole)
    pq.write_table(table.filter(np.arange(table.num_rows) % 3 == 0), tmp_path / "part.parquet")
    one, part = Measured("d2po", [whole]), Measured("text_only", [tmp_path / "part.parquet"])
    for first, second in (one.paired(part, "normal"), part.paired(one, "normal")):
        assert first.shape == second.shape and (first == second).all()
        assert 15 <= first.shape[1] <= 20


def test_settings_refuse_rows_that_need_trainings_in_the_runs_own_table() -> None:
    with pytest.raises(ValueError, match="full_rows"):
        Table5Settings(rows=["base", "control"])
    with pytest.raises(ValueError, match="twice"):
        Table5Settings(full_rows=["base", "base"])


def test_the_table_is_the_same_bytes_again(results: Path) -> None:
    before = {path.name: path.read_bytes() for path in (results / "tables").glob("table5*")}
    assert set(before) == {"table5.csv", "table5.md", "table5.png", "table5_slots.csv", "table5_slots.md"}
    table5("table5", results, [*SKILLS, "larger"], SEEDS, PAPER, TablesSettings(), simulated=True, tuned=3)
    assert {path.name: path.read_bytes() for path in (results / "tables").glob("table5*")} == before
