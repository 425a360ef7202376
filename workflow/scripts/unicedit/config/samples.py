"""Settings of the verifier's training samples."""

from typing import Literal, Self

from pydantic import Field, model_validator

from unicedit.config.ingest import EncodingSettings
from unicedit.config.section import Section


class KindCounts(Section):
    """How many samples of each kind; over the 22 sub-tasks evenly."""

    normal: int = Field(0, ge=0, le=1_000_000, description="Good edits whose instruction says what they did.")
    no_edit: int = Field(0, ge=0, le=1_000_000, description="Pairs without a visible difference.")
    hallucination: int = Field(0, ge=0, le=1_000_000, description="Good edits whose instruction names another action or attribute.")
    failed: int = Field(
        0, ge=0, le=1_000_000, description="Edits spoilt in quality or with damage beside them. Ours; the paper trains on the other three."
    )

    @property
    def total(self) -> int:
        """Samples of all kinds."""
        return self.normal + self.no_edit + self.hallucination + self.failed


class KindShares(Section):
    """How often each kind is drawn, relative to the others."""

    normal: float = Field(1.0, ge=0, le=1000, description="Good edits whose instruction says what they did.")
    no_edit: float = Field(1.0, ge=0, le=1000, description="Pairs without a visible difference: a source and itself, disturbed.")
    hallucination: float = Field(1.0, ge=0, le=1000, description="Good edits whose instruction names another action or attribute.")

    @model_validator(mode="after")
    def _some(self) -> Self:
        if self.normal + self.no_edit + self.hallucination <= 0:
            raise ValueError("every share is 0: at least one kind must have a share above 0")
        return self


class DisturbanceShares(Section):
    """What a generator changes without being asked: a share of all samples of any kind, so that a disturbance tells nothing of the kind."""

    none: float = Field(0.1, ge=0, le=1000, description="Share without any.")
    flicker: float = Field(0.5, ge=0, le=1000, description="Share with noise and a slight shift of colour, as the simulated editors leave.")
    recompression: float = Field(0.2, ge=0, le=1000, description="Share stored once more as JPEG or WebP of quality 30 to 95.")
    shift: float = Field(0.2, ge=0, le=1000, description="Share moved by less than a pixel.")
    flicker_min: float = Field(1.0, gt=0, le=20, description="Weakest flicker, in grey levels.")
    flicker_max: float = Field(4.0, gt=0, le=20, description="Strongest flicker, in grey levels; the default editors have 2 and 3.")

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        if self.none + self.flicker + self.recompression + self.shift <= 0:
            raise ValueError("every share is 0: at least one must be above 0")
        if self.flicker_min > self.flicker_max:
            raise ValueError(f"flicker_min is {self.flicker_min:g} and flicker_max is {self.flicker_max:g}: min must be at most max")
        return self


class WorldSampleSettings(Section):
    """Samples of the simulated world (pictures 10,000 to 19,999 of it, which the library never shows), with answers from the truth."""

    sft: KindCounts = Field(
        default_factory=lambda: KindCounts(normal=1300, no_edit=1300),
        description="Training samples for SFT. Normal and No Edit, as in the paper; hallucinations here serve a control.",
    )
    d2po: KindCounts = Field(
        default_factory=lambda: KindCounts(normal=256, no_edit=256, hallucination=256),
        description="Training pairs for D2PO, over all three kinds as in the paper, of pictures that SFT does not see.",
    )
    validation: KindCounts = Field(
        default_factory=lambda: KindCounts(normal=150, no_edit=150, hallucination=150),
        description="Samples on which settings and thresholds are chosen.",
    )
    test: KindCounts = Field(
        default_factory=lambda: KindCounts(normal=300, no_edit=300, hallucination=300),
        description="Samples on which Table 5 is measured; only these may hold held-out compositions.",
    )
    per_picture: int = Field(
        4, ge=1, le=12, description="Samples that share a source picture: sources are drawn once for all of them, which halves the time."
    )


class RunSampleSettings(Section):
    """Samples of a run's own pictures and edits, with answers from a teacher: a larger verifier's table of the same edits."""

    teacher: str | None = Field(
        None,
        description="Folder of verify tables (`results/verify` of a run with a larger verifier), a file a shard. Needed for source `run`.",
    )
    share: float = Field(1.0, gt=0, le=1, description="Share of the run's edits that become samples, drawn by key.")
    validation: float = Field(0.05, ge=0, lt=1, description="Share of the groups of near duplicates that validate.")
    test: float = Field(0.05, ge=0, lt=1, description="Share of the groups of near duplicates that test.")
    d2po: float = Field(0.1, ge=0, le=1, description="Share of the training samples that are preference pairs; the paper has a tenth.")
    sft_shares: KindShares = Field(
        default_factory=lambda: KindShares(hallucination=0.0), description="Kinds of SFT samples; no hallucinations, as in the paper."
    )
    pair_shares: KindShares = Field(default_factory=KindShares, description="Kinds of preference pairs, validation and test samples.")
    failed: bool = Field(
        False, description="Whether edits that the teacher calls invalid although something changed become samples of kind `failed`."
    )
    engine: Literal["simulated"] = Field(
        "simulated",
        description="Who writes mistaken instructions: `simulated` knows the simulated world. Real language models come through the same port.",
    )
    attempts: int = Field(
        3, ge=1, le=10, description="Times a mistaken instruction is asked for until the reply fits; then its row is recorded as failed."
    )

    @model_validator(mode="after")
    def _leaves_training(self) -> Self:
        if self.validation + self.test >= 1:
            raise ValueError(
                f"validation + test is {self.validation + self.test:g}: less than 1 is allowed, or nothing is left to train on"
            )
        return self


class SamplesSettings(Section):
    """The verifier's training samples: pairs of pictures, the instruction shown, and what is true (paper section on Qwen-Verify)."""

    source: Literal["world", "run"] = Field(
        "world",
        description="`world`: drawn in the simulated world, with the truth as answers. `run`: this run's own edits, with a teacher's answers.",
    )
    world: WorldSampleSettings = Field(default_factory=WorldSampleSettings, description="Settings of the source `world`.")
    run: RunSampleSettings = Field(default_factory=RunSampleSettings, description="Settings of the source `run`.")
    disturbances: DisturbanceShares = Field(
        default_factory=DisturbanceShares, description="What differs between source and edit without being an edit."
    )
    seed: int = Field(1, ge=0, le=2**31 - 1, description="Seed of which pictures, edits and disturbances are drawn.")
    part_size: int = Field(
        500, ge=20, le=100_000, description="Samples a part, the unit of work of the source `world`; 500 take a core about twenty seconds."
    )
    review: str | None = Field(
        None,
        description="Review file written by `make review-settle` or `review_samples.py import` (JSON lines): what people rejected leaves the training data, what they "
        "corrected goes in corrected. Null: no one has looked, and the training data says so in every row.",
    )
    encoding: EncodingSettings = Field(
        default_factory=EncodingSettings, description="How the pictures are stored; a default run takes about 1.4 GB as PNG."
    )
    batch_size: int = Field(16, ge=1, le=4096, description="Samples made together. Decides no value, only speed and memory.")

    @model_validator(mode="after")
    def _has_a_teacher(self) -> Self:
        if self.source == "run" and not self.run.teacher:
            raise ValueError("run.teacher: source `run` needs the folder of a teacher's verify tables")
        return self
