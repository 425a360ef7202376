"""Taking up the weights of a checkpoint, all of them."""

from typing import Any

from accelerate.utils import is_peft_model  # type: ignore[import-untyped]

from unicedit.verifier.load import load_verifier


class ResumesWhole:
    """A trainer that goes on from a checkpoint's weights, whatever they are called there; put before the trainer's class.

    transformers' Trainer (5.19) reads the file as it is, but a Qwen-VL model is saved under the names of published checkpoints: its weights would not be found,
    and the training would go on from the base model, with no more than a warning.
    """

    model: Any

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        if is_peft_model(self.model):  # adapters are saved under the names that modules have
            super()._load_from_checkpoint(resume_from_checkpoint, model)  # type: ignore[misc]
            return
        differential = self.model.config.verifier["differential"]
        stored, _ = load_verifier(resume_from_checkpoint, differential=differential, dtype=self.model.dtype)
        self.model.load_state_dict(stored.state_dict())
