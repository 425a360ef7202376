"""Rows and pictures that are there more than once."""

from array import array
from collections.abc import Iterator
from typing import Any

import numpy as np

from unicedit.audit.finding import Faults, Finding, finding
from unicedit.audit.store import Facts
from unicedit.audit.wishes import Wishes
from unicedit.duplicates import mark
from unicedit.repeats import Repeats


def copies(facts: Facts, wishes: Wishes) -> list[Finding]:
    """Rows that repeat an earlier one's two pictures; one edited picture for several sources; sources that nearly repeat an earlier one, or its mirror image.

    That a source has several edits is no fault.
    """
    pairs, edits = Repeats(), Repeats()
    for _, row in _pictures(facts):
        pairs.add([_pair(row)])
        edits.add([row["edit_pixels"]])
    pair_suspects, edit_suspects = pairs.suspects(), edits.suspects()
    seen: set[str] = set()
    source_of: dict[str, str] = {}
    repeated, shared = Faults(), Faults()
    for name, row in _pictures(facts):
        pair, edit = _pair(row), row["edit_pixels"]
        if pairs.suspected(pair, pair_suspects):
            if pair in seen:
                repeated.append(name)
            seen.add(pair)
        if edits.suspected(edit, edit_suspects) and source_of.setdefault(edit, row["source_pixels"]) != row["source_pixels"]:
            shared.append(name)
    return [
        finding(
            "exact duplicates", repeated, facts.total, f"{len(repeated):,} rows repeat source and edit of an earlier row, pixel by pixel"
        ),
        finding("shared edits", shared, facts.total, f"{len(shared):,} rows have the edited picture of an earlier row with another source"),
        *_near(facts, wishes),
    ]


def _near(facts: Facts, wishes: Wishes) -> list[Finding]:
    names: dict[str, str] = {}  # the first row's name by source
    hashes, mirrors = array("Q"), array("Q")
    for name, row in facts.readable("source_pixels", "source_phash", "source_phash_mirror"):
        if row["source_pixels"] and row["source_pixels"] not in names:
            names[row["source_pixels"]] = name
            hashes.append(int(row["source_phash"], 16))
            mirrors.append(int(row["source_phash_mirror"], 16))
    keys = list(names)
    found = {"near": Faults(), "mirror": Faults()}
    arrays = (np.array(hashes, np.uint64), np.array(mirrors, np.uint64))
    for key, (of, kind) in zip(keys, mark(keys, *arrays, 0, wishes.limits.max_distance), strict=True):
        if of is not None and kind is not None:
            found[kind].append(f"{names[key]} as {names[keys[of]]}")
    said = {"near": "nearly repeat an earlier source", "mirror": "are nearly the mirror image of an earlier source"}
    return [
        finding(
            "near duplicates" if kind == "near" else "mirrored duplicates",
            faults,
            len(keys),
            f"{len(faults):,} of {len(keys):,} distinct sources {said[kind]}",
            what="sources",
        )
        for kind, faults in found.items()
    ]


def _pictures(facts: Facts) -> Iterator[tuple[str, dict[str, Any]]]:
    rows = facts.readable("source_pixels", "edit_pixels")
    return ((name, row) for name, row in rows if row["source_pixels"] and row["edit_pixels"])


def _pair(row: dict[str, Any]) -> str:
    return f"{row['source_pixels']} {row['edit_pixels']}"
