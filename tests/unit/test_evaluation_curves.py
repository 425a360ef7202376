"""The filter's precision-recall curve, and the paper's claim on SSIM."""

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from sklearn.metrics import average_precision_score, precision_recall_curve

from made_tables import shard_tables
from made_tones import picture, sample, samples_table
from unicedit.config.tables import TablesSettings
from unicedit.errors import PipelineError
from unicedit.evaluation.evaluate import evaluate, write
from unicedit.tables.filter_curve import LEVELS, UNSEEN, bootstrap, curve_of, figures_of, filter_curve
from unicedit.tables.filter_curve_scores import Scores, scores_of
from unicedit.tables.filter_curve_thresholds import thresholds
from unicedit.tables.ssim_claim import conclusion, size_row, ssim_claim
from unicedit.tables.ssim_claim_measure import EDGES, Seen, by_size, interval_of, share_changed, under_flicker, verdicts_of
from unicedit.verifier.chat import reply_text
from unicedit.verifier.reader import Pair, Reader, Reading

Row = dict[str, str]


def read(path: Path) -> dict[tuple[str, str], Row]:
    with path.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    found = {(row["row"], row["metric"]): row for row in rows}
    assert len(found) == len(rows)
    return found


def scored(results: Path, shard: str, lot: np.random.Generator) -> None:
    """Give the verdicts of a shard margins that say something of the truth."""
    path = results / "verify" / f"{shard}.parquet"
    table = pq.read_table(path)
    truth = {row["key"]: row["valid"] for row in pq.read_table(results / "truth" / "truth.parquet").to_pylist()}
    margins = [
        None if row["status"] == "failed" else float(np.round(lot.normal(1.5 if truth[row["key"]] else -1.5, 1.5), 1))
        for row in table.to_pylist()
    ]
    pq.write_table(table.set_column(table.schema.get_field_index("score"), "score", pa.array(margins, pa.float64())), path)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("results")
    for shard, offset in (("00000", 0), ("00001", 36)):
        shard_tables(folder, shard, images=36, offset=offset)
    for shard in ("00000", "00001"):
        scored(folder, shard, np.random.default_rng(int(shard)))
    filter_curve(folder, ["00000", "00001"], "transformers", {"ssim": -0.9, "transformers": 0.05}, TablesSettings(), simulated=True)
    return folder


def test_a_curve_agrees_with_sklearn() -> None:
    lot = np.random.default_rng(2)
    invalid = lot.random(300) < 0.3
    evidence = np.round(lot.normal(np.where(invalid, -0.7, 0.7), 1), 1)  # many equal ones
    curve = curve_of(evidence, invalid)
    assert curve is not None
    assert curve.average_precision == pytest.approx(average_precision_score(invalid, -evidence))
    precision, recall, _ = precision_recall_curve(invalid, -evidence)
    ours = {(round(p, 9), round(r, 9)) for p, r in zip(curve.precision, curve.recall, strict=True)}
    theirs = {(round(p, 9), round(r, 9)) for p, r in zip(precision[:-1], recall[:-1], strict=True)}
    assert ours == theirs
    for threshold, one, other in zip(curve.thresholds, curve.precision, curve.recall, strict=True):
        dropped = evidence < threshold
        assert (invalid[dropped].mean(), (dropped & invalid).sum() / invalid.sum()) == pytest.approx((one, other))
    assert curve_of(evidence, np.zeros(300, bool)) is None


def test_the_table_holds_curves_and_chosen_thresholds(results: Path) -> None:
    table = read(results / "tables" / "filter_curve.csv")
    truth = {row["key"]: row["valid"] for row in pq.read_table(results / "truth" / "truth.parquet").to_pylist()}
    verdicts = [row for shard in ("00000", "00001") for row in pq.read_table(results / "verify" / f"{shard}.parquet").to_pylist()]
    there = [row for row in verdicts if row["score"] is not None]
    invalid = np.array([not truth[row["key"]] for row in there])
    margins = np.array([row["score"] for row in there])
    figure = table["transformers", "average_precision"]
    assert float(figure["value"]) == pytest.approx(average_precision_score(invalid, -margins), abs=1e-6)
    assert float(figure["ci_low"]) < float(figure["value"]) < float(figure["ci_high"])
    assert (int(figure["n"]), int(figure["expected"])) == (len(there), len(truth))
    dropped = margins < 0.05
    assert float(table["transformers", "chosen_precision"]["value"]) == pytest.approx(invalid[dropped].mean(), abs=1e-6)
    assert float(table["transformers", "chosen_recall"]["value"]) == pytest.approx((dropped & invalid).sum() / invalid.sum(), abs=1e-6)
    at = [float(table["transformers", f"precision_at_recall_{level:.2f}"]["value"]) for level in LEVELS]
    assert at == sorted(at, reverse=True)
    assert int(table["ssim", "average_precision"]["n"]) == len(truth)
    assert float(table["transformers", "average_precision"]["value"]) > float(table["ssim", "average_precision"]["value"])
    text = (results / "tables" / "filter_curve.md").read_text()
    assert "in the simulated world" in text.splitlines()[0]
    assert not any(UNSEEN in row for row, _ in table)  # these are no pictures of the world


def test_two_scores_of_the_same_edits_are_compared_by_source_image() -> None:
    lot = np.random.default_rng(3)
    invalid = lot.random(200) < 0.4
    good, poor = (lot.normal(np.where(invalid, -shift, shift), 1) for shift in (1.0, 0.1))
    image = [f"{number // 4}" for number in range(200)]
    keys = [f"e{number}" for number in range(200)]
    scores = {
        "reads": Scores(good.tolist()[:190], invalid.tolist()[:190], keys[:190], image[:190], [False] * 190, 200),  # ten could not be read
        "ssim": Scores(poor.tolist(), invalid.tolist(), keys, image, [False] * 200, 200),
    }
    figures = {(one.row, one.metric): one for one in figures_of(scores, {}, 0.95)}
    gap = figures["reads minus ssim", "average_precision"]
    assert gap.ci_low is not None and gap.value is not None and 0 < gap.ci_low < gap.value
    assert gap.value == pytest.approx(
        average_precision_score(invalid[:190], -good[:190]) - average_precision_score(invalid[:190], -poor[:190])
    )
    assert bootstrap([(good[:4], invalid[:4])], image[:4], 0.95) == [(None, None)]  # one image says nothing of others


def test_pictures_on_photographs_that_trained_nothing_are_told_apart() -> None:
    from unicedit.tables.filter_curve_scores import _trains_nothing
    from unicedit.world.scene import scene_of
    from unicedit.world.splits import TRAIN

    for number in range(24):
        backdrop = scene_of(f"world:1/{number:05d}").backdrop
        assert backdrop is not None
        assert _trains_nothing(f"world:1/{number:05d}") == (backdrop.photo not in TRAIN)
    assert not _trains_nothing("photos/cat.jpg")


def test_a_verifier_without_scores_has_no_curve(tmp_path: Path) -> None:
    shard_tables(tmp_path, images=24)
    filter_curve(tmp_path, ["00000"], "simulated", {}, TablesSettings(), simulated=False)
    table = read(tmp_path / "tables" / "filter_curve.csv")
    assert table["simulated", "average_precision"]["value"] == ""
    text = (tmp_path / "tables" / "filter_curve.md").read_text()
    assert "`simulated` gives no continuous score" in text and "simulated world" not in text
    (tmp_path / "truth" / "truth.parquet").unlink()
    shard_tables(tmp_path / "other", images=24, offset=24)
    (tmp_path / "other" / "truth" / "truth.parquet").rename(tmp_path / "truth" / "truth.parquet")
    with pytest.raises(PipelineError, match="shard 00000"):
        scores_of(tmp_path, ["00000"], "simulated")


def test_thresholds_come_from_evaluations_of_the_validation_split(tmp_path: Path) -> None:
    flickering = [sample(number, "no_edit", edit_image=picture(number, 1)) for number in range(4)]
    data = samples_table(tmp_path / "v.parquet", [*flickering, *(sample(number, "normal") for number in range(4))])
    rows, chosen = evaluate(data, "ssim", None, "short")
    write(rows, tmp_path / "ssim.parquet")
    joint = [
        {"status": "ok", "true_changed": changed, "score": 9.0, "margins": margins}
        for changed, margins in ((True, [-1.0, 4.0]), (False, [1.0, -4.0]), (True, [2.0, None]))
    ]
    write(joint, tmp_path / "joint.parquet")
    found = thresholds("transformers", tmp_path / "ssim.parquet", tmp_path / "joint.parquet", blind_weight=0.5)
    assert chosen is not None
    assert found == {"ssim": pytest.approx(-chosen), "transformers": pytest.approx(0.0)}  # between -1 + 2 and 1 - 2
    assert thresholds("ssim", None, tmp_path / "joint.parquet") == {}
    write(joint[:1], tmp_path / "one.parquet")
    with pytest.raises(PipelineError, match="validation"):
        thresholds("transformers", None, tmp_path / "one.parquet", 0.5)


class Nervous(Reader):
    """A reader that claims a change where a picture's mean moved by more than half a grey level."""

    form = "short"

    def __init__(self) -> None:
        """Without a model."""

    def batches(self, pairs: Any) -> list[list[int]]:
        return [list(range(len(pairs)))]

    def inputs(self, pairs: Any) -> Any:
        return pairs

    def generate(self, inputs: Any, seed: int | None = None) -> list[Reading]:
        return [Reading(self._text(pair), None) for pair in inputs]

    def _text(self, pair: Pair) -> str:
        assert pair.instruction is not None
        before, after = (np.asarray(Image.open(io.BytesIO(data)), float) for data in (pair.source, pair.edit))
        return reply_text([], True, pair.instruction) if abs(after - before).mean() > 3.2 else reply_text([], False)


def edited(number: int, share: float, **changes: Any) -> dict[str, Any]:
    """A sample whose edit turned a share of the picture's rows white."""
    made = sample(number, "normal", **changes)
    pixels = np.asarray(Image.open(io.BytesIO(made["source_image"]))).copy()
    pixels[: round(share * len(pixels))] = 255
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return {**made, "edit_image": out.getvalue()}


def test_the_claim_on_ssim_is_measured(tmp_path: Path) -> None:
    sizes = [1 / 56, 3 / 56, 10 / 56, 1.0]
    rows = [edited(number, sizes[number % 4]) for number in range(12)]
    rows += [edited(20, 0.5, disturbance="shift"), sample(21, "no_edit")]
    data = samples_table(tmp_path / "test.parquet", rows)
    verdicts = {row["key"]: number % 4 != 0 for number, row in enumerate(rows)} | {rows[1]["key"]: None}
    flicker = under_flicker(data, Nervous(), 0.97, 8, [0, 2, 8])
    edits = by_size(data, verdicts, 0.97)
    assert len(flicker) == 24 and len(edits) == 12  # no shift, and nothing that did not change
    by_strength = {strength: [one for one in flicker if one.at == strength] for strength in (0, 2, 8)}
    means = [np.mean([one.similarity for one in seen]) for seen in by_strength.values()]
    assert means[0] == pytest.approx(1) and means[0] > means[1] > means[2]
    assert not any(one.verifier_errs or one.ssim_errs for one in by_strength[0])
    assert all(one.verifier_errs for one in by_strength[8])
    ssim_claim(tmp_path, flicker, edits, 0.97, TablesSettings(), simulated=True, verifier="d2po")
    table = read(tmp_path / "tables" / "ssim_claim.csv")
    assert float(table["flicker 8", "verifier_error"]["value"]) == 1
    smallest = table[size_row(interval_of(1 / 56)), "verifier_error"]
    assert (smallest["n"], float(smallest["value"])) == ("3", 1.0)  # they are the ones it overlooks
    middle = table[size_row(interval_of(3 / 56)), "verifier_error"]
    assert float(middle["value"]) == pytest.approx(1 / 3, abs=1e-6)  # one reply did not parse
    text = (tmp_path / "tables" / "ssim_claim.md").read_text()
    assert "in the simulated world" in text.splitlines()[0] and "**Small edits**" in text
    assert (tmp_path / "tables" / "ssim_claim.png").stat().st_size > 10_000


def test_without_a_verifier_ssim_is_measured_alone(tmp_path: Path) -> None:
    data = samples_table(tmp_path / "test.parquet", [edited(number, 0.1) for number in range(4)])
    flicker, edits = under_flicker(data, None, 0.9, 4, [2, 4]), by_size(data, {}, 0.9)
    assert all(one.verifier_errs is None for one in [*flicker, *edits])
    assert "verifier" not in conclusion(flicker, edits)
    ssim_claim(tmp_path, flicker, edits, 0.9, TablesSettings(), simulated=False, verifier="")
    assert read(tmp_path / "tables" / "ssim_claim.csv")["flicker 2", "verifier_error"]["value"] == ""
    assert conclusion([], [Seen(0.9, 1.0, True, None)]).startswith("Neither")


def test_sizes_fall_into_their_intervals() -> None:
    assert [interval_of(share) for share in (0.0, 0.01, 0.0101, 0.1, 0.5, 1.0)] == [0, 0, 1, 2, 4, 4]
    assert len(EDGES) == 6
    black, half = np.zeros((20, 10, 3), np.uint8), np.zeros((20, 10, 3), np.uint8)
    half[:10, :, 1] = 200
    half[10:] = 12  # no more than flicker does
    assert share_changed(Image.fromarray(black), Image.fromarray(half)) == 0.5


def test_verdicts_are_those_of_the_evaluation(tmp_path: Path) -> None:
    rows = [{"key": "a", "status": "ok", "is_changed": True}, {"key": "b", "status": "ok"}, {"key": "c", "status": "failed"}]
    write(rows, tmp_path / "e.parquet")
    assert verdicts_of(tmp_path / "e.parquet") == {"a": True, "b": None}
