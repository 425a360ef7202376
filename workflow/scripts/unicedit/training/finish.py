"""The trained model as a folder that ``load_verifier`` reads: adapters merged, weights gathered, safetensors."""

import shutil
from typing import TYPE_CHECKING, Any

from unicedit.training.arguments import saved_dtype
from unicedit.verifier.load import load_verifier, save_verifier

if TYPE_CHECKING:
    from unicedit.training.job import TrainingJob


def save_trained(trainer: Any, job: "TrainingJob") -> None:
    """Save a trainer's model as ``model`` in the job's folder. Every process of the training calls it: ZeRO-3 gathers the weights from all."""
    from unicedit.training.job import MODEL

    raw, whole = job.folder / "trained", job.folder / f"{MODEL}.part"
    trainer.save_model(str(raw))
    if not trainer.is_world_process_zero():
        return
    for old in (whole, job.folder / MODEL):
        shutil.rmtree(old, ignore_errors=True)
    save_verifier(*_whole(job, raw), whole)
    whole.rename(job.folder / MODEL)
    shutil.rmtree(raw)


def _whole(job: "TrainingJob", raw: Any) -> tuple[Any, Any]:
    from unicedit.training.model import prepared_model

    if job.launch.zero:
        from transformers.integrations.deepspeed import unset_hf_deepspeed_config

        unset_hf_deepspeed_config()  # or the model would be loaded in shares, with processes that have left
    dtype = saved_dtype(job.settings)
    verifier = job.verifier
    if job.settings.lora is None:
        return load_verifier(str(raw), differential=verifier.differential, dtype=dtype, form=verifier.form, max_pixels=verifier.max_pixels)
    from peft import PeftModel

    base, processor = prepared_model(job, dtype)
    return PeftModel.from_pretrained(base, str(raw)).merge_and_unload(), processor
