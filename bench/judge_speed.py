"""The judge stage, whole: 1,100 samples by IF, NC, VQ (and RA of 250) against a judge that answers after 100 ms, 64 requests in flight; scored again from the cache;
and a loop built as the public scorer's, a sample a thread and its calls one after the other.
"""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow" / "scripts"))

import pyarrow as pa
import vlm_openai
from PIL import Image
from targets import Targets

from unicedit.benchmark.schema import BENCH_EDIT, RECORDS, metrics_of
from unicedit.config.ingest import EncodingSettings
from unicedit.config.judge import JudgeSettings
from unicedit.config.map import MapSettings
from unicedit.judge.prompt import prompt
from unicedit.judge.stage import JudgeStage
from unicedit.lookup import rows
from unicedit.map.run import Places, run_map
from unicedit.parquet import writer
from unicedit.pictures import bytes_digest, encoded
from unicedit.sidecar import Identity
from unicedit.vlm.completion import body_of
from unicedit.vlm.engines import VlmPlaces
from unicedit.vlm.pictures import data_url
from unicedit.vlm.port import VlmRequest

SAMPLES, REASONING, SIDE = 1100, 250, 256
ANSWER = '{"reason": "It is good.", "score": 7}'


def written(path: Path, schema: pa.Schema, made: list[dict[str, Any]]) -> Path:
    """A table in row groups, as the stages write them."""
    with writer(path, schema) as opened:
        for start in range(0, len(made), 32):
            opened.write_table(pa.Table.from_pylist(made[start : start + 32], schema=schema), row_group_size=32)
    return path


def tables(folder: Path) -> tuple[Path, Path]:
    """Records and edits of a benchmark; small pictures, so that the stage is measured and not the sending."""
    records, edits = [], []
    for number in range(SAMPLES):
        data = encoded(Image.new("RGB", (SIDE, SIDE), (number % 256, number // 256, 7)), EncodingSettings())
        other = encoded(Image.new("RGB", (SIDE, SIDE), (number % 256, number // 256, 200)), EncodingSettings())
        key, points = f"{number:032x}", ["It shows."] if number < REASONING else []
        place = {"crop_left": 0, "crop_top": 0, "crop_right": SIDE, "crop_bottom": SIDE, "image_width": SIDE, "image_height": SIDE}
        record = {
            "key": key,
            "task": "t",
            "subtask": "s",
            "en": f"Edit {number}.",
            "cn": "编辑",
            "reasoning_points": points,
            "picture": key,
            "note": "",
            "sources": 1,
            "others": [],
        }
        records.append({**record, **place, "source": key, "width": SIDE, "height": SIDE, "image_digest": bytes_digest(data), "image": data})
        edit = {"key": f"{key}-en-model", "sample": key, "task": "t", "subtask": "s", "language": "en", "editor": "model", "seed": 1}
        edits.append({**edit, "edit_digest": bytes_digest(other), "edit_image": other, "status": "ok", "inputs": key})
    return written(folder / "records.parquet", RECORDS, records), written(folder / "edits.parquet", BENCH_EDIT, edits)


def scored(folder: Path, name: str, made: tuple[Path, Path], judge: JudgeSettings) -> float:
    """Score everything under the map; seconds. What is scored already lies in the cache of replies in ``folder``."""
    table = folder / name / "judge" / "all.parquet"
    stage = JudgeStage(*made, None, judge, None, "recipe", VlmPlaces(folder / "replies", None))
    places = Places.of(table, table.with_suffix(".json"), folder / name / "scratch", "judge", "all")
    started = time.monotonic()
    run_map(stage, places, Identity("judge", "all", "", "{}"), MapSettings())
    seconds = time.monotonic() - started
    found = [row["score"] for row in rows(table, ["score"])]
    assert len(found) == 3 * SAMPLES + REASONING and set(found) == {7.0}, "everything is scored"
    return seconds


def plain(made: tuple[Path, Path], judge: JudgeSettings, threads: int) -> float:
    """The public scorer's structure: a thread takes a sample and makes its calls one after the other; seconds."""
    import openai

    client = openai.OpenAI(api_key="none", base_url=judge.openai.base_url, max_retries=0)
    edits = {row["sample"]: row["edit_image"] for row in rows(made[1], ["sample", "edit_image"])}
    records = list(rows(made[0], ["key", "en", "image", "reasoning_points"]))

    def one(record: dict[str, Any]) -> None:
        for metric in metrics_of(record["reasoning_points"]):
            text = prompt(metric, judge.mode, record["en"], record["reasoning_points"])
            request = VlmRequest("k", text, (record["image"], edits[record["key"]]))
            client.chat.completions.create(**body_of(judge.openai, request, lambda image: data_url(image, judge.openai.pictures).decode()))

    started = time.monotonic()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(one, records))
    return time.monotonic() - started


def main(latency: float = 0.1, in_flight: int = 64) -> None:
    """Print the figures. Leaves with 1 when a target is missed."""
    command = [sys.executable, vlm_openai.__file__, "--serve", str(latency), ANSWER]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        url = f"http://127.0.0.1:{int(server.stdout.readline())}/v1"
        own = {"model": "still", "base_url": url, "concurrency": in_flight}
        judge = JudgeSettings(name="still", engine="openai", openai=own, mode="holistic", reasoning_calls=1, batch_size=1024)
        with TemporaryDirectory() as temporary:
            folder = Path(temporary)
            made = tables(folder)
            first, again, peer = scored(folder, "first", made, judge), scored(folder, "again", made, judge), plain(made, judge, in_flight)
    finally:
        server.kill()
    calls = 3 * SAMPLES + REASONING
    ideal = calls * latency / in_flight
    targets = Targets()
    targets.show(
        f"ideal of {ideal:.1f} s / judge stage, {calls:,} calls, {os.cpu_count()} cores for client and server", ideal / first, at_least=0.9
    )
    targets.show("scored again from the cache", again, "s", at_most=10)
    targets.show("the public scorer's structure / judge stage, seconds", peer / first, at_least=1.0)
    targets.end()


if __name__ == "__main__":
    seconds, *counts = sys.argv[1:3] or ["0.1"]
    main(float(seconds), *map(int, counts))
