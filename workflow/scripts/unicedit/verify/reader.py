"""Verification by a vision-language model that reads both pictures."""

from collections.abc import Sequence
from pathlib import Path

from unicedit.map.stage import Row, RowError
from unicedit.schema import OK, REJECTED
from unicedit.verify.port import Case
from unicedit.verify.reply import VerifyReply, parse_reply
from unicedit.vlm.ask import Answer, ask
from unicedit.vlm.port import VlmEngine, VlmRequest
from unicedit.vlm.template import render

_TEMPLATE = Path(__file__).with_name("prompt.jinja")


class ReadingVerifier:
    """Asks ``engine`` about each edit, ``attempts`` times at most; a reply that says nothing valid changed rejects the edit."""

    def __init__(self, engine: VlmEngine, attempts: int) -> None:
        self.engine = engine
        self.attempts = attempts

    def verify(self, cases: Sequence[Case]) -> list[Row | RowError]:
        """The verdict of each case."""
        answers = ask(self.engine, [_request(case) for case in cases], lambda _, text: parse_reply(text), self.attempts)
        return [_row(answer) if isinstance(answer, Answer) else answer for answer in answers]


def _request(case: Case) -> VlmRequest:
    details = {"instruction_en": case.instruction_en, "instruction_cn": case.instruction_cn}
    return VlmRequest(
        case.key,
        render(_TEMPLATE, **details),
        (case.source, case.edit),
        VerifyReply.model_json_schema(),
        details=details,
        provenance=case.provenance,
    )


def _row(answer: Answer[VerifyReply]) -> Row:
    verdict = answer.value
    return {
        "verifier": answer.reply.model,
        "source_caption": verdict.source_caption,
        "edit_caption": verdict.edit_caption,
        "differences": verdict.differences,
        "is_changed": verdict.is_changed,
        "prompt_en": verdict.instruction_en or None,
        "prompt_cn": verdict.instruction_cn or None,
        "status": OK if verdict.is_changed else REJECTED,
        "reason": None if verdict.is_changed else "no_change: the verifier saw no valid edit",
    }
