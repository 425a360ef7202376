"""Opening the models that are evaluated."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from unicedit.config.table5 import Table5Settings
from unicedit.config.verifier import VerifierSettings
from unicedit.verifier.chat import Form
from unicedit.verifier.load import Differential, load_verifier, recorded

if TYPE_CHECKING:
    from unicedit.verifier.reader import Reader


def sees(model: str, revision: str | None, settings: VerifierSettings) -> tuple[Differential, Form]:
    """What a model is shown and how it answers: as it was trained, or for a stock model as the settings say (without the residual, which it has not)."""
    differential, form = recorded(model, revision=revision)
    asked: Differential = "none" if settings.differential == "latent" else settings.differential
    return differential or asked, form or settings.reply


def open_reader(model: str, revision: str | None, verifier: VerifierSettings, settings: Table5Settings) -> "Reader":
    """A reader of the model, on a GPU where there is one: bfloat16 there, float32 on a CPU, where replies then do not depend on the batch."""
    import torch

    from unicedit.verifier.reader import Reader

    device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cpu":
        from unicedit.verifier import cpu_speed

        cpu_speed.enable()
    differential, form = sees(model, revision, verifier)
    dtype = "bfloat16" if device == "cuda" else "float32"
    loaded, processor = load_verifier(
        model, differential=differential, revision=revision, dtype=dtype, device=device, form=form, max_pixels=verifier.max_pixels
    )
    return Reader(loaded, processor, differential, form, settings.max_new_tokens, settings.batch_size)


def sections(values: Mapping[str, object]) -> tuple[VerifierSettings, Table5Settings]:
    """The sections that an evaluation reads, from a rule's settings."""
    return VerifierSettings.model_validate(values.get("verifier", {})), Table5Settings.model_validate(values.get("table5", {}))
