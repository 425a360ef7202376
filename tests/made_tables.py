"""Small made-up stage tables of one or more shards, in a results folder laid out as the pipeline's."""

import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from unicedit import schema
from unicedit.parquet import writer
from unicedit.sidecar import Identity, count, seal

EDITORS = ("simulated-a", "simulated-b")
SUBTASKS = (("Object Editing", "Subject Addition"), ("Attribute Editing", "Color Alteration"), ("Scene Editing", "Tone Transformation"))
KINDS = ("none", "no_edit", "misaligned", "quality", "damage")


def picture(number: int, suffix: str = "PNG") -> bytes:
    """An encoded 16 x 24 picture whose colour tells its number."""
    stored = io.BytesIO()
    Image.new("RGB", (24, 16), (number * 37 % 256, number * 11 % 256, 128)).save(stored, suffix)
    return stored.getvalue()


def write(path: Path, kind: pa.Schema, rows: list[dict[str, Any]], stage: str, shard: str, row_group_rows: int = 7) -> None:
    """Write a stage's table and its sidecar."""
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pa.Table.from_pylist(rows, schema=kind)
    with writer(path, kind) as opened:
        for start in range(0, len(rows), row_group_rows):
            opened.write_table(table.slice(start, row_group_rows).combine_chunks(), row_group_size=row_group_rows)
    given = [row.get("status", "ok") for row in rows]
    status, reasons = count(given, [row.get("reason") for row in rows])
    seal(
        path, path.with_suffix(".json"), Identity(stage, shard, "", "{}"), rows=len(rows), rows_in=len(rows), status=status, reasons=reasons
    )


def shard_tables(
    results: Path, shard: str = "00000", images: int = 12, offset: int = 0, verifier: str = "simulated-verifier", text: str = ""
) -> None:
    """All stage tables of a shard: a few bad files, one duplicate, one failed reply, every kind of edit.

    ``text`` is put into library names, origins, instructions and captions.
    """
    ingest: list[dict[str, Any]] = []
    prefilter: list[dict[str, Any]] = []
    instruct: list[dict[str, Any]] = []
    edit: list[dict[str, Any]] = []
    verify: list[dict[str, Any]] = []
    truth: list[dict[str, Any]] = []
    ok = {"status": "ok", "reason": None, "recipe": "r", "inputs": "i"}
    for number in range(offset, offset + images):
        image, source = f"{number:020x}", f"{text}photo-{number}.png"
        base = {"source": source, "origin": f"{text}made up", "licence": "CC0-1.0"}
        if number % 12 == 10:
            ingest.append(base | ok | {"status": "failed", "reason": "truncated: image file is truncated"})
            continue
        size = {"key": image, "width": 30, "height": 20, "image_width": 24, "image_height": 16}
        if number % 12 == 11:
            ingest.append(base | ok | size | {"status": "rejected", "reason": "crop_loss: 0.31 > 0.2"})
            continue
        ingest.append(base | ok | size | {"image": picture(number)})
        scored = {"source": source, "key": image, "quality": 5.0 + number % 4} | ok
        if number % 12 == 9:
            prefilter.append(
                scored
                | {
                    "duplicate_of": f"{offset:020x}",
                    "duplicate_kind": "mirror",
                    "status": "rejected",
                    "reason": f"duplicate: mirror of {offset:020x}",
                }
            )
            continue
        if number % 12 == 8:
            prefilter.append(scored | {"quality": 1.0, "status": "rejected", "reason": "low_quality: 1.00 < 2"})
            continue
        prefilter.append(scored)
        if number % 12 == 7:
            instruct.append({"key": image, "image": image, "raw": "not JSON"} | ok | {"status": "failed", "reason": "bad_reply: not JSON"})
            continue
        for slot, (task, subtask) in enumerate(SUBTASKS[: 2 + number % 2]):
            key = f"{image}-{slot:02d}"
            made = {"key": key, "image": image, "slot": slot, "task": task, "subtask": subtask} | ok
            if slot == 1 and number % 5 == 3:
                instruct.append(made | {"status": "rejected", "reason": "impossible: no object"})
                continue
            instruct.append(
                made | {"instruction_en": f"{text}Make thing {slot} new.", "instruction_cn": f"改变物体{slot}。", "reasoning_points": []}
            )
            editor = EDITORS[(number + slot) % 2]
            edited = {"key": f"{key}-{editor}", "instruction": key, "image": image, "editor": editor, "revision": "1", "seed": number} | ok
            if number % 12 == 6 and slot == 0:
                edit.append(edited | {"status": "failed", "reason": "engine: out of memory"})
                continue
            edit.append(edited | {"edit_width": 24, "edit_height": 16, "edit_image": picture(number + 100, "JPEG")})
            kind = KINDS[(number + 2 * slot) % 5]
            valid = kind in ("none", "misaligned")
            true = None if kind == "no_edit" else f"Make thing {slot} {'old' if kind == 'misaligned' else 'new'}."
            truth.append({"key": f"{key}-{editor}", "kind": kind, "valid": valid, "true_en": true, "true_cn": true})
            verdict = {
                "key": f"{key}-{editor}",
                "verifier": verifier,
                "source_caption": f"{text}before",
                "edit_caption": "after",
                "differences": [f"{text}one"],
            } | ok
            if number % 12 == 5 and slot == 0:
                verify.append(verdict | {"status": "failed", "reason": "bad_reply: not JSON"})
            elif valid or number % 12 == 2:
                verify.append(
                    verdict | {"is_changed": True, "prompt_en": true or f"{text}Make thing {slot} new.", "prompt_cn": f"改变物体{slot}。"}
                )
            else:
                verify.append(verdict | {"is_changed": False, "status": "rejected", "reason": "no_change: the verifier saw no valid edit"})
    for stage, kind, rows in (
        ("ingest", schema.INGEST, ingest),
        ("prefilter", schema.PREFILTER, prefilter),
        ("instruct", schema.INSTRUCT, instruct),
        ("edit", schema.EDIT, edit),
        ("verify", schema.VERIFY, verify),
    ):
        write(results / stage / f"{shard}.parquet", kind, rows, stage, shard)
    whole = results / "truth" / "truth.parquet"
    earlier = pq.read_table(whole).to_pylist() if whole.exists() else []
    write(whole, schema.TRUTH, [*earlier, *({**row, "shard": shard} for row in truth)], "truth", "all")


def assembled(results: Path, shards: tuple[str, ...] = ("00000",), row_group_rows: int = 5) -> None:
    """Assemble each shard's dataset file, and write the index of the shards."""
    from unicedit.assemble import assemble
    from unicedit.config.dataset import DatasetSettings

    settings = DatasetSettings(row_group_rows=row_group_rows)
    for shard in shards:
        tables = [results / stage / f"{shard}.parquet" for stage in ("ingest", "prefilter", "instruct", "edit", "verify")]
        out = results / "dataset" / "data" / f"shard-{shard}.parquet"
        status = assemble(shard, *tables, out, settings)
        rows = sum(status.values())
        sidecar = results / "dataset" / "sidecars" / f"shard-{shard}.json"
        seal(out, sidecar, Identity("assemble", shard, "", "{}"), rows=rows, rows_in=rows, status=status, reasons={})
    (results / "index").mkdir(parents=True, exist_ok=True)
    (results / "index" / "shards.json").write_text(json.dumps({"generations": [list(shards)]}))
