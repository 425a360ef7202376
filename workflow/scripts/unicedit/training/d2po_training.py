"""D2PO of a job: rows, policy, frozen reference, trainer."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from trl.trainer.dpo_config import DPOConfig

from unicedit.config.d2po import D2poSettings
from unicedit.training.arguments import adapters, common_arguments, losses, weights_dtype
from unicedit.training.collate import PreferenceCollator, Prepared
from unicedit.training.cpu import takes_one_frame
from unicedit.training.d2po import D2POTrainer
from unicedit.training.model import frozen_copy, prepared_model
from unicedit.training.order import order, updates
from unicedit.training.rows import preference_rows

if TYPE_CHECKING:
    from unicedit.training.job import TrainingJob


def d2po_trainer(job: "TrainingJob", callbacks: Sequence[Any] = ()) -> tuple[D2POTrainer, int]:
    """The trainer, ready to train a job, and the number of rows it trains on. Raises ``PipelineError`` for unusable data, ``EngineError`` for an unusable base model."""
    settings, launch, verifier = job.settings, job.launch, job.verifier
    assert isinstance(settings, D2poSettings)
    rows = preference_rows(
        job.data, verifier.form, verifier.differential, wordings=settings.wordings, ranked=settings.ranked, unchanged=settings.unchanged,
        withheld=settings.withheld, cache=job.folder / "rows",
    )  # fmt: skip
    steps = updates(len(rows.keys), settings.batch_size, settings.steps, settings.epochs)
    numbers = order(rows.shapes, rows.lengths, settings.batch_size, steps, settings.seed)
    # before the models: under ZeRO-3 they decide how weights are loaded
    arguments = DPOConfig(
        **common_arguments(settings, launch, job.folder, steps),
        beta=settings.beta,
        label_smoothing=settings.label_smoothing,
        **losses(settings.losses),
    )
    dtype = weights_dtype(settings, launch)
    model, processor = prepared_model(job, dtype)
    trainer = D2POTrainer(
        model,
        None if settings.lora else frozen_copy(job, dtype),
        data_collator=PreferenceCollator(
            Prepared(processor, verifier.differential, launch.keep_mb, single=takes_one_frame(model)), once=True
        ),
        args=arguments,
        train_dataset=rows.dataset.select(numbers),
        processing_class=processor,
        peft_config=adapters(settings.lora, verifier.differential),
        callbacks=list(callbacks),
    )
    if launch.cached_reference:
        trainer.keep_reference(rows, job.folder / "reference.safetensors", arguments.per_device_train_batch_size)
    return trainer, len(rows.keys)
