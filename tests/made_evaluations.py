"""Evaluations made by hand: what verifiers of known skill would have said of samples that do not exist."""

from pathlib import Path
from typing import Any

import numpy as np

from unicedit.evaluation.evaluate import write
from unicedit.evaluation.meaning import SLOTS
from unicedit.evaluation.rows import ROWS, UNTRAINED
from unicedit.tables.table5_measured import evaluation_path

KINDS = ("normal", "no_edit", "hallucination", "failed")


def rows_of(skill: dict[str, float], samples: int, lot: np.random.Generator, hard: np.ndarray, failed: int = 0) -> list[dict[str, Any]]:
    """Rows of one evaluation: ``samples`` a kind, right with the chance that ``skill`` says, less for samples that are ``hard`` for everyone."""
    rows: list[dict[str, Any]] = []
    for kind in KINDS:
        for number in range(samples):
            changed = kind in ("normal", "hallucination")
            verdict = bool(lot.random() < 0.5 + skill[kind] / 2)
            right = verdict and bool(lot.random() + hard[number] < skill[kind])
            right = right if changed else verdict
            row = {
                "key": f"{kind}-{number:04d}",
                "group": "cat",
                "kind": kind,
                "held_out": number % 4 == 0,
                "reading": "informed",
                "status": "ok",
            }
            row |= {
                "true_changed": changed,
                "changed_right": verdict,
                "points": 10.0 * right,
                "is_changed": changed == verdict,
                "reply": "{}",
            }
            row |= {"said_en": "Blur the background.", "copied": kind == "hallucination" and not right} if changed and verdict else {}
            for language in ("en", "cn") if changed else ():
                row |= {f"right_{language}": right, f"readable_{language}": verdict}
                row |= {f"{slot}_{language}": right or (verdict and slot != "attribute") for slot in SLOTS if slot != "place"}
            if number < failed:
                row |= {"status": "failed", "reason": "not_readable: cut short", "points": None, "changed_right": None}
            rows.append(row)
    return rows


def evaluations(
    results: Path, skills: dict[str, dict[str, float]], seeds: list[str], samples: int = 60, failed: int = 0, split: str = "test"
) -> None:
    """Write the evaluations of rows of Table 5, each with its skill by kind."""
    hard = np.random.default_rng(99).normal(0, 0.1, samples)
    for name, skill in skills.items():
        row = ROWS[name]
        for seed in ["0"] if row.variant in UNTRAINED else seeds:
            lot = np.random.default_rng([sum(map(ord, name)), int(seed) if seed.isdigit() else 0])
            own = {kind: value + (lot.normal(0, 0.03) if len(seeds) > 1 else 0) for kind, value in skill.items()}
            write(rows_of(own, samples, lot, hard, failed), evaluation_path(results, row.variant, seed, row.reading, split))
