"""Precision-recall curves of the failure filter against the truth of simulated edits: the run's verifier and SSIM."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unicedit.config.tables import TablesSettings
from unicedit.figure import INK, MEASURED, REPORTED, bare, figure, save
from unicedit.files import write_text
from unicedit.markdown import plain, table
from unicedit.tables.filter_curve_scores import Scores, scores_of
from unicedit.tables.interval import wilson
from unicedit.tables.table import Figure, Figures, shown, write_long
from unicedit.vlm.template import render

NAME = "filter_curve"
LEVELS = tuple(round(0.05 * step, 2) for step in range(1, 21))
RESAMPLES = 400
UNSEEN = "photographs that trained nothing"
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Curve:
    """Precision and recall (k,) as the threshold rises through ``thresholds`` (k,): everything below it is dropped."""

    thresholds: Floats
    precision: Floats
    recall: Floats

    @property
    def average_precision(self) -> float:
        """The sum of precision over the steps of recall."""
        return float((self.precision * np.diff(self.recall, prepend=0.0)).sum())

    def at(self, recall: float) -> float:
        """The best precision with at least that recall."""
        return float(self.precision[self.recall >= recall - 1e-12].max())


def curve_of(evidence: Floats, invalid: Flags) -> Curve | None:
    """The curve over every distinct threshold; None without an invalid edit, for recall is not defined then."""
    if not invalid.any():
        return None
    order = np.argsort(evidence, kind="stable")
    ranked, bad = evidence[order], np.cumsum(invalid[order])
    last = np.flatnonzero(np.append(np.diff(ranked) > 0, True))  # edits of equal evidence are dropped together
    above = np.append(ranked[last[:-1] + 1], np.inf)
    return Curve(above, bad[last] / (last + 1), bad[last] / invalid.sum())


def bootstrap(samples: Sequence[tuple[Floats, Flags]], image: Sequence[str], confidence: float) -> list[tuple[float | None, float | None]]:
    """Intervals of the average precisions of several scores of the same edits, and last of the first's minus the second's where there are two: percentiles over
    resamples of source images.
    """
    _, group = np.unique(np.asarray(image), return_inverse=True)
    members = [np.flatnonzero(group == number) for number in range(group.max() + 1)] if len(group) else []
    lot = np.random.default_rng(0)
    drawn = []
    for _ in range(RESAMPLES if len(members) > 1 else 0):
        chosen = np.concatenate([members[number] for number in lot.integers(0, len(members), len(members))])
        curves = [curve_of(evidence[chosen], invalid[chosen]) for evidence, invalid in samples]
        if all(curve is not None for curve in curves):
            values = [curve.average_precision for curve in curves if curve is not None]
            drawn.append([*values, values[0] - values[1]] if len(values) == 2 else values)
    if not drawn:
        return [(None, None)] * (len(samples) + (len(samples) == 2))
    tails = np.quantile(np.array(drawn), [0.5 - confidence / 2, 0.5 + confidence / 2], axis=0)
    return [(float(low), float(high)) for low, high in tails.T]


def figures_of(scores: Mapping[str, Scores], thresholds: Mapping[str, float], confidence: float) -> list[Figure]:
    """All figures: for each score, over all edits and over those on photographs that trained nothing."""
    found = []
    for part, unseen in (("", False), (f", {UNSEEN}", True)):
        arrays = {name: one.arrays(unseen) for name, one in scores.items()}
        there = {name: values for name, values in arrays.items() if len(values[0]) and values[1].any()}
        for name, (evidence, invalid, image) in arrays.items():
            expected = len(evidence) if unseen else scores[name].expected
            if name not in there:
                if not unseen:
                    found.append(Figure(name, "average_precision", None, n=0, expected=expected))
                continue
            ((low, high),) = bootstrap([(evidence, invalid)], image.tolist(), confidence)
            curve = curve_of(evidence, invalid)
            assert curve is not None
            found.append(Figure(name + part, "average_precision", curve.average_precision, low, high, len(evidence), expected))
            found.append(
                Figure(
                    name + part,
                    "invalid_share",
                    float(invalid.mean()),
                    *wilson(int(invalid.sum()), len(invalid), confidence),
                    len(invalid),
                    expected,
                )
            )
            if name in thresholds:
                found += _at(name + part, evidence, invalid, thresholds[name], confidence, expected)
            if not unseen:
                found += [
                    Figure(name, f"precision_at_recall_{level:.2f}", curve.at(level), n=len(evidence), expected=expected)
                    for level in LEVELS
                ]
        if len(there) == 2:
            found += _compared(scores, part, unseen, confidence)
    return found


def _compared(scores: Mapping[str, Scores], part: str, unseen: bool, confidence: float) -> list[Figure]:
    """The first score's average precision minus the second's, on the edits that both have."""
    (first, ours), (second, theirs) = scores.items()
    common = set(ours.key) & set(theirs.key)
    (evidence, invalid, image), (other, also, _) = (one.arrays(unseen, common) for one in (ours, theirs))
    curves = curve_of(evidence, invalid), curve_of(other, also)
    if curves[0] is None or curves[1] is None:
        return []
    interval = bootstrap([(evidence, invalid), (other, also)], image.tolist(), confidence)[2]
    gap = curves[0].average_precision - curves[1].average_precision
    return [Figure(f"{first} minus {second}{part}", "average_precision", gap, *interval, len(evidence), len(evidence))]


def _at(row: str, evidence: Floats, invalid: Flags, threshold: float, confidence: float, expected: int) -> list[Figure]:
    dropped = evidence < threshold
    shares = (
        ("chosen_precision", int((dropped & invalid).sum()), int(dropped.sum())),
        ("chosen_recall", int((dropped & invalid).sum()), int(invalid.sum())),
        ("chosen_false_alarm_rate", int((dropped & ~invalid).sum()), int((~invalid).sum())),
    )
    found = [Figure(row, "chosen_threshold", threshold, n=len(evidence), expected=expected)]
    return found + [Figure(row, metric, hits / n if n else None, *wilson(hits, n, confidence), n, n) for metric, hits, n in shares]


def page(found: Sequence[Figure], scores: Mapping[str, Scores], title: str, confidence: float) -> str:
    """The table as Markdown."""
    known = Figures(found)
    rows = []
    for row in dict.fromkeys(one.row for one in found if " minus " not in one.row):
        whole = known.get(row, "average_precision")
        cells = (known.get(row, f"chosen_{metric}") for metric in ("threshold", "precision", "recall", "false_alarm_rate"))
        rows.append(
            (plain(row), shown(whole, 3), *(shown(one, 3) for one in cells), f"{whole.n:,} of {whole.expected:,}" if whole else "–")
        )
    head = (
        "filter",
        "average precision",
        "threshold (evidence)",
        "precision there",
        "recall there",
        "false alarm rate there",
        "n of expected",
    )
    differing = [one for one in found if " minus " in one.row and one.row.count(",") == 0]
    said = "".join(f"Average precision of {plain(one.row)}: {shown(one, 3, sign=True)}: {_verdict(one)}." for one in differing)
    share = next((one for one in found if one.metric == "invalid_share"), None)
    lacking = next((name for name, one in scores.items() if not one.evidence), "")
    return (
        render(
            Path(__file__).with_name("filter_curve.jinja"),
            title=title,
            table=table(head, rows),
            said=said,
            blind=shown(share, 3, interval=False),
            level=f"{100 * confidence:g}",
            lacking=plain(lacking),
        )
        + "\n"
    )


def _verdict(one: Figure) -> str:
    if one.ci_low is None or one.ci_high is None or one.ci_low <= 0 <= one.ci_high:
        return "no difference beyond noise"
    return "more than noise"


def plot(scores: Mapping[str, Scores], found: Sequence[Figure], title: str, path: Path) -> None:
    """Draw the curves over all edits, with the thresholds that validation chose."""
    known = Figures(found)
    drawn = figure(8.4, 5.6)
    axes = drawn.add_subplot()
    for (name, one), colour in zip(scores.items(), (MEASURED, REPORTED), strict=False):
        evidence, invalid, _ = one.arrays()
        curve = curve_of(evidence, invalid)
        if curve is None:
            continue
        whole = known.get(name, "average_precision")
        axes.plot(
            curve.recall, curve.precision, color=colour, linewidth=1.8, label=f"{name}: average precision {shown(whole, 3)}", zorder=2
        )
        place = [known.get(name, f"chosen_{metric}") for metric in ("recall", "precision")]
        if place[0] and place[1] and place[0].value is not None and place[1].value is not None:
            axes.plot(
                place[0].value, place[1].value, marker="o", markersize=9, color=colour, markeredgecolor="black", linestyle="", zorder=3
            )
    share = next((one.value for one in found if one.metric == "invalid_share" and one.value is not None), None)
    if share is not None:
        axes.axhline(share, color=INK, linewidth=1, linestyle=":", label=f"dropping blindly: {share:.3f}", zorder=1)
    axes.plot(
        [], [], marker="o", markersize=8, color="white", markeredgecolor="black", linestyle="", label="threshold chosen on validation"
    )
    axes.set_xlim(0, 1.01)
    axes.set_ylim(0, 1.03)
    axes.set_xlabel("recall: share of the invalid edits that are dropped", fontsize=9, color=INK)
    axes.set_ylabel("precision: share of the dropped that are invalid", fontsize=9, color=INK)
    bare(axes, f"Failure filter: precision and recall{title}")
    axes.grid(axis="y", color="#e3e7eb", linewidth=0.8)
    axes.legend(frameon=False, fontsize=9, loc="lower left")
    save(drawn, path)


def filter_curve(
    results: Path, shards: Sequence[str], engine: str, thresholds: Mapping[str, float], settings: TablesSettings, simulated: bool
) -> dict[str, int]:
    """Write ``tables/filter_curve.csv``, ``.md`` and ``.png``. ``thresholds``: evidence below which an edit is dropped, by score. Returns the number of figures by status."""
    scores = scores_of(results, shards, engine)
    found = figures_of(scores, thresholds, settings.confidence)
    title = ", in the simulated world" if simulated else ""
    folder = results / "tables"
    write_long(NAME, found, folder / f"{NAME}.csv")
    write_text(folder / f"{NAME}.md", page(found, scores, title, settings.confidence))
    plot(scores, found, title, folder / f"{NAME}.png")
    return {"ok": len(found), "rejected": 0, "failed": 0}
