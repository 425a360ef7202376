"""Scoring where no exact truth is known: a judge, through the vision-language model port, grades how well a reply agrees with the pictures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from unicedit.evaluation.score import Score
from unicedit.map.stage import RowError
from unicedit.vlm.ask import Answer, ask
from unicedit.vlm.port import VlmEngine, VlmRequest
from unicedit.vlm.reply import Line, parse
from unicedit.vlm.template import render
from unicedit.world.words import CN, EN

_TEMPLATE = Path(__file__).with_name("judge.jinja")


class Grade(BaseModel):
    """What the judge answers: why, and how well the reply agrees, 0 to 10."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reason: Line
    agreement: Annotated[int, Field(ge=0, le=10)]


@dataclass(frozen=True, slots=True)
class Judge:
    """``engine`` is asked ``attempts`` times at most for a grade that fits."""

    engine: VlmEngine
    attempts: int = 3

    def grade(self, samples: Sequence[Mapping[str, Any]], scores: Sequence[Score]) -> list[Answer[Grade] | RowError]:
        """A grade a sample, in order; a ``RowError`` where no reply of the judge fitted: never a zero, never a guess."""
        requests = [_request(sample, score) for sample, score in zip(samples, scores, strict=True)]
        return ask(self.engine, requests, lambda _, text: parse(text, Grade), self.attempts)


def _request(sample: Mapping[str, Any], score: Score) -> VlmRequest:
    details = {
        "given_en": sample["given_en"],
        "given_cn": sample["given_cn"],
        "true_en": sample["true_en"],
        "true_changed": sample["is_changed"],
        "said_changed": score.is_changed,
        "said_en": score.said.get(EN, ""),
        "said_cn": score.said.get(CN, ""),
    }
    images = (sample["source_image"], sample["edit_image"])
    return VlmRequest(sample["key"], render(_TEMPLATE, **details), images, Grade.model_json_schema(), details=details)
