"""A benchmark that people have reviewed, frozen: test_data.jsonl and images, with a version and a digest that reading checks."""

import re
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from unicedit.benchmark.layout import NAME, write_layout
from unicedit.benchmark.record import BenchmarkError
from unicedit.benchmark.review import RecordQueue, corrected, in_order
from unicedit.files import digest_of, read_json, sha256_of_file, write_json
from unicedit.review.decision import NAME as WORD
from unicedit.review.decision import REJECT, Decision

SEAL = "benchmark.json"


@dataclass(frozen=True, slots=True)
class Frozen:
    """What a frozen benchmark holds: records, of each of how many sub-tasks, and its digest (32 hexadecimal digits)."""

    version: str
    digest: str
    records: int
    subtasks: int
    per_subtask: int
    left_out: Mapping[str, int]  # records by why they are not in it


def freeze(
    queue: RecordQueue, settled: Mapping[str, Decision], folder: Path, version: str, unreviewed: bool, per_subtask: int | None
) -> Frozen:
    """Write the reviewed records into a new folder, the same number of each sub-task: ``per_subtask``, or as many as the smallest has.

    Rejected records are left out, corrected ones go in corrected; those nobody settled are in only with ``unreviewed``. Of a sub-task with more, those that come first in
    the order of review are taken. Raises ``BenchmarkError`` where the folder is there already, a sub-task has too few, or the version is no short word.
    """
    if not re.fullmatch(WORD, version):
        raise BenchmarkError(f"version {version[:80]!r}: give 1 to 60 letters, digits, '_', '-' or '.', such as VERSION=1.0")
    if folder.exists():
        raise BenchmarkError(f"{folder}: is there already, and a frozen benchmark never changes; name another folder and version")
    chosen: dict[str, list[dict[str, Any]]] = {}
    left_out = {"rejected": 0, "not settled": 0, "more than the others have": 0}
    for key in in_order(queue.records):
        record, said = queue.records[key], settled.get(key)
        if said is not None and said.decision == REJECT:
            left_out["rejected"] += 1
        elif said is not None:
            chosen.setdefault(record["subtask"], []).append(corrected(record, said))
        elif unreviewed:
            chosen.setdefault(record["subtask"], []).append({**record, "reviewer": None, "reviewed_at": None})
        else:
            left_out["not settled"] += 1
    if not chosen:
        raise BenchmarkError("no record is settled as accepted or corrected: nothing to freeze")
    few = min(chosen, key=lambda subtask: len(chosen[subtask]))
    number = per_subtask or len(chosen[few])
    if len(chosen[few]) < number:
        raise BenchmarkError(
            f"{few} has {len(chosen[few])} records that can stay, and {number} are asked for; review more, or ask for fewer"
        )
    left_out["more than the others have"] = sum(len(found) - number for found in chosen.values())
    taken = {record["key"]: record for found in chosen.values() for record in found[:number]}
    reviewers = sorted({name for one in taken.values() if one["reviewer"] for name in one["reviewer"].split("+")})
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    write_layout(partial, [taken[key] for key in queue.records if key in taken], queue.picture, more=("reviewer", "reviewed_at"))
    frozen = Frozen(version, _digest(partial), len(taken), len(chosen), number, left_out)
    write_json(partial / SEAL, {**asdict(frozen), "reviewers": reviewers, "made_from": sha256_of_file(queue.table)})
    partial.rename(folder)
    return frozen


def _digest(folder: Path) -> str:
    """Of the jsonl file and every picture, by name."""
    files = [folder / NAME, *sorted((folder / "images").glob("*"))]
    return digest_of([[path.name, sha256_of_file(path)] for path in files])


def check_frozen(jsonl: Path) -> None:
    """Nothing for a benchmark that was not frozen. Raises ``BenchmarkError`` for one that has changed since."""
    seal = jsonl.parent / SEAL
    if jsonl.name != NAME or not seal.is_file():
        return
    value = read_json(seal)
    if not isinstance(value, dict) or value.get("digest") != _digest(jsonl.parent):
        raise BenchmarkError(
            f"{jsonl.parent}: has changed since it was frozen; fetch it again, or freeze what you want as another version "
            f"(without {SEAL} it is read as any other benchmark)"
        )
