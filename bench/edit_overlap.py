"""The edit stage over a stand-in device of fixed latency: how busy each worker's device is while pictures are decoded, encoded and stored around it.

Issue 5 asks for 95% at least. Pictures of one megapixel, PNG in and out; the device sleeps, so that its time is no processor's. The latency is that of the
fastest model the paper counts with: a picture's decoding and encoding take 0.2 s of a processor.
"""

import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow" / "scripts"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

import numpy as np
from PIL import Image, ImageOps
from targets import Targets

from small_tables import key_of, run_stage, write_sources, write_table
from unicedit.config.edit import EditorSettings, EditSettings
from unicedit.edit.port import EditRequest
from unicedit.edit.stage import EditStage
from unicedit.map.stage import Compute
from unicedit.schema import INSTRUCT


def photograph(number: int) -> Image.Image:
    """A picture of one megapixel with the grain of a photograph."""
    source = np.random.default_rng(number)
    coarse = Image.fromarray(source.integers(0, 255, (32, 32, 3), dtype=np.uint8)).resize((1024, 1024), Image.Resampling.BICUBIC)
    return Image.fromarray((np.asarray(coarse) + source.normal(0, 4, (1024, 1024, 3))).clip(0, 255).astype(np.uint8))


class Device:
    """An editor whose edits take ``latency`` seconds each; it writes when it was busy."""

    def __init__(self, latency: float, log: Path) -> None:
        self.latency = latency
        self.log = log / f"{os.getpid()}.jsonl"

    def edit(self, requests: Sequence[EditRequest]) -> list[Image.Image]:
        """The pictures, mirrored."""
        edited = []
        for request in requests:
            begun = time.monotonic()
            edited.append(ImageOps.mirror(request.image))
            time.sleep(max(0.0, self.latency - (time.monotonic() - begun)))
            with self.log.open("a") as stream:
                stream.write(json.dumps([begun, time.monotonic()]) + "\n")
        return edited


class Bench(EditStage):
    """The edit stage with that editor."""

    latency = 0.0
    log = Path()

    def open(self) -> Compute:
        """As the edit stage does."""
        device = Device(self.latency, self.log)
        return lambda batch: self.compute({"device": device}.__getitem__, batch)


def busy(log: Path) -> list[float]:
    """The share of the time between its first edit and its last that each worker's device was busy."""
    shares = []
    for path in log.glob("*.jsonl"):
        spans = [json.loads(line) for line in path.read_text().splitlines()]
        shares.append(sum(end - begun for begun, end in spans) / (spans[-1][1] - spans[0][0]))
    return shares


def main(latency: float, pictures: int) -> None:
    """Print the figures. Leaves with 1 when a target is missed."""
    targets = Targets()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        ingest, _ = write_sources(folder, pictures, draw=photograph)
        instruct = folder / "instruct" / "00000.parquet"
        row = {"slot": 0, "subtask": "Style Transfer", "instruction_en": "Mirror it.", "instruction_cn": "镜像。"}
        rows = [{"key": f"{key_of(number)}-00", "image": key_of(number), **row} for number in range(pictures)]
        write_table(instruct, INSTRUCT, rows)
        for workers in (0, 2):
            own = folder / str(workers)
            own.mkdir()
            settings = EditSettings(editors=(EditorSettings(name="device"),), batch_size=2)
            stage = Bench(ingest, instruct, settings, {"device": "recipe"})
            stage.latency, stage.log = latency, own
            run_stage(stage, own, workers=workers)
            shares = busy(own)
            where = f"{workers} worker{'s' if workers > 1 else ''}" if workers else "the job's own process"
            what = f"device busy, least of {len(shares)} ({where}, {latency * 1e3:.0f} ms an edit, {pictures} pictures of 1 MP, {os.cpu_count()} cores)"
            targets.show(what, min(shares), at_least=0.95, digits=3)
    targets.end()


if __name__ == "__main__":
    latency, pictures = [*sys.argv[1:], *("1.35", "24")[len(sys.argv) - 1 :]][:2]
    main(float(latency), int(pictures))
