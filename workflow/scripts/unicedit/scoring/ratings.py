"""Judges' and people's scores of the same edits, read from CSV files.

A judge's file has the columns model, uid, metric (SC, PQ) and scores (a JSON list of sub-scores, 0 to 10); people's has model, uid, rater, sc and pq (0 to 1).
"""

import json
from dataclasses import dataclass
from pathlib import Path

from unicedit.errors import PipelineError
from unicedit.scoring.csv_rows import csv_rows
from unicedit.scoring.viescore import PQ, SC, SUBSCORES, checked

Edit = tuple[str, str]  # model, uid
_JUDGE = ("model", "uid", "metric", "scores")
_PEOPLE = ("model", "uid", "rater", "sc", "pq")


@dataclass(frozen=True, slots=True)
class Rating:
    """One person's rating of an edit, 0 to 1."""

    sc: float
    pq: float


def read_scores(path: Path) -> dict[Edit, dict[str, list[float]]]:
    """A judge's sub-scores by edit and metric, in the file's order. Raises ``PipelineError`` that names file, line and remedy."""
    found: dict[Edit, dict[str, list[float]]] = {}
    for place, row in csv_rows(path, _JUDGE):
        metric = row["metric"]
        if metric not in SUBSCORES:
            raise PipelineError(
                f"{place}: metric {metric!r} is none of {', '.join(SUBSCORES)}: Overall is computed, other metrics are left out"
            )
        try:
            scores = json.loads(row["scores"], parse_constant=_no_number)
            if not isinstance(scores, list):
                raise ValueError("not a list")
            scores = checked(metric, [score for score in scores if score is not None])
        except ValueError as error:
            raise PipelineError(
                f"{place}: scores {row['scores'][:80]!r}: {error}; write a JSON list like [7, 4], shorter where the judge gave less"
            ) from error
        of_edit = found.setdefault((row["model"], row["uid"]), {})
        if metric in of_edit:
            raise PipelineError(f"{place}: {row['model']} {row['uid']} has {metric} scores twice: keep one line")
        of_edit[metric] = scores
    if not found:
        raise PipelineError(f"{path}: it has no line with scores")
    return found


def read_ratings(path: Path) -> dict[Edit, list[Rating]]:
    """People's ratings by edit, one a rater. Raises ``PipelineError`` that names file, line and remedy."""
    found: dict[Edit, dict[str, Rating]] = {}
    for place, row in csv_rows(path, _PEOPLE):
        of_edit = found.setdefault((row["model"], row["uid"]), {})
        if row["rater"] in of_edit:
            raise PipelineError(f"{place}: rater {row['rater']} rated {row['model']} {row['uid']} twice: keep one line")
        of_edit[row["rater"]] = Rating(*(_share(place, name, row[name]) for name in (SC.lower(), PQ.lower())))
    if not found:
        raise PipelineError(f"{path}: it has no line with ratings")
    return {edit: list(raters.values()) for edit, raters in found.items()}


def _share(place: str, name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise PipelineError(f"{place}: {name} {text[:80]!r} is no number from 0 to 1: divide a rating by its highest value")
    return value


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no score")
