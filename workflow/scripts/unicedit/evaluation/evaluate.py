"""Evaluating one verifier, read one way, on a table of samples: what it says of each, and how right that is."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from unicedit.errors import PipelineError
from unicedit.evaluation import choose
from unicedit.evaluation.judge import Judge
from unicedit.evaluation.readings import joint_log_probabilities, pair_of, read_all, sizes_of
from unicedit.evaluation.rows import CHOOSING, ReadingMode
from unicedit.evaluation.schema import EVALUATION, POINTS
from unicedit.evaluation.score import NoTruth, Score, asks_for, fault_of, knows_truth, score, true_edit, verdict_alone
from unicedit.files import appearing_whole
from unicedit.map.stage import RowError
from unicedit.parquet import writer
from unicedit.schema import FAILED, OK
from unicedit.verifier.chat import Form, reply_text
from unicedit.verify.ssim import similarity
from unicedit.vlm.ask import Answer

if TYPE_CHECKING:
    from unicedit.verifier.reader import Reader

CHUNK = 128  # samples whose pictures are held at once
_NEEDED = (
    "key", "group", "kind", "held_out", "source", "subtask", "disturbance", "source_image", "edit_image", "given_en", "given_cn", "true_en", "true_cn",
    "is_changed", "status",
)  # fmt: skip
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Readers:
    """The verifier, and the one that reads with the instruction withheld (for ``blind`` and ``joint``; mostly the same)."""

    informed: "Reader"
    blind: "Reader"


def samples(data: Path, limit: int | None = None, pictures: bool = True) -> Iterator[list[Row]]:
    """The samples that are ``ok``, the first ``limit`` of them, a few at a time, with their pictures or without. Raises ``PipelineError`` for a file that holds none."""
    columns = [name for name in _NEEDED if pictures or not name.endswith("_image")]
    try:
        with pq.ParquetFile(data) as file:
            if lacking := [name for name in _NEEDED if name not in file.schema_arrow.names]:
                raise PipelineError(f"{data}: no column {lacking[0]!r}: not a table of samples")
            found = 0
            for batch in file.iter_batches(batch_size=CHUNK, columns=columns):
                rows = [row for row in batch.to_pylist() if row["status"] == OK]
                rows = rows if limit is None else rows[: limit - found]
                found += len(rows)
                if rows:
                    yield rows
            if not found:
                raise PipelineError(f"{data}: no sample that is ok; look at its column reason")
    except (FileNotFoundError, pa.ArrowInvalid) as error:
        raise PipelineError(f"{data}: cannot be read as Parquet ({str(error).splitlines()[0]})") from error


def evaluate(
    data: Path,
    reading: ReadingMode,
    readers: Readers | None,
    form: Form,
    chosen: float | None = None,
    judge: Judge | None = None,
    limit: int | None = None,
) -> tuple[list[Row], float | None]:
    """Rows of ``schema.EVALUATION``, one a sample, in order; and the number that was used where the reading needs one.

    ``readers`` is None for ``ssim`` alone. ``chosen``: SSIM's threshold or the joint weight; without it, it is chosen on these samples themselves, as is right on the
    validation split alone. ``judge`` scores samples that are not of the simulated world. Raises ``PipelineError`` where one of these is lacking.
    """
    rows: list[Row] = []
    for chunk in samples(data, limit):
        if judge is None and not all(map(knows_truth, chunk)):
            raise PipelineError(f"{data}: samples that are not of the simulated world are scored by a judge, and none is configured")
        rows += _read(chunk, reading, readers, form)
    if reading in CHOOSING and chosen is None:
        chosen = chosen_on(rows, reading)
    start = 0
    for chunk in samples(data, limit, pictures=judge is not None):
        _judge(rows[start : start + len(chunk)], chunk, reading, form, chosen, judge)
        start += len(chunk)
    return rows, chosen if reading in CHOOSING else None


def chosen_on(rows: Sequence[Mapping[str, Any]], reading: ReadingMode) -> float:
    """The number that a reading needs, chosen on rows of the validation split. Raises ``PipelineError`` where they cannot tell."""
    good = [row for row in rows if row["status"] == OK]
    try:
        if reading == "joint":
            return choose.weight(*_candidates(good), [row["kind"] for row in good])
        # a high similarity means unchanged, a low margin does
        sign = -1 if reading == "ssim" else 1
        known = [row for row in good if row["score"] is not None]
        return sign * choose.threshold([sign * row["score"] for row in known], [row["true_changed"] for row in known])
    except ValueError as error:
        raise PipelineError(f"validation samples, reading {reading}: {error}; add samples of all kinds") from error


def _read(chunk: Sequence[Row], reading: ReadingMode, readers: Readers | None, form: Form) -> list[Row]:
    rows = [_begun(sample, reading) for sample in chunk]
    shown = []
    for place, sample in enumerate(chunk):
        try:
            true_edit(sample)
            if reading == "ssim":
                rows[place]["score"] = similarity(_decoded(sample["source_image"]), _decoded(sample["edit_image"]))
            else:
                sizes_of(sample)
                shown.append(place)
        except NoTruth as error:
            rows[place] |= {"status": FAILED, "reason": f"truth: {error}"[:300]}
        except (OSError, ValueError) as error:
            rows[place] |= {"status": FAILED, "reason": f"not_readable: {error}"[:300]}
    if reading == "ssim":
        return rows
    if readers is None:
        raise PipelineError(f"the reading {reading} needs a model: name it with --model")
    pairs = [pair_of(chunk[place], reading) for place in shown]
    found = read_all(readers.blind if reading == "blind" else readers.informed, pairs)
    for place, one in zip(shown, found, strict=True):
        rows[place] |= {"status": FAILED, "reason": str(one)} if isinstance(one, RowError) else {"reply": one.text, "score": one.margin}
    if reading == "joint":
        _second_reading(chunk, rows, readers, form)
    return rows


def _second_reading(chunk: Sequence[Row], rows: Sequence[Row], readers: Readers, form: Form) -> None:
    good = [place for place, row in enumerate(rows) if row["status"] == OK]
    pairs = [pair_of(chunk[place], "informed") for place in good]
    blind = read_all(readers.blind, [pair_of(chunk[place], "blind") for place in good])
    for place, one in zip(good, blind, strict=True):
        if isinstance(one, RowError):
            raise RuntimeError(f"{rows[place]['key']}: read once and not again: {one!s}")
        both = [rows[place]["reply"], one.text]
        rows[place] |= {"candidates": both, "margins": [rows[place]["score"], one.margin], "log_probabilities": [0.0] * 4}
        rows[place]["candidates_fit"] = [fault_of(text, form) is None for text in both]
        if knows_truth(chunk[place]):
            rows[place]["candidates_right"] = [score(text, chunk[place], form).right for text in both]
    # where both say the same there is nothing to weigh
    unlike = [number for number, place in enumerate(good) if rows[place]["candidates"][0] != rows[place]["candidates"][1]]
    texts = [rows[good[number]]["candidates"] for number in unlike]
    found = joint_log_probabilities(readers.informed, readers.blind, [pairs[number] for number in unlike], texts)
    for number, values in zip(unlike, found, strict=True):
        rows[good[number]]["log_probabilities"] = values


def _candidates(rows: Sequence[Mapping[str, Any]]) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_]]:
    """Log-probabilities (n, 4), whether each candidate parses (n, 2), and whether it is fully right (n, 2)."""
    probabilities = np.array([row["log_probabilities"] for row in rows], np.float64).reshape(-1, 4)
    fits, right = (
        np.array([row.get(name) or [False] * 2 for row in rows], bool).reshape(-1, 2) for name in ("candidates_fit", "candidates_right")
    )
    return probabilities, fits, right


def _begun(sample: Row, reading: ReadingMode) -> Row:
    same = ("key", "group", "kind", "held_out", "subtask", "disturbance")
    return {**{name: sample[name] for name in same}, "true_changed": sample["is_changed"], "reading": reading, "status": OK, "reason": None}


def _decoded(data: bytes) -> Any:
    from unicedit.pictures import decoded

    return decoded(data)


def _judge(rows: Sequence[Row], chunk: Sequence[Row], reading: ReadingMode, form: Form, chosen: float | None, judge: Judge | None) -> None:
    """Decide the reply of each row, and score it."""
    waiting = []
    for row, sample in zip(rows, chunk, strict=True):
        if row["status"] != OK:
            continue
        if reading == "ssim":
            assert chosen is not None
            row["reply"] = _as_reply(sample, changed=row["score"] < chosen, form=form)
        elif reading == "joint":
            assert chosen is not None
            _join(row, chosen)
        found = verdict_alone(row["reply"], sample, form) if not knows_truth(sample) else score(row["reply"], sample, form)
        row |= _scored(found, sample)
        if not knows_truth(sample):
            waiting.append((row, sample, found))
    if not waiting:
        return
    assert judge is not None
    asked = [one for one in waiting if one[2].fault is None]
    for row, _, _ in waiting:  # what does not parse is wrong without a judge
        row["points"] = 0.0
    grades = judge.grade([sample for _, sample, _ in asked], [found for _, _, found in asked])
    for (row, _, _), grade in zip(asked, grades, strict=True):
        if isinstance(grade, Answer):
            row |= {"points": float(grade.value.agreement), "judge": grade.reply.model, "judge_reason": grade.value.reason}
        else:
            row |= {"status": FAILED, "reason": f"judge: {grade}"[:300], "points": None}


def _as_reply(sample: Row, *, changed: bool, form: Form) -> str:
    """What SSIM says, as a reply: it can tell that something changed, and not what; so the given instruction stays."""
    instruction = (sample["given_en"], sample["given_cn"]) if changed else ("", "")
    return reply_text([], changed, instruction, ("Not described.", "Not described.") if form == "full" else None)


def _join(row: Row, weight: float) -> None:
    probabilities, fits, _ = _candidates([row])
    place = int(choose.joint_choice(probabilities, fits, weight)[0])
    informed, blind = row["margins"]
    row["score"] = informed + weight * blind if informed is not None and blind is not None else informed
    row["reply"] = row["candidates"][place]


def _scored(found: Score, sample: Row) -> Row:
    columns: Row = {"fault": found.fault, "is_changed": found.is_changed, "changed_right": found.changed_right}
    columns |= {f"said_{language}": text for language, text in found.said.items()}
    if not knows_truth(sample):
        return columns
    columns["points"] = POINTS * found.right
    if found.said:
        columns["copied"] = all(asks_for(text, sample, language, sample[f"given_{language}"]) for language, text in found.said.items())
    for language, one in found.restated.items():
        columns |= {f"right_{language}": one.right, f"readable_{language}": one.readable}
        columns |= {f"{slot}_{language}": value for slot, value in one.slots.items()}
    return columns


def write(rows: Sequence[Row], out: Path) -> None:
    """Write rows as Parquet, whole or not at all."""
    with appearing_whole(out) as temporary, writer(temporary, EVALUATION) as opened:
        opened.write_table(pa.Table.from_pylist([{name: row.get(name) for name in EVALUATION.names} for row in rows], schema=EVALUATION))
