"""The claim on VIEScore: areas under the curves against scipy, what counts as damaged, and what is said of it."""

from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import trapezoid
from scipy.stats import mannwhitneyu

from unicedit.benchmark.schema import IF, NC, VQ
from unicedit.config.tables import TablesSettings
from unicedit.errors import PipelineError
from unicedit.scoring.viescore import OVERALL, SC
from unicedit.tables.nc_claim import NAME, nc_claim
from unicedit.tables.nc_claim_measure import METRICS, Cases, Truth, areas, cases, of_truth, roc
from unicedit.world.faults import DAMAGE, NO_EDIT, NONE


def random_cases(seed: int, n: int = 120) -> Cases:
    """Whole scores, so that many are equal."""
    random = np.random.default_rng(seed)
    damaged = random.random(n) < 0.3
    scores = np.clip(np.round(random.normal(7 - 2 * damaged, 2, (len(METRICS), n))), 0, 10)
    return Cases(scores, damaged, random.integers(0, 40, n), n)


@pytest.mark.parametrize("seed", range(5))
def test_areas_are_the_probability_that_a_damaged_edit_scores_lower(seed: int) -> None:
    found = random_cases(seed)
    values, ends = areas(found, 0.95)
    for scores, value, (low, high) in zip(found.scores, values, ends, strict=False):
        right, damaged = scores[~found.damaged], scores[found.damaged]
        assert value == pytest.approx(mannwhitneyu(right, damaged).statistic / (len(right) * len(damaged)))
        false_alarms, detections = roc(scores, found.damaged)
        assert value == pytest.approx(trapezoid(detections, false_alarms))
        assert low is not None and high is not None and low < value < high
    assert values[-1] == pytest.approx(values[0] - values[1])


def test_intervals_hold_the_true_area_about_as_often_as_they_say() -> None:
    """Scores are drawn with a known area: Phi(2 / sqrt(2 * 2^2))."""
    from scipy.stats import norm

    true, hits = norm.cdf(1 / np.sqrt(2)), 0
    for seed in range(60):
        random = np.random.default_rng(1000 + seed)
        damaged = np.arange(150) % 3 == 0
        scores = random.normal(7 - 2 * damaged, 2, (len(METRICS), 150))
        low, high = areas(Cases(scores, damaged, np.arange(150), 150), 0.95)[1][0]
        assert low is not None and high is not None
        hits += low <= true <= high
    assert hits >= 52, "95% of 60 is 57; fewer than 52 would come less than once in two hundred such tests"


def test_viescore_of_measured_scores_keeps_its_definition() -> None:
    edit = ("m", "en", "k")
    assert of_truth({edit: {IF: 9.0, NC: 4.0, VQ: 8.0}})[edit] == {NC: 4.0, SC: 4.0, OVERALL: pytest.approx(32**0.5)}
    assert of_truth({edit: {IF: 9.0, VQ: 8.0}})[edit] == {}, "half of SC is no SC"


def test_damaged_is_told_from_right_edits_or_from_all_and_missing_scores_are_counted() -> None:
    truth = {("m", "en", str(n)): Truth(f"p{n}", kind) for n, kind in enumerate((DAMAGE, NONE, NONE, NO_EDIT))}
    scores = {edit: dict.fromkeys(METRICS, 5.0) for edit in list(truth)[:2]} | {("m", "en", "3"): dict.fromkeys(METRICS, 1.0)}
    right, everything = cases(truth, scores, True), cases(truth, scores, False)
    assert (right.damaged.tolist(), right.expected) == ([True, False], 3)
    assert (everything.damaged.tolist(), everything.expected) == ([True, False, False], 4)
    with pytest.raises(PipelineError, match="m en 9"):
        cases(truth, {("m", "en", "9"): {}}, True)


@pytest.mark.parametrize(
    ("damaged", "said"),
    [
        (np.arange(60) % 2 == 0, "detected better by NC, by more than noise"),
        (np.zeros(60, dtype=bool), "Nothing can be said"),
    ],
)
def test_page_says_what_was_found_and_no_more(tmp_path: Path, damaged: np.ndarray, said: str) -> None:
    random = np.random.default_rng(0)
    scores = random.normal(5, 1, (len(METRICS), 60))
    scores[0] -= 3 * damaged
    one = Cases(scores, damaged, np.arange(60), 61)
    status = nc_claim(tmp_path, {("<b>judge", True): one, ("<b>judge", False): one}, [], TablesSettings())
    assert status == {"ok": 60, "rejected": 0, "failed": 1}
    page = (tmp_path / f"tables/{NAME}.md").read_text()
    assert said in page and "60 of 61" in page and "<b>" not in page
    assert (tmp_path / f"tables/{NAME}.png").stat().st_size > 5000
