"""The base model's training from start to end: pictures, tokenizer, seeing, saying; checkpoints between, from which it goes on."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from transformers import AutoTokenizer, Qwen2_5_VLForConditionalGeneration
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from unicedit.base.clock import clock_of
from unicedit.base.feed import Feed
from unicedit.base.heads import Heads
from unicedit.base.looking import begin_looking, looking_back
from unicedit.base.model import HIDDEN, ROPE, SECTIONS, fresh, save, tokens_of
from unicedit.base.pictures import MAX_PIXELS, MERGE, MIN_PIXELS, PATCH, Album
from unicedit.base.saying import GROUPS as SCENES
from unicedit.base.saying import QUESTIONS, TOKEN_SCALE, say
from unicedit.base.scenes import numbers
from unicedit.base.seeing import Progress, see, started
from unicedit.base.tokenizer import TEMPLATE, corpus, tokenizer
from unicedit.errors import PipelineError
from unicedit.verifier.processor import processor_class
from unicedit.world.splits import Split

LOG = "training_log.json"  # beside a published model
EVERY = 180.0  # seconds between checkpoints
GROUPS: dict[Split, int] = {"train": 6_000, "validation": 120, "test": 160}


@dataclass(slots=True)
class Log:
    """What was trained so far, in minutes and steps of each stage; goes into the checkpoint."""

    seed: int
    groups: int
    minutes: dict[str, float]
    steps: dict[str, int]
    device: str = "a CPU"  # of the latest training, as the scenes in a step of it
    scenes: int = SCENES


@dataclass(frozen=True, slots=True)
class Machine:
    """What a training runs on: ``scenes`` at once in a step of saying (``seen`` in one of seeing), ``workers`` processes that make lessons."""

    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    scenes: int = SCENES
    workers: int = 0

    @property
    def seen(self) -> int:
        """Three quarters of the scenes: close-ups come on top."""
        return max(1, self.scenes * 3 // 4)

    @property
    def name(self) -> str:
        """For people."""
        return "a CPU" if self.device.type == "cpu" else torch.cuda.get_device_name(self.device)


@dataclass(slots=True)
class Trainee:
    """The model with all that belongs to it."""

    model: Qwen2_5_VLForConditionalGeneration
    heads: Heads
    pairs: Heads
    processor: Any
    log: Log

    @property
    def tokenizer(self) -> Any:
        """The processor's tokenizer."""
        return self.processor.tokenizer

    def to(self, machine: Machine) -> None:
        """Bring it all to a machine's device, and note the machine in the log."""
        for module in (self.model, self.heads, self.pairs):
            module.to(machine.device)
        self.log.device, self.log.scenes = machine.name, machine.scenes

    def save(self, folder: Path) -> None:
        """A checkpoint to go on from: weights in float32, heads, log, tokenizer."""
        folder.mkdir(parents=True, exist_ok=True)
        partial = folder / "weights.partial"
        weights = {name: module.state_dict() for name, module in (("model", self.model), ("heads", self.heads), ("pairs", self.pairs))}
        torch.save({**weights, "rope": _rope()}, partial)
        partial.replace(folder / "weights.pt")
        (folder / "log.json").write_text(json.dumps(asdict(self.log), indent=1))
        self.tokenizer.save_pretrained(folder / "tokenizer")

    def publish(self, folder: Path) -> None:
        """The model as others load it, and what was trained, from which a later training goes on."""
        save(self.model, self.processor, folder)
        (folder / LOG).write_text(json.dumps(asdict(self.log), indent=1) + "\n")


def processor_around(made: Any) -> Any:
    """The stock processor with the base model's picture sizes, for a tokenizer."""
    pictures = Qwen2VLImageProcessorPil(
        patch_size=PATCH, merge_size=MERGE, temporal_patch_size=2, size={"shortest_edge": MIN_PIXELS, "longest_edge": MAX_PIXELS}
    )
    return processor_class("qwen2_5_vl")(image_processor=pictures, tokenizer=made, chat_template=TEMPLATE)


def begin(seed: int, groups: int) -> Trainee:
    """A model that has learned nothing yet."""
    made = tokenizer(corpus())
    model = fresh(made, seed)
    return Trainee(model, Heads(HIDDEN), Heads(HIDDEN, compares=True), processor_around(made), Log(seed, groups, {}, {}))


def resume(folder: Path) -> Trainee:
    """Go on from a checkpoint, or from a published model, whose heads learn anew. ``PipelineError`` where there is neither."""
    if (folder / LOG).is_file():
        log = Log(**json.loads((folder / LOG).read_text()))
        model = Qwen2_5_VLForConditionalGeneration.from_pretrained(folder, dtype=torch.float32, use_safetensors=True)
        made = AutoTokenizer.from_pretrained(folder)
        return Trainee(model, Heads(HIDDEN), Heads(HIDDEN, compares=True), processor_around(made), log)
    if not (folder / "weights.pt").is_file():
        raise PipelineError(
            f"{folder}: no checkpoint of the base model in it; name a folder that tiny_base.py wrote, or leave --resume out"
        )
    log = Log(**json.loads((folder / "log.json").read_text()))
    made = AutoTokenizer.from_pretrained(folder / "tokenizer")
    kept = torch.load(folder / "weights.pt", weights_only=True, map_location="cpu")
    if kept.get("rope") != _rope():  # such weights would load, and say noise
        raise PipelineError(
            f"{folder}: a checkpoint trained with M-RoPE of {kept.get('rope', 'settings it does not tell')}, where this version has {_rope()}: "
            "begin anew without --resume, or go on from a published model"
        )
    model = fresh(made, log.seed)
    heads, pairs = Heads(HIDDEN), Heads(HIDDEN, compares=True)
    model.load_state_dict(kept["model"])
    heads.load_state_dict(kept["heads"], strict=False)
    if "pairs" in kept:
        pairs.load_state_dict(kept["pairs"], strict=False)
    return Trainee(model, heads, pairs, processor_around(made), log)


def _rope() -> list[float]:
    """M-RoPE's base and sections, which are in no weight."""
    return [ROPE, *SECTIONS]


def feed_of(folder: Path, split: Split, groups: int, seed: int = 0, workers: int = 0) -> Feed:
    """The split's pictures, drawn where they are not yet."""
    album = Album(folder, split)
    album.draw(numbers(split, seed), groups, workers)
    return Feed(album, groups)


class _Reporter:
    """Prints, and keeps a checkpoint, now and then."""

    def __init__(self, trainee: Trainee, folder: Path, stage: str) -> None:
        self.trainee, self.folder, self.stage = trainee, folder, stage
        self.clock = clock_of(trainee.model.device)
        self.start = self.last = self.said = self.clock()
        self.minutes = trainee.log.minutes.get(stage, 0.0)
        self.steps = trainee.log.steps.get(stage, 0)

    def __call__(self, progress: Progress) -> None:
        now = self.clock()
        log = self.trainee.log
        log.minutes[self.stage] = round(self.minutes + (now - self.start) / 60, 2)
        log.steps[self.stage] = self.steps + progress.step
        if now - self.said > 20:
            self.said = now
            print(
                f"{self.stage}: step {progress.step}, {progress.share:.0%} of the time, loss {progress.loss:.3f}, comparing {progress.apart:.3f}",
                flush=True,
            )
        if now - self.last > EVERY:
            self.last = now
            self.trainee.save(self.folder)


def teach_seeing(trainee: Trainee, feed: Feed, minutes: float, folder: Path, machine: Machine) -> None:
    """The first stage."""
    tower, pictures = trainee.model.model.visual, trainee.processor.image_processor
    if not trainee.log.steps:
        started(tower, feed, pictures)
    see(
        tower, trainee.heads, feed, pictures, minutes, trainee.log.seed + trainee.log.steps.get("see", 0),
        groups=machine.seen, workers=machine.workers, report=_Reporter(trainee, folder, "see"),
    )  # fmt: skip
    _even_out(trainee, feed)
    trainee.save(folder)


@torch.no_grad()  # type: ignore[untyped-decorator]
def _even_out(trainee: Trainee, feed: Feed) -> None:
    """Bring picture tokens to the scale of words: the heads do not mind, for they norm them."""
    tower, batch = trainee.model.model.visual, [next(iter(feed.by_size.values()))[0]]
    tokens = tokens_of(tower, feed.pictures(batch), trainee.processor.image_processor)
    last = tower.merger.mlp[2]
    factor = TOKEN_SCALE / tokens.pow(2).mean().sqrt()
    last.weight.mul_(factor)
    last.bias.mul_(factor)


def teach_saying(trainee: Trainee, feed: Feed, minutes: float, folder: Path, machine: Machine, frozen: bool) -> None:
    """The second stage; ``frozen`` leaves the tower as it is."""
    stage = "say, tower frozen" if frozen else "say"
    if not any(name.startswith("say") for name in trainee.log.steps):
        looking_back(trainee.model)
        begin_looking(trainee.model)
    say(
        trainee.model, trainee.heads, trainee.pairs, feed, trainee.processor.image_processor, trainee.tokenizer, minutes,
        trainee.log.seed + trainee.log.steps.get(stage, 0), groups=machine.scenes, frozen=frozen, workers=machine.workers,
        questions=0.0 if stage in trainee.log.steps else QUESTIONS,  # what goes on has had them
        report=_Reporter(trainee, folder, stage),
    )  # fmt: skip
    trainee.save(folder)
