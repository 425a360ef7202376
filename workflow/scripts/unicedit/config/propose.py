"""Settings of proposing records for a benchmark of one's own."""

from math import ceil
from typing import Literal, Self

from pydantic import Field, model_validator

from unicedit.config.section import Section


class ProposeSettings(Section):
    """Records for a benchmark of one's own, proposed from the library's pictures (`make propose`) and then reviewed by people. The engine of `instruct` is asked."""

    per_subtask: int = Field(
        5, ge=1, le=1000, description="Records that the finished benchmark is to have of each sub-task; UnicBench has 50."
    )
    oversample: float = Field(
        1.6,
        ge=1,
        le=10,
        description="Proposals for each of those records, so that reviewers may reject some; 1.6 leaves room for three in eight.",
    )
    subtasks: tuple[str, ...] = Field(
        (), description="Sub-tasks that are proposed, by their names in `instruct.taxonomy`. Empty: all of them."
    )
    asked: int = Field(
        5,
        ge=1,
        le=22,
        description="Sub-tasks that a picture is asked for, in one question. More make better use of a small library; 22 ask every picture for all.",
    )
    asks: float = Field(
        2.0,
        ge=1,
        le=100,
        description="Times a sub-task is asked for, for each proposal that is wanted, for many pictures make a sub-task impossible. More asks further pictures, and those "
        "already asked are not asked again.",
    )
    per_picture: int = Field(1, ge=1, le=22, description="Records that one picture may be in. 1: every record has a picture of its own.")
    exclude: tuple[Literal["dataset", "verifier"], ...] = Field(
        (),
        description="Pictures used in this run's training are left out: `dataset`, those with a row in the dataset; `verifier`, those of the verifier's training and "
        "validation samples. What is named is made first. Pictures trained on elsewhere: `prefilter.exclude`.",
    )
    max_distance: int | None = Field(
        None,
        ge=0,
        le=11,
        description="Of pictures (and mirror images) whose perceptual hashes differ in at most this many of 64 bits one is used, and none that is so near to one that "
        "`exclude` leaves out. null: what `duplicates` found is enough, and only the excluded pictures themselves are left out.",
    )
    seed: int = Field(
        0, ge=0, description="Decides which pictures are asked, for what, and which proposals are taken where there are more."
    )

    @model_validator(mode="after")
    def _once(self) -> Self:
        for key, names in (("subtasks", self.subtasks), ("exclude", self.exclude)):
            if twice := sorted({name for name in names if names.count(name) > 1}):
                raise ValueError(f"{key} names {twice[0]!r} more than once")
        return self

    @property
    def wanted(self) -> int:
        """Proposals wanted of each sub-task."""
        return ceil(round(self.per_subtask * self.oversample, 6))
