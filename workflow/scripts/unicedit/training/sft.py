"""Supervised fine-tuning through trl: the reply's cross-entropy, given pictures and question."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from trl.trainer.sft_config import SFTConfig
from trl.trainer.sft_trainer import SFTTrainer

from unicedit.config.sft import SftSettings
from unicedit.training.arguments import adapters, common_arguments, weights_dtype
from unicedit.training.collate import Prepared, SftCollator
from unicedit.training.cpu import takes_one_frame
from unicedit.training.model import prepared_model
from unicedit.training.order import order, updates
from unicedit.training.resume import ResumesWhole
from unicedit.training.rows import sft_rows

if TYPE_CHECKING:
    from unicedit.training.job import TrainingJob


class VerifierSFTTrainer(ResumesWhole, SFTTrainer):
    """trl's trainer, resumed whole, whose loss is the mean over all reply tokens of an update.

    transformers says of Qwen-VL models that they take no count of those tokens. trl's loss does; without it, it would be a mean of means over the parts of an
    update, and how many devices there are would decide the weights.
    """

    model_accepts_loss_kwargs: bool

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.model_accepts_loss_kwargs = True


def sft_trainer(job: "TrainingJob", callbacks: Sequence[Any] = ()) -> tuple[SFTTrainer, int]:
    """The trainer, ready to train a job, and the number of rows it trains on. Raises ``PipelineError`` for unusable data, ``EngineError`` for an unusable base model."""
    settings, launch, verifier = job.settings, job.launch, job.verifier
    assert isinstance(settings, SftSettings)
    rows = sft_rows(job.data, settings.kinds, verifier.form, verifier.differential, withheld=settings.withheld, cache=job.folder / "rows")
    steps = updates(len(rows.keys), settings.batch_size, settings.steps, settings.epochs)
    numbers = order(rows.shapes, rows.lengths, settings.batch_size, steps, settings.seed)
    # before the model: under ZeRO-3 they decide how its weights are loaded
    arguments = SFTConfig(**common_arguments(settings, launch, job.folder, steps), completion_only_loss=True)
    model, processor = prepared_model(job, weights_dtype(settings, launch))
    trainer = VerifierSFTTrainer(
        model=model,
        args=arguments,
        data_collator=SftCollator(Prepared(processor, verifier.differential, launch.keep_mb, single=takes_one_frame(model))),
        train_dataset=rows.dataset.select(numbers),
        processing_class=processor,
        peft_config=adapters(settings.lora, verifier.differential),
        callbacks=list(callbacks),
    )
    return trainer, len(rows.keys)
