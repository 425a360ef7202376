"""Judging by a vision-language model that sees source, edit and instruction."""

from collections.abc import Mapping, Sequence

from unicedit.config.judge import JudgeSettings
from unicedit.judge.port import Question
from unicedit.judge.prompt import prompt
from unicedit.judge.public import filled
from unicedit.judge.reply import Score, parse_score, reply_schema
from unicedit.map.stage import Row, RowError
from unicedit.vlm.ask import Answer, ask
from unicedit.vlm.port import VlmEngine, VlmRequest
from unicedit.vlm.reply import raw


class ReadingJudge:
    """Asks ``engine`` about each metric of each edit; a reply that cannot be read in ``settings.attempts`` askings fails the row.

    ``public`` are the public prompts, for the mode of that name.
    """

    def __init__(self, engine: VlmEngine, settings: JudgeSettings, public: Mapping[str, str] | None = None) -> None:
        self.engine = engine
        self.settings = settings
        self.public = public

    def judge(self, questions: Sequence[Question]) -> list[Row | RowError]:
        """The score of each question."""
        mode = self.settings.mode
        metric_of = {question.key: question.metric for question in questions}
        requests = [self._request(question) for question in questions]
        answers = ask(self.engine, requests, lambda request, text: parse_score(text, metric_of[request.key], mode), self.settings.attempts)
        return [self._row(answer) if isinstance(answer, Answer) else answer for answer in answers]

    def _request(self, question: Question) -> VlmRequest:
        mode = self.settings.mode
        if self.public is not None:
            text = filled(self.public, question.metric, question.instruction, question.points)
        else:
            text = prompt(question.metric, mode, question.instruction, question.points, question.expected)
        return VlmRequest(
            question.key,
            text,
            (question.source, question.edit),
            reply_schema(question.metric, mode),
            provenance=question.provenance,
            repeat=question.repeat,
        )

    def _row(self, answer: Answer[Score]) -> Row:
        score = answer.value
        return {
            "score": score.score,
            "explanation": score.explanation,
            "violations": score.violations,
            **asked_columns(answer, self.settings),
        }


def asked_columns(answer: Answer, settings: JudgeSettings) -> Row:
    """How a reply came about, as the tables keep it."""
    usage = answer.reply.usage
    counts = [usage.get(name, 0) for name in ("in", "cached", "out")]
    return {
        "snapshot": answer.reply.model,
        "attempt": answer.attempt,
        "tokens_in": usage.get("in"),
        "tokens_out": usage.get("out"),
        "cost": settings.price.of(*counts) if settings.price else None,
        "raw": raw(answer.reply.text),
    }
