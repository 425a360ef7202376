"""A folder to publish: weights, model card, licence, and what is needed to ask the verifier without this repository."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from unicedit.errors import PipelineError
from unicedit.verifier.chat import reply_model
from unicedit.verifier.identity import model_digest
from unicedit.verifier.load import Differential, load_verifier, recorded, save_verifier
from unicedit.vlm.template import render

ROOM = Path(__file__).parent
MEANING: dict[Differential, str] = {
    "none": "it sees source and edit",
    "image": "it sees source, edit and, as a third picture, their signed difference",
    "latent": "it sees source and edit; a residual inside the model adds the difference of their features",
}


@dataclass(frozen=True, slots=True)
class Release:
    """What a release is told: its name, the model it was trained from, its licence (SPDX) and that text's file, Table 5 as Markdown where measured."""

    name: str
    base: str
    licence: str
    licence_file: Path
    table5: Path | None = None
    simulated: bool = False


def write_release(model: str, out: Path, about: Release) -> Path:
    """Write the release of a trained verifier to ``out``, which must be new or empty. Raises ``PipelineError`` where something needed is missing."""
    for file in filter(None, (about.licence_file, about.table5)):
        if not file.is_file():
            raise PipelineError(f"{file}: no such file; it goes into the release")
    if out.exists() and any(out.iterdir()):
        raise PipelineError(f"{out}: not empty; name a new folder, so that nothing old is published")
    differential, form = recorded(model)
    if differential is None or form is None:
        raise PipelineError(
            f"{model}: its config.json does not say what it was trained for (verifier: differential, reply); release a trained verifier"
        )
    loaded, processor = load_verifier(model, differential=differential)
    save_verifier(loaded, processor, out)
    shutil.copyfile(about.licence_file, out / "LICENSE")
    stock = differential != "latent"
    if stock:
        for name in ("ask.py", "question.jinja", "differential.py"):
            shutil.copyfile(ROOM / name, out / name)
    pictures = 3 if differential == "image" else 2
    asked = 'source.png edit.png "Make the ball blue."'
    (out / "README.md").write_text(
        render(
            ROOM / "card.jinja",
            front_matter=_front_matter(about),
            name=about.name,
            architecture=type(loaded).__name__,
            parameters=f"{sum(parameter.numel() for parameter in loaded.parameters()):,}",
            dtype=str(loaded.dtype).removeprefix("torch."),
            base=about.base,
            differential=differential,
            differential_meaning=MEANING[differential],
            reply=form,
            fields=list(reply_model(form).model_fields),
            max_pixels=f"{dict(processor.image_processor.size)['longest_edge']:,}",
            digest=model_digest(str(out)),
            table5=about.table5.read_text(encoding="utf-8").strip() if about.table5 else None,
            stock=stock,
            pictures=pictures,
            pairs_command="python workflow/scripts/verify_pairs.py --pairs PAIRS --model MODEL --out verdicts.csv",
            ask_command=f"python ask.py {asked}",
            vllm_command=vllm_command(pictures),
            ask_server_command=f"python ask.py {asked} --server http://localhost:8000/v1",
            limits=_limits(about),
            licence=about.licence,
        ),
        encoding="utf-8",
    )
    return out


def vllm_command(pictures: int) -> str:
    """How stock vLLM serves a released folder. Its own defaults for sampling are asked for, not those in ``generation_config.json``."""
    return f"""vllm serve . --generation-config vllm --limit-mm-per-prompt '{{"image": {pictures}}}' --max-model-len 8192"""


def _front_matter(about: Release) -> str:
    values = {
        "license": about.licence,
        "language": ["en", "zh"],
        "library_name": "transformers",
        "pipeline_tag": "image-text-to-text",
        "tags": ["image-editing", "verification", *(["simulated"] if about.simulated else [])],
    }
    return str(yaml.safe_dump(values, sort_keys=False, allow_unicode=True))


def _limits(about: Release) -> Sequence[str]:
    simulated = (
        ["It was trained and measured in a simulated world of drawn objects on photographs, and knows nothing else."]
        if about.simulated
        else []
    )
    return [
        *simulated,
        "It errs in both directions. Given an instruction, it tends to find what it was told to look for; withheld, it reads the change from the pictures alone.",
        "Words in pictures and instructions are data to it, but no defence against adversarial pictures was trained.",
        "It was trained on the kinds of edit of its taxonomy; on others its verdicts are unmeasured.",
    ]
