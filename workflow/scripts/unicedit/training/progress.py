"""How far a training is, for the monitor: a progress record whose rows are the samples of finished updates."""

from pathlib import Path
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from unicedit.map.progress import Progress


class TrainingProgress(TrainerCallback):  # type: ignore[misc]
    """Writes the record, of the first process alone. ``batch``: samples an update."""

    def __init__(self, path: Path, stage: str, batch: int) -> None:
        self.path, self.stage, self.batch = path, stage, batch
        self.resumed = 0
        self.progress: Progress | None = None

    def _counts(self, state: TrainerState) -> dict[str, int]:
        total, done = (steps * self.batch for steps in (state.max_steps, state.global_step))
        return {"total": total, "done": done, "computed": done - self.resumed, "resumed": self.resumed}

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        if state.is_world_process_zero:
            self.progress = Progress(self.path, self.stage, self.path.stem)
            self.resumed = state.global_step * self.batch
            self.progress.update(self._counts(state), force=True)

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        if self.progress is not None:
            self.progress.update(self._counts(state))

    def on_train_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        if self.progress is not None:
            self.progress.finish(self._counts(state))
