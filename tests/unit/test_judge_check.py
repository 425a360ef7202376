"""VIEScore's aggregation, and a judge compared with people."""

import csv
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from unicedit.errors import PipelineError
from unicedit.scoring.judge_check import FISHER, MEANS, PUBLISHED, Correlation, How, compare, judge_check
from unicedit.scoring.ratings import Rating, read_ratings, read_scores
from unicedit.scoring.viescore import viescore

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data" / "viescore"
published = pytest.mark.skipif(not DATA.is_dir(), reason="the published scores and ratings are not at hand")


def made(seed: int, models: int = 3, edits: int = 40) -> tuple[dict, dict]:
    """A judge that sees quality with noise, and three raters of the same edits."""
    random = np.random.Generator(np.random.PCG64(seed))
    scores, ratings = {}, {}
    for model in range(models):
        for edit in range(edits):
            quality = random.normal(0.5, 0.3, 2)
            noisy = np.clip(np.rint(10 * (quality + random.normal(0, 0.2, 2))), 0, 10)
            scores[f"m{model}", f"u{edit}"] = {"SC": [float(noisy[0]), 10.0], "PQ": [float(noisy[1]), float(noisy[1])]}
            rated = np.clip(np.rint(2 * (quality + random.normal(0, 0.2, (3, 2)))) / 2, 0, 1)
            ratings[f"m{model}", f"u{edit}"] = [Rating(*map(float, one)) for one in rated]
    return scores, ratings


def written(folder: Path, scores: dict, ratings: dict) -> tuple[Path, Path]:
    judge, people = folder / "judge.csv", folder / "people.csv"
    with judge.open("w", newline="") as stream:
        out = csv.writer(stream)
        out.writerow(["model", "uid", "metric", "scores"])
        out.writerows([*edit, metric, str(given)] for edit, lists in scores.items() for metric, given in lists.items())
    with people.open("w", newline="") as stream:
        out = csv.writer(stream)
        out.writerow(["model", "uid", "rater", "sc", "pq"])
        out.writerows([*edit, number, one.sc, one.pq] for edit, raters in ratings.items() for number, one in enumerate(raters))
    return judge, people


def by_metric(found: list[Correlation]) -> dict[str, Correlation]:
    return {one.metric: one for one in found}


@given(st.lists(st.integers(0, 10), max_size=2), st.lists(st.integers(0, 10), max_size=2))
def test_viescore_is_the_least_and_its_root(sc: list[int], pq: list[int]) -> None:
    one = viescore(sc, pq)
    assert one.sc == (min(sc) if sc else None)
    assert one.pq == (min(pq) if pq else None)
    assert one.overall == (math.sqrt(min(sc) * min(pq)) if sc and pq else None)
    assert one.incomplete == {name for name, scores in (("SC", sc), ("PQ", pq)) if len(scores) < 2}
    strict = viescore(sc, pq, use_incomplete=False)
    assert (strict.sc is None) == (len(sc) < 2) and (strict.overall is None) == (len(sc) < 2 or len(pq) < 2)


@pytest.mark.parametrize("scores", [[11], [-1], [math.nan], ["7"], [True], [1, 2, 3]])
def test_viescore_refuses_what_is_no_score(scores: list) -> None:
    with pytest.raises(ValueError, match="sub-score"):
        viescore(scores, [5, 5])


@published
def test_published_correlations_come_out(tmp_path: Path) -> None:
    out = tmp_path / "agreement.csv"
    arguments = ["--scores", DATA / "judge_gpt4o_0shot.csv", "--ratings", DATA / "human_ratings.csv", "--out", out, "--resamples", "200"]
    subprocess.run([sys.executable, ROOT / "workflow" / "scripts" / "judge_check.py", *map(str, arguments)], check=True, cwd=tmp_path)
    with out.open(newline="") as stream:
        reader = csv.DictReader(stream)
        rows = {row["metric"]: row for row in reader}
        assert reader.fieldnames == ["metric", "spearman", "ci_low", "ci_high", "n_scored", "n_expected", "incomplete"]
    assert {metric: f"{float(row['spearman']):.4f}" for metric, row in rows.items()} == {
        "SC": "0.4062",
        "PQ": "0.4863",
        "Overall": "0.3821",
    }
    assert {metric: int(row["incomplete"]) for metric, row in rows.items()} == {"SC": 5, "PQ": 1, "Overall": 6}
    assert {(row["n_scored"], row["n_expected"]) for row in rows.values()} == {("1432", "1432")}
    assert all(float(row["ci_low"]) < float(row["spearman"]) < float(row["ci_high"]) for row in rows.values())


@published
def test_leaving_incomplete_lists_out_is_counted(tmp_path: Path) -> None:
    how = How(use_incomplete=False, resamples=20)
    found = by_metric(judge_check(DATA / "judge_gpt4o_0shot.csv", DATA / "human_ratings.csv", tmp_path / "a.csv", how))
    assert {metric: one.n_scored for metric, one in found.items()} == {"SC": 1427, "PQ": 1431, "Overall": 1426}


@pytest.mark.parametrize("mean", MEANS)
def test_correlation_is_scipys_by_model(mean: str, tmp_path: Path) -> None:
    scores, ratings = made(0)
    scores["m0", "u3"]["SC"] = []  # nothing to rank
    del scores["m1", "u7"]
    judge_check(*written(tmp_path, scores, ratings), tmp_path / "out.csv", How(mean, resamples=50))
    with (tmp_path / "out.csv").open(newline="") as stream:
        found = {row["metric"]: row for row in csv.DictReader(stream)}
    rhos = []
    for model in ("m0", "m1", "m2"):
        edits = [edit for edit in ratings if edit[0] == model and scores.get(edit, {"SC": []})["SC"]]
        mine = [min(scores[edit]["SC"]) for edit in edits]
        theirs = [round(sum(one.sc for one in ratings[edit]) / 3, 9) for edit in edits]
        rhos.append(spearmanr(mine, theirs).statistic)
    value = np.tanh(np.mean(rhos if mean == PUBLISHED else np.arctanh(rhos)))
    assert float(found["SC"]["spearman"]) == pytest.approx(value, abs=1e-6)
    assert (found["SC"]["n_scored"], found["SC"]["n_expected"], found["SC"]["incomplete"]) == ("118", "120", "1")
    assert (found["PQ"]["n_scored"], found["PQ"]["incomplete"], found["Overall"]["incomplete"]) == ("119", "0", "1")


def test_fractions_count_where_the_published_reading_cuts_them(caplog: pytest.LogCaptureFixture) -> None:
    """Half points that tell apart what whole points do not: every second edit, where people see a difference."""
    ratings = {("m", f"u{number}"): [Rating(number / 40, 0.5)] for number in range(20)}
    scores = {("m", f"u{number}"): {"SC": [number / 2, 10.0], "PQ": [5.0, 5.0]} for number in range(20)}
    cut, kept = (by_metric(compare(scores, ratings, How(mean, resamples=5)))["SC"].spearman for mean in (PUBLISHED, FISHER))
    pairs = np.arange(20) // 2
    assert cut == pytest.approx(np.tanh(spearmanr(pairs, np.arange(20)).statistic))
    assert kept == pytest.approx(1)
    assert caplog.text.count("10 sub-scores have fractions") == 1


def test_the_interval_holds_the_truth_in_nine_of_ten_seeds() -> None:
    truth = by_metric(compare(*made(999, 3, 4000), How(FISHER, resamples=2)))["Overall"].spearman
    assert truth is not None
    covered = 0
    for seed in range(50):
        one = by_metric(compare(*made(seed), How(FISHER, resamples=200)))["Overall"]
        assert one.ci_low is not None and one.ci_high is not None
        covered += one.ci_low <= truth <= one.ci_high
    assert covered >= 45


def test_a_model_without_variation_is_left_out_and_told(caplog: pytest.LogCaptureFixture) -> None:
    scores, ratings = made(2, 2)
    whole = by_metric(compare(scores, ratings, How(resamples=5)))["PQ"].spearman
    for edit in [edit for edit in ratings if edit[0] == "m1"]:
        scores["m2", edit[1]], ratings["m2", edit[1]] = {"SC": [5, 5], "PQ": [5, 5]}, ratings[edit]
    found = by_metric(compare(scores, ratings, How(resamples=5)))
    assert found["PQ"].spearman == pytest.approx(whole)
    assert "PQ of m2: no correlation is defined" in caplog.text
    flat = {edit: {"SC": [5, 5], "PQ": [5, 5]} for edit in scores}
    one = by_metric(compare(flat, ratings, How(resamples=5)))["SC"]
    assert (one.spearman, one.ci_low, one.ci_high) == (None, None, None)


def test_strangers_are_refused_or_told(caplog: pytest.LogCaptureFixture) -> None:
    scores, ratings = made(3)
    with pytest.raises(PipelineError, match="model 'other', of which there are no ratings; rated are m0, m1, m2"):
        compare({**scores, ("other", "u0"): {}}, ratings, How())
    with pytest.raises(PipelineError, match=r"uids look like 'u0\.png', people's like 'u0'"):
        compare({(model, f"{uid}.png"): lists for (model, uid), lists in scores.items()}, ratings, How())
    compare({("m0", "u99"): {}, **{edit: lists for edit, lists in scores.items() if edit[0] == "m0"}}, ratings, How(resamples=2))
    assert "1 edits that the judge scored have no rating" in caplog.text
    assert "did not score are left out: m1, m2" in caplog.text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("model,uid,metric\n", "line 1: no column 'scores'"),
        ("model,uid,metric,scores\n", "no line with scores"),
        ('model,uid,metric,scores\nm,u,SC,"[1, 2]"\nm,u,SC,"[1, 2]"\n', "line 3: m u has SC scores twice"),
        ('model,uid,metric,scores\nm,u,Overall,"[1, 2]"\n', "line 2: metric 'Overall' is none of SC, PQ"),
        ('model,uid,metric,scores\nm,u,SC,"[1, 12]"\n', "line 2: .*number from 0 to 10, not 12"),
        ('model,uid,metric,scores\nm,u,SC,"[1, NaN]"\n', "line 2: .*NaN is no score"),
        ("model,uid,metric,scores\nm,u,SC,7\n", "line 2: .*not a list; write a JSON list"),
        ("model,uid,metric,scores\nm,u,SC,[7\n", "line 2: .*write a JSON list"),
        ('model,uid,metric,scores\nm,u,SC,"[1, 2, 3]"\n', "line 2: .*SC has 2 sub-scores, not 3"),
        ("model,uid,metric,scores\nm,,SC,[7]\n", "line 2: uid is empty"),
        ("model,uid,metric,scores\nm,u\n", "line 2: metric is empty"),
        (b"\xff\xfe\x00", "not a CSV file in UTF-8"),
    ],
)
def test_wrong_scores_name_file_line_and_remedy(text: str | bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "judge.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(PipelineError, match=f"judge.csv: .*{message}"):
        read_scores(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("model,uid,rater,sc,pq\nm,u,1,0.5,1\nm,u,1,0.5,1\n", "line 3: rater 1 rated m u twice"),
        ("model,uid,rater,sc,pq\nm,u,1,2,1\n", "line 2: sc '2' is no number from 0 to 1: divide"),
        ("model,uid,rater,sc,pq\nm,u,1,1,good\n", "line 2: pq 'good' is no number"),
        ("model,uid,rater,sc,pq\n", "no line with ratings"),
    ],
)
def test_wrong_ratings_name_file_line_and_remedy(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text(text)
    with pytest.raises(PipelineError, match=f"people.csv: .*{message}"):
        read_ratings(path)
    with pytest.raises(PipelineError, match="cannot be read"):
        read_ratings(tmp_path / "nowhere.csv")


def test_a_list_with_a_null_is_incomplete(tmp_path: Path) -> None:
    (tmp_path / "judge.csv").write_text('model,uid,metric,scores\nm,u,SC,"[null, 3]"\n')
    assert read_scores(tmp_path / "judge.csv") == {("m", "u"): {"SC": [3.0]}}
