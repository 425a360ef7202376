"""KRIS-Bench's questions: visual consistency, visual quality of the edit alone, and instruction following, which in groups with knowledge gives its plausibility too.

That these two are one question, and which groups have both, is as its publishers do (metrics_knowledge.py, see config/benchmarks/kris.yaml); the wording is ours.
"""

import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated

from pydantic import Field

from unicedit.scoring.kris import IF, KNOWLEDGE, VC, VQ
from unicedit.viescore.port import Asked, Reply, Told
from unicedit.vlm.template import render

_TEMPLATES = {
    metric: Path(__file__).with_name(name) for metric, name in ((VC, "kris_vc.jinja"), (VQ, "kris_vq.jinja"), (IF, "kris_if.jinja"))
}
_REFERENCE = "viewpoint_change"  # the group whose judge is shown a right result; frames of the sequences are there too, and not shown
_Score = Annotated[int, Field(ge=1, le=5)]


class KrisConsistencyReply(Reply):
    """Visual consistency."""

    consistency: _Score


class KrisQualityReply(Reply):
    """Visual quality."""

    quality: _Score


class KrisInstructionReply(Reply):
    """Instruction following."""

    instruction: _Score


class KrisKnowledgeReply(KrisInstructionReply):
    """Instruction following and knowledge plausibility."""

    knowledge: _Score


@functools.cache
def questions(group: str) -> Mapping[str, Asked]:
    """The three questions about edits of a group."""
    knowledge = group in KNOWLEDGE
    reference = group == _REFERENCE

    def said(metric: str) -> Callable[[Told], str]:
        def text(told: Told) -> str:
            about = {"group": group, "instruction": told.instruction, "sources": told.sources}
            if metric == IF:
                about |= {"note": told.note, "reference": reference and told.reference, "knowledge": knowledge}
            return render(_TEMPLATES[metric], **(about if metric != VQ else {}))

        return text

    return {
        VC: Asked(said(VC), KrisConsistencyReply),
        VQ: Asked(said(VQ), KrisQualityReply, source=False),
        IF: Asked(said(IF), KrisKnowledgeReply if knowledge else KrisInstructionReply, reference=reference),
    }
