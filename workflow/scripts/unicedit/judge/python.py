"""A judge of one's own, in a Python file that is no part of this repository (docs/own-judge.md)."""

from collections.abc import Sequence
from numbers import Real

from unicedit.config.python import PythonSettings
from unicedit.judge.port import Question
from unicedit.judge.rubric import HIGHEST
from unicedit.map.compute import UnexpectedError
from unicedit.map.stage import Row, RowError
from unicedit.pictures import decoded
from unicedit.program.find import digest_of_program
from unicedit.program.load import Program
from unicedit.vlm.reply import clean

MAX_EXPLANATION = 1000  # characters that are kept


class PythonJudge:
    """Calls the program with one metric of one edit at a time. What it raises, and what it gives that is no score, is a failed row."""

    def __init__(self, settings: PythonSettings, name: str) -> None:
        self.name = settings.name
        self.program = Program(settings, ("source", "edit", "instruction", "metric", "reasoning_points"), f"judge {name}")
        self.snapshot = f"{settings.name}@{digest_of_program(settings)[:12]}"

    def judge(self, questions: Sequence[Question]) -> list[Row | RowError]:
        """The score of each question."""
        return [self._one(question) for question in questions]

    def _one(self, question: Question) -> Row | RowError:
        pictures = decoded(question.source), decoded(question.edit)
        try:
            given = self.program(*pictures, question.instruction, question.metric, list(question.points))
            score, explanation = scored(given, self.name)
        except RowError as error:
            return error
        return {"score": score, "explanation": explanation, "snapshot": self.snapshot, "attempt": 1}


def scored(given: object, name: str) -> tuple[float, str]:
    """Score and explanation in what a program gave. Raises ``RowError`` for anything but a number from 0 to 10 and a text."""
    if not isinstance(given, tuple | list) or len(given) != 2:
        raise UnexpectedError(f"no_score: {name} gave {type(given).__name__}, and a pair (score, explanation) is wanted")
    score, explanation = given
    if isinstance(score, bool) or not isinstance(score, Real):
        raise UnexpectedError(f"no_score: {name} gave {type(score).__name__} as score, and a number is wanted")
    number = float(score)
    if not 0 <= number <= HIGHEST:  # nor is NaN
        raise UnexpectedError(f"no_score: {name} gave {number:g}, and a score is from 0 to {HIGHEST:g}")
    if not isinstance(explanation, str):
        raise UnexpectedError(f"no_score: {name} gave {type(explanation).__name__} as explanation, and a text is wanted")
    return number, clean(explanation)[:MAX_EXPLANATION]
