"""The public prompts of UnicBench, read from their file, which is never run: figures beside the paper's are made with its own words.

They are fetched at a pinned commit (`make fetch-benchmark`) and never part of this repository.
"""

import ast
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from unicedit.benchmark.schema import IF, NC, RA, VQ
from unicedit.errors import PipelineError

NAMES = {IF: "_prompts_if", NC: "_prompts_nc", VQ: "_prompts_vq", RA: "_prompts_ra"}
PLACE = Path("unicbench") / "prompts.py"  # in the cache folder
_INSTRUCTION, _POINTS = "<instruction>", "<reasoning_points>"


class PublicPromptsError(PipelineError):
    """The public prompts are not there, or not what they should be."""


def public_prompts(cache: Path) -> dict[str, str]:
    """The prompt of each metric, with its placeholders. Raises ``PublicPromptsError`` with the remedy."""
    path = cache / PLACE
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise PublicPromptsError(f"{path}: the public prompts are not here; `make fetch-benchmark` gets them") from None
    except (SyntaxError, ValueError, RecursionError) as error:
        raise PublicPromptsError(f"{path}: cannot be read ({type(error).__name__}); `make fetch-benchmark` gets it again") from error
    texts = {
        node.targets[0].id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
        if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    }
    found = {metric: texts.get(name, "") for metric, name in NAMES.items()}
    for metric, text in found.items():
        if _INSTRUCTION not in text or (metric == RA and _POINTS not in text):
            raise PublicPromptsError(f"{path}: no prompt {NAMES[metric]} with its placeholders; `make fetch-benchmark` gets it again")
    return found


def filled(prompts: Mapping[str, str], metric: str, instruction: str, points: Sequence[str]) -> str:
    """A metric's prompt as the public scorer fills it in."""
    text = prompts[metric].replace(_POINTS, json.dumps(list(points))) if metric == RA else prompts[metric]
    return text.replace(_INSTRUCTION, instruction)
