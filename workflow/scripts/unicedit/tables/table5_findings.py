"""What Table 5's figures say: which differences are larger than noise, and whether D2PO beats its control."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from unicedit.evaluation.rows import CLAIM, COMPARED, ROWS
from unicedit.evaluation.schema import POINTS
from unicedit.tables.interval import Interval
from unicedit.tables.table import Figure
from unicedit.tables.table5_measured import Measured
from unicedit.tables.table5_statistics import difference, holm

KINDS = {"normal": "Normal", "no_edit": "No Edit", "hallucination": "Hallucination", "failed": "Failed"}


@dataclass(frozen=True, slots=True)
class Finding:
    """How far ``ours`` differs from ``theirs`` on one kind, in points; ``p`` is corrected for all comparisons of the table."""

    ours: str
    theirs: str
    kind: str
    gap: float
    interval: Interval
    p: float
    n: int


def findings(measured: Mapping[str, Measured | None], confidence: float) -> list[Finding]:
    """Every comparison that the rows at hand allow, kind by kind, corrected together by Holm's method."""
    found = []
    for ours, theirs in COMPARED:
        first, second = measured.get(ours), measured.get(theirs)
        if first is None or second is None:
            continue
        for kind in KINDS:
            pair = first.paired(second, kind)
            if pair[0].size:
                found.append((ours, theirs, kind, *difference(*pair, confidence), pair[0].shape[1]))
    corrected = holm([one[5] for one in found])
    return [Finding(*one[:5], p, one[6]) for one, p in zip(found, corrected, strict=True)]


def figures_of(found: Sequence[Finding]) -> list[Figure]:
    """Differences and their corrected p-values as figures of the long table."""
    figures = []
    for one in found:
        row = f"{ROWS[one.ours].label} minus {ROWS[one.theirs].label}"
        figures.append(Figure(row, f"{one.kind}_acc", one.gap, *one.interval, one.n, one.n))
        figures.append(Figure(row, f"{one.kind}_p_holm", one.p, n=one.n, expected=one.n))
    return figures


def paragraph(found: Sequence[Finding], level: float, seeds: int) -> str:
    """The findings in words, Markdown. ``level``: corrected p-values below it are more than noise."""
    if not found:
        return "Fewer than two rows were run: there is nothing to compare."
    how = f"over {seeds} seeds" if seeds > 1 else "with one seed, so that another training run may say otherwise"
    head = f"**Larger than noise** (paired by sample, {how}; {len(found)} comparisons, Holm-corrected, level {level:g}; brackets uncorrected): "
    pairs = list(dict.fromkeys((one.ours, one.theirs) for one in found))
    clear = [text for pair in pairs if (text := _clear(pair, found, level))]
    quiet = [f"{_name(ours)} and {_name(theirs)}" for ours, theirs in pairs if not _clear((ours, theirs), found, level)]
    parts = [head + ("; ".join(clear) if clear else "none") + "."]
    if quiet:
        parts.append(f"No difference beyond noise between {', between '.join(quiet)}.")
    return claim(found, level, seeds) + "\n\n" + " ".join(parts)


def claim(found: Sequence[Finding], level: float, seeds: int) -> str:
    """Whether D2PO beats the control that learns from the same pairs without a preference."""
    own = [one for one in found if (one.ours, one.theirs) == CLAIM]
    if not own:
        return "Whether D2PO beats its control (the same pairs, the sft loss alone) was not measured here; the target `table5_full` does."
    better = [one for one in own if one.p < level and one.gap > 0]
    worse = [one for one in own if one.p < level and one.gap < 0]
    figures = ", ".join(f"{KINDS[one.kind]} {_gap(one)}" for one in own)
    once = " That is one seed." if seeds == 1 else ""
    if better and not worse:
        return f"**D2PO beats its control** (the same pairs, the sft loss alone) on {_kinds(better)}: {figures}.{once}"
    if better:
        said = f"better than its control (the same pairs, the sft loss alone) on {_kinds(better)} and worse on {_kinds(worse)}"
        return f"**D2PO does not simply beat its control**: it is {said}: {figures}.{once}"
    how = f"it is worse on {_kinds(worse)}" if worse else "no difference is larger than noise"
    return f"**D2PO does not beat its control** (the same pairs, the sft loss alone): {how}: {figures}.{once}"


def _clear(pair: tuple[str, str], found: Sequence[Finding], level: float) -> str:
    own = [one for one in found if (one.ours, one.theirs) == pair and one.p < level]
    return f"{_name(pair[0])} against {_name(pair[1])}: " + ", ".join(f"{KINDS[one.kind]} {_gap(one)}" for one in own) if own else ""


def _gap(one: Finding) -> str:
    low, high = one.interval
    around = f" [{low:+.2f}, {high:+.2f}]" if low is not None and high is not None else ""
    return f"{max(-POINTS, min(POINTS, one.gap)) + 0.0:+.2f}{around}"


def _kinds(found: Sequence[Finding]) -> str:
    return " and ".join(KINDS[one.kind] for one in found)


def _name(row: str) -> str:
    return ROWS[row].label
