"""Which numbers of samples a printed mean allows."""

import csv
import subprocess
import sys
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unicedit.errors import PipelineError
from unicedit.scoring.coverage import coverage_check, possible_n

ROOT = Path(__file__).parents[2]
PAPER = ROOT / "config" / "paper" / "table4_unicbench.csv"
HEAD = "model,language,if,nc,vq,ra,overall\n"


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str, str], list[int]]:
    """The possible n of the paper's table, by the command."""
    out = tmp_path_factory.mktemp("coverage") / "coverage.csv"
    subprocess.run([sys.executable, ROOT / "workflow" / "scripts" / "coverage_check.py", "--table", PAPER, "--out", out], check=True)
    with out.open(newline="") as stream:
        reader = csv.DictReader(stream)
        rows = list(reader)
        assert reader.fieldnames == ["model", "language", "metric_group", "expected", "possible_n"]
    assert {(row["metric_group"], row["expected"]) for row in rows} == {("IF+NC+VQ", "1100"), ("RA", "250")}
    return {(row["model"], row["language"], row["metric_group"]): [int(n) for n in row["possible_n"].split()] for row in rows}


def test_the_papers_table_shows_who_was_scored_in_full(printed: dict[tuple[str, str, str], list[int]]) -> None:
    assert len(printed) == 42
    assert printed["OmniGen2", "en", "IF+NC+VQ"] == [1100]
    assert 250 in printed["OmniGen2", "en", "RA"]
    gpt = printed["GPT-Image-1", "en", "IF+NC+VQ"]
    assert 1100 not in gpt and gpt[-1] == 1038
    assert printed["GPT-Image-1", "en", "RA"][-1] == 227
    assert all(printed.values())  # every group of printed means was of the same samples


@given(st.lists(st.lists(st.integers(0, 10), min_size=3, max_size=3), min_size=1, max_size=60), st.integers(2, 5))
@settings(max_examples=200, deadline=None)
def test_the_true_number_is_always_possible(scores: list[list[int]], digits: int) -> None:
    n = len(scores)
    means = [f"{sum(column) / n:.{digits}f}" for column in zip(*scores, strict=True)]
    assert n in possible_n(means, 60)


@given(st.integers(0, 100_000), st.integers(1, 300))
@settings(max_examples=300, deadline=None)
def test_a_number_is_possible_where_some_sum_prints_so(mean: int, n: int) -> None:
    """Against every whole sum there is, in decimal arithmetic."""
    text = f"{mean // 10_000}.{mean % 10_000:04}"
    unit = Decimal("0.0001")
    exact = Decimal(text)
    prints = False
    for total in range(10 * n + 1):
        value = Decimal(total) / n
        half = abs(value - exact) * 2 == unit
        prints |= half or value.quantize(unit, ROUND_HALF_EVEN) == exact
    assert (n in possible_n([text], 300)) == prints


@pytest.mark.parametrize("text", ["6", "6,5", "abc", "-1.0000", "10.0001", "nan", "1e1"])
def test_what_is_no_printed_mean_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "table4.csv"
    path.write_text(f'{HEAD}good,en,1.0000,2.0000,3.0000,,1\nbad,en,1.0000,"{text}",3.0000,4.0000,1\n')
    with pytest.raises(PipelineError, match=r"table4.csv: line 3: IF\+NC\+VQ: .*copy the figure with all its decimals"):
        coverage_check(path, tmp_path / "out.csv", 1100, 250)
    assert not (tmp_path / "out.csv").exists()


def test_a_table_without_reasoning_or_without_lines(tmp_path: Path) -> None:
    path = tmp_path / "table4.csv"
    path.write_text(f"{HEAD}m,en,1.5000,2.5000,3.0000,,1\n")
    (one,) = coverage_check(path, tmp_path / "out.csv", 7, 250)
    assert (one.metric_group, one.possible, one.complete) == ("IF+NC+VQ", (2, 4, 6), False)
    path.write_text(HEAD)
    with pytest.raises(PipelineError, match="no line with means"):
        coverage_check(path, tmp_path / "out.csv", 7, 250)
    path.write_text("model,language,if\n")
    with pytest.raises(PipelineError, match="no column 'nc'"):
        coverage_check(path, tmp_path / "out.csv", 7, 250)
