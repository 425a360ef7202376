"""The model that a training starts from, and the frozen copy that D2PO refers to."""

from typing import TYPE_CHECKING, Any

from unicedit.training.cpu import quicken
from unicedit.training.zero import join_processes
from unicedit.verifier.load import load_verifier

if TYPE_CHECKING:
    from unicedit.training.job import TrainingJob


def prepared_model(job: "TrainingJob", dtype: Any) -> tuple[Any, Any]:
    """The base model of a job, with what it trains marked so, and its processor. Weights that the base lacks (a new residual's) follow from the seed."""
    import torch
    from transformers import set_seed

    verifier = job.verifier
    if not torch.cuda.is_available():
        quicken()
    if job.launch.zero:
        join_processes(gpu=torch.cuda.is_available())
    set_seed(job.settings.seed)
    model, processor = load_verifier(
        verifier.base,
        differential=verifier.differential,
        revision=verifier.revision,
        dtype=dtype,
        form=verifier.form,
        max_pixels=verifier.max_pixels,
    )
    if job.settings.freeze_vision:
        model.model.visual.requires_grad_(False)
    return model, processor


def frozen_copy(job: "TrainingJob", dtype: Any) -> Any:
    """The same model again, not to be trained."""
    model, _ = prepared_model(job, dtype)
    return model.requires_grad_(False)
