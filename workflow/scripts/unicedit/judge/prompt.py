"""The judge's questions, from the templates beside this file."""

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path

from unicedit.benchmark.schema import IF, NC, RA, VQ
from unicedit.files import digest_of
from unicedit.judge.rubric import RUBRICS
from unicedit.scoring.schema import METRICS
from unicedit.vlm.template import render

_FOLDER = Path(__file__).parent
_FILES = {IF: "if.jinja", NC: "nc.jinja", VQ: "vq.jinja", RA: "ra.jinja"}
_EXPECT, _ANSWER = "expect.jinja", "answer.jinja"


def prompt(metric: str, mode: str, instruction: str, points: Sequence[str] = (), expected: Sequence[str] = ()) -> str:
    """The question about one metric; ``points`` and ``expected`` (empty: to be worked out in the same call) for RA alone."""
    reasoned = {"points": list(points), "expected": list(expected)} if metric == RA else {}
    return render(_FOLDER / _FILES[metric], instruction=instruction, answer=_answer(metric, mode), **reasoned)


@functools.cache
def _answer(metric: str, mode: str) -> str:
    """How to answer: the same for every question about a metric."""
    return render(_FOLDER / _ANSWER, itemised=mode == "itemised", rubric=RUBRICS[metric]).strip()


def expect_prompt(instruction: str, points: Sequence[str]) -> str:
    """The question what a right edit shows."""
    return render(_FOLDER / _EXPECT, instruction=instruction, points=list(points))


def prompt_digests(mode: str, calls: int, public: Mapping[str, str] | None = None) -> dict[str, str]:
    """The digest of each metric's prompts, 12 hexadecimal digits: of their text, whatever is filled in. RA's covers both calls where there are two.

    ``public`` are the public prompts, where those are used.
    """
    if public is not None:
        return {metric: digest_of("public", text)[:12] for metric, text in public.items()}
    found = {}
    for metric in METRICS:
        expected = ["what is expected"] if metric == RA and calls == 2 else []
        texts = [prompt(metric, mode, "the instruction", ["a point"] if metric == RA else [], expected)]
        texts += [expect_prompt("the instruction", ["a point"])] if expected else []
        found[metric] = digest_of(texts)[:12]
    return found
