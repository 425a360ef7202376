"""The questions for SC and PQ, from the templates beside this file."""

from pathlib import Path

from unicedit.scoring.viescore import PQ, SC
from unicedit.vlm.template import render

_TEMPLATES = {SC: Path(__file__).with_name("sc.jinja"), PQ: Path(__file__).with_name("pq.jinja")}


def prompt(metric: str, instruction: str) -> str:
    """The question about SC, which needs the instruction, or PQ, which does not."""
    return render(_TEMPLATES[metric], **({"instruction": instruction} if metric == SC else {}))
