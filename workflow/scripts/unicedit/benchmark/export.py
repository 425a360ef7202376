"""Edits and scores in the layout that UnicBench's public tools read: {model}/{Sub-task}/{en|cn}/{key}.png, and a jsonl file a judge, sub-task and language.

The public scorer leaves samples with a failed call out without a word. Here they lie in a file of their own beside the results, with the reason.
"""

import json
import shutil
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from unicedit.benchmark.schema import RA
from unicedit.files import write_text
from unicedit.lookup import rows
from unicedit.pictures import decoded
from unicedit.schema import OK
from unicedit.scoring.schema import METRICS

Rows = Sequence[Mapping[str, Any]]
_JUDGED = ("key", "model", "judge", "task", "subtask", "language", "metric", "repeat", "score", "explanation", "status", "reason")
_PNG = b"\x89PNG"


def folder_of(subtask: str) -> str:
    """A sub-task's folder: its name with underscores."""
    return "_".join(subtask.split())


def picture_of(model: str, subtask: str, language: str, key: str) -> str:
    """Where a picture lies in the export."""
    return f"{model}/{folder_of(subtask)}/{language}/{key}.png"


def export_edits(edits: Path, out: Path) -> int:
    """Write one table's edits that are ``ok`` as PNG; returns how many."""
    written = 0
    for row in rows(edits, ["sample", "subtask", "language", "editor", "edit_image"], OK):
        path = out / picture_of(row["editor"], row["subtask"], row["language"], row["sample"])
        path.parent.mkdir(parents=True, exist_ok=True)
        if row["edit_image"].startswith(_PNG):
            path.write_bytes(row["edit_image"])
        else:
            decoded(row["edit_image"]).save(path, "PNG")
        written += 1
    return written


def export_scores(judged: Path, texts: Mapping[str, Mapping[str, str]], out: Path) -> tuple[int, int]:
    """Write one judge's table: samples with all their metrics in ``…_results.jsonl``, the others in ``…_missing.jsonl``; returns how many of each.

    ``texts`` holds each sample's instruction by language. Runs after the first have folders of their own.
    """
    files: dict[str, list[str]] = defaultdict(list)
    counts = [0, 0]
    for sample in _samples(judged):
        first = sample[0]
        missing = any(row["status"] != OK for row in sample)
        folder = first["judge"] if not first["repeat"] else f"{first['judge']}.{first['repeat']}"
        name = f"{folder_of(first['subtask'])}_{first['language']}_{'missing' if missing else 'results'}.jsonl"
        line = json.dumps(_line(sample, texts[first["key"]][first["language"]]), ensure_ascii=False)
        files[f"{first['model']}/eval_output/{folder}/{name}"].append(line)
        counts[missing] += 1
    for name, lines in files.items():
        write_text(out / name, "".join(f"{line}\n" for line in lines))
    return counts[0], counts[1]


def _samples(judged: Path) -> Iterator[Rows]:
    """The rows of each sample and repeat."""
    found: dict[tuple[str, int], list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows(judged, _JUDGED):
        found[row["key"], row["repeat"]].append(row)
    yield from found.values()


def _line(sample: Rows, instruction: str) -> dict[str, Any]:
    """A sample as the public scorer writes it; a missing score is null, with why in its reason."""
    first = sample[0]
    by_metric = {row["metric"]: row for row in sample}
    line: dict[str, Any] = {
        "key": first["key"],
        "task": first["task"],
        "subtask": first["subtask"],
        "instruction": instruction,
        "instruction_language": first["language"],
        "edited_image_path": picture_of(first["model"], first["subtask"], first["language"], first["key"]),
    }
    product, count = 1.0, 0
    for metric in METRICS:
        row = by_metric.get(metric)
        score = row["score"] if row else None
        line[f"{metric.lower()}_score"] = score
        line[f"{metric.lower()}_reason"] = (row["explanation"] if score is not None else f"missing: {row['reason']}") if row else None
        if row is not None or metric != RA:
            product, count = (product * score if score is not None else float("nan")), count + 1
    line["overall_score"] = product ** (1 / count) if product == product else None
    return line


def export(records: Path, edits: Sequence[Path], judged: Sequence[Path], out: Path) -> dict[str, int]:
    """Write everything into ``out``, which appears whole, in place of what was there; returns samples by status."""
    temporary = out.with_name(f".{out.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    texts = {row["key"]: {"en": row["en"], "cn": row["cn"]} for row in rows(records, ["key", "en", "cn"])}
    for path in edits:
        export_edits(path, temporary)
    counts = [export_scores(path, texts, temporary) for path in judged]
    shutil.rmtree(out, ignore_errors=True)
    temporary.rename(out)
    return {"ok": sum(whole for whole, _ in counts), "rejected": 0, "failed": sum(missing for _, missing in counts)}
