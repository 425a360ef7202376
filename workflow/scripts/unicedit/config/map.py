"""Settings of the resumable map. None of them decides a value, so none of them invalidates anything."""

from typing import Literal

from pydantic import Field, field_validator

from unicedit.config.section import Section


class MapSettings(Section):
    """How rows are computed, journalled and retried, the same for every stage."""

    workers: int = Field(
        0,
        ge=0,
        le=64,
        description="Processes a job computes in; 0 computes in the job's own process, which starts fastest. Give one a GPU where an engine needs one.",
    )
    stage_workers: dict[Literal["ingest", "lookalikes", "prefilter", "instruct", "propose", "edit", "verify", "samples"], int] = Field(
        default_factory=dict,
        description="The same for single stages, in place of `workers`: `{edit: 8}` has eight editors share a node of eight GPUs, while a model that takes four "
        "GPUs together stays in one process.",
    )
    segment_mb: int = Field(
        64, ge=1, le=4096, description="Megabytes after which a journal segment is closed; small enough to be written in a second."
    )
    segment_seconds: float = Field(
        60, gt=0, le=3600, description="Seconds after which a journal segment is closed and flushed to the disk for good."
    )
    prefetch: int = Field(
        2, ge=1, le=64, description="Batches read ahead while others are computed; two hide the reading without holding much memory."
    )
    retries: int = Field(
        1, ge=0, le=10, description="Further tries of a row whose computation raised, before it is recorded as failed; one covers a hiccup."
    )
    stop_after_failures: int = Field(
        50,
        ge=1,
        description="If this many rows raise before any succeeds, the job stops with the error: then the engine is broken, not the rows.",
    )
    lease_seconds: float = Field(
        60,
        ge=1,
        le=3600,
        description="A job whose heartbeat stands still for this many seconds counts as dead, and its shard may be taken over by another.",
    )

    @field_validator("stage_workers")
    @classmethod
    def _few(cls, workers: dict[str, int]) -> dict[str, int]:
        if wrong := {stage: number for stage, number in workers.items() if not 0 <= number <= 64}:
            raise ValueError(f"{wrong}: 0 to 64 processes are allowed")
        return workers

    def workers_of(self, stage: str) -> int:
        """Processes that a job of a stage computes in."""
        return next((number for name, number in self.stage_workers.items() if name == stage), self.workers)
