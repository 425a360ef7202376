"""Loading and saving verifiers: a folder or a pinned hub model that is at hand, safetensors only, no remote code.

What a verifier was trained for stands in its ``config.json`` under ``verifier`` (``differential``, ``reply``), so that a folder alone is enough to use it.
``none`` and ``image`` are stock checkpoints. A ``latent`` one has the stock weights and beside them ``model.differential.*``: stock transformers loads its
stock part and reports the rest as unexpected; stock vLLM refuses the architecture's name.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from unicedit.map.compute import EngineError
from unicedit.verifier.chat import Form

log = logging.getLogger(__name__)

Differential = Literal["none", "image", "latent"]
FAMILIES = ("qwen2_5_vl", "qwen3_vl")
_RESIDUAL = ".differential."


def light_transformers() -> Any:
    """transformers, which does not load scikit-learn: a form of decoding that no verifier uses would, three seconds of every job."""
    import transformers.utils

    transformers.utils.is_sklearn_available = lambda: False
    return transformers


def load_verifier(
    path: str,
    *,
    differential: Differential,
    revision: str | None = None,
    dtype: Any = "auto",
    device: str = "cpu",
    form: Form | None = None,
    max_pixels: int | None = None,
) -> tuple[Any, Any]:
    """The model (in eval mode, on ``device``) and its processor.

    ``dtype`` is a torch dtype or its name; ``auto`` takes the checkpoint's. ``form`` is what the reply is, recorded for saving; without it what the folder
    records stays. ``max_pixels`` bounds each picture, in pixels after resizing. Raises ``EngineError`` where there is no usable model.
    """
    transformers = light_transformers()
    config = _read(transformers.AutoConfig.from_pretrained, path, revision)
    family = _family(path, config)
    known = _record(config)
    if known.get("differential") == "latent" and differential != "latent":
        raise _dropped(path, differential)
    loader = transformers.AutoModelForImageTextToText
    if differential == "latent":
        from unicedit.verifier.latent import LATENT

        loader = LATENT[family]
    with _quiet():
        model, told = _read(loader.from_pretrained, path, revision, dtype=dtype, use_safetensors=True, output_loading_info=True)
    _check_weights(path, told, differential, trained=known.get("differential") == "latent")
    model.config.verifier = {**known, "differential": differential, **({"reply": form} if form else {})}
    return model.to(device).eval(), load_processor(path, revision=revision, max_pixels=max_pixels)


def load_processor(path: str, *, revision: str | None = None, max_pixels: int | None = None) -> Any:
    """A verifier's processor; it pads on the left, as generation needs. Raises ``EngineError`` where there is none."""
    transformers = light_transformers()
    from unicedit.verifier.processor import processor_class

    config = _read(transformers.AutoConfig.from_pretrained, path, revision)
    processor = _read(processor_class(_family(path, config)).from_pretrained, path, revision)
    tokenizer, spoken = processor.tokenizer, '{"is_changed": true}'
    knows = tokenizer.convert_tokens_to_ids("<|image_pad|>") == config.image_token_id and processor.chat_template
    if not knows or tokenizer.decode(tokenizer(spoken)["input_ids"]) != spoken:
        raise EngineError(f"{path}: its tokenizer or chat template is missing, or another model's; copy or download the whole folder again")
    tokenizer.padding_side = "left"
    if max_pixels is not None:
        size = dict(processor.image_processor.size)
        low = min(size["shortest_edge"], max_pixels)
        processor.image_processor.size = {"shortest_edge": low, "longest_edge": max_pixels}
    return processor


def save_verifier(model: Any, processor: Any, folder: Path | str) -> Path:
    """Save weights, configuration, tokenizer and processor as one folder that ``load_verifier`` and the ``Auto`` classes read; returns the folder."""
    target = Path(folder)
    with _quiet():
        model.save_pretrained(target)
        processor.save_pretrained(target)
    return target


def recorded(path: str, *, revision: str | None = None) -> tuple[Differential | None, Form | None]:
    """What a saved verifier was trained for: differential context and form of reply; None for what it does not say (a stock model)."""
    known = _record(_read(light_transformers().AutoConfig.from_pretrained, path, revision))
    return known.get("differential"), known.get("reply")


def _record(config: Any) -> dict[str, Any]:
    known = getattr(config, "verifier", None)
    return dict(known) if isinstance(known, Mapping) else {}


def _family(path: str, config: Any) -> str:
    if config.model_type not in FAMILIES:
        raise EngineError(f"{path}: a {config.model_type} model; a verifier is one of {', '.join(FAMILIES)}")
    return str(config.model_type)


def _read(reader: Any, path: str, revision: str | None, **options: Any) -> Any:
    """``reader`` on files that are at hand."""
    from safetensors import SafetensorError

    local = Path(path).exists()
    if not local and (revision is None or path.startswith((".", "/", "~"))):
        raise EngineError(f"{path}: no such model folder (a model of the hub needs its revision, and must be downloaded beforehand)")
    if local and not (Path(path) / "config.json").is_file():
        raise EngineError(f"{path}: no config.json in it, so no model; name the folder that holds config.json and model.safetensors")
    try:
        return reader(path, revision=None if local else revision, local_files_only=True, trust_remote_code=False, **options)
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        if "out of memory" in str(error).lower():
            raise
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise EngineError(
            f"{path}: cannot be loaded ({first[:300]}); copy or download the whole folder again, with its safetensors weights"
        ) from error


def _dropped(path: str, asked: str) -> EngineError:
    return EngineError(f"{path}: trained with differential: latent; {asked!r} would drop its residual: set verifier.differential to latent")


def _check_weights(path: str, told: Mapping[str, Any], differential: Differential, trained: bool) -> None:
    """A checkpoint must hold every weight; a stock one, from which a residual starts at zero, every weight but the residual's."""
    if differential != "latent" and any(_RESIDUAL in name for name in told["unexpected_keys"]):
        raise _dropped(path, differential)
    missing = sorted(told["missing_keys"])
    residual = [name for name in missing if _RESIDUAL in name]
    whole = differential == "latent" and not trained and len(residual) == 6
    if lacking := [name for name in missing if not (whole and name in residual)]:
        raise EngineError(f"{path}: {len(lacking)} weights are missing, such as {lacking[0]}; the folder is incomplete or of another model")


@contextmanager
def _quiet() -> Iterator[None]:
    """Without transformers' bars and its load report: what matters in it is checked here."""
    from transformers.utils import logging as theirs

    level, bars = theirs.get_verbosity(), theirs.is_progress_bar_enabled()
    theirs.set_verbosity_error()
    theirs.disable_progress_bar()
    try:
        yield
    finally:
        theirs.set_verbosity(level)
        if bars:
            theirs.enable_progress_bar()
