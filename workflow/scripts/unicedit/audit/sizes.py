"""Sizes and formats of the pictures."""

from collections import Counter

from unicedit.audit.facts import PICTURES
from unicedit.audit.finding import Faults, Finding, finding
from unicedit.audit.store import Facts
from unicedit.audit.wishes import Wishes

MOST_SIZES = 20


def sizes(facts: Facts, wishes: Wishes) -> list[Finding]:
    """Edits of another shape than their source, pictures too small to show anything, and a census of sizes and formats."""
    limits = wishes.limits
    formats: dict[str, Counter[str]] = {which: Counter() for which in PICTURES}
    counted: dict[str, Counter[str]] = {which: Counter() for which in PICTURES}
    reshaped, small = Faults(), Faults()
    resized = 0
    for name, row in facts.readable(*(f"{which}_{what}" for which in PICTURES for what in ("format", "width", "height"))):
        shapes = {which: (row[f"{which}_width"], row[f"{which}_height"]) for which in PICTURES if row[f"{which}_width"]}
        for which, (width, height) in shapes.items():
            formats[which][row[f"{which}_format"]] += 1
            counted[which][f"{width}x{height}"] += 1
        if any(min(shape) < limits.min_side for shape in shapes.values()):
            small.append(f"{name}: {', '.join(f'{which} {width}x{height}' for which, (width, height) in shapes.items())}")
        if len(shapes) == 2:
            (width, height), (edit_width, edit_height) = shapes["source"], shapes["edit"]
            resized += (width, height) != (edit_width, edit_height)
            if abs(edit_width * height / (edit_height * width) - 1) > limits.max_aspect_change:
                reshaped.append(f"{name}: {width}x{height} became {edit_width}x{edit_height}")
    census = {
        "formats": {which: dict(found.most_common()) for which, found in formats.items()},
        "sizes": {which: dict(found.most_common(MOST_SIZES)) for which, found in counted.items()},
        "distinct_sizes": {which: len(found) for which, found in counted.items()},
    }
    said = "; ".join(
        f"{which}: {', '.join(f'{one} {number:,}' for one, number in found.most_common(5)) or 'none'}" for which, found in formats.items()
    )
    return [
        finding(
            "shape of the edit",
            reshaped,
            facts.total,
            f"{len(reshaped):,} edits have another aspect ratio than their source; {resized:,} another size",
            resized=resized,
        ),
        finding(
            "small pictures", small, facts.total, f"{len(small):,} rows have a side under {limits.min_side} pixels; {said}", census=census
        ),
    ]
