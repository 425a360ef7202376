"""The second reading: the change is read from the pictures alone, by the base model, and then both readings are weighed.

A verifier that is given the instruction learns to copy it. The base model, which never was, reads with the instruction withheld. Both replies are
candidates y, and the one with the larger

    log p(y | pictures, instruction) + weight * log p_base(y | pictures)

is the answer.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from unicedit.verifier.reader import Pair, Reader, Reading


@dataclass(frozen=True, slots=True)
class Weighed:
    """A candidate under both models: ``margin`` (of ``is_changed``) and ``log_probability`` are joint ones."""

    text: str
    margin: float | None
    log_probability: float | None = None  # None where there was nothing to weigh


class BlindReader:
    """Reads with the base model, the instruction withheld, and weighs its replies against informed ones."""

    def __init__(self, informed: Reader, base: Reader, weight: float) -> None:
        self.informed = informed
        self.base = base
        self.weight = weight

    def read(self, pairs: Sequence[Pair]) -> list[Reading]:
        """The blind reading of each pair of a batch."""
        return self.base.generate(self.base.inputs([replace(pair, instruction=None) for pair in pairs]))

    def weigh(self, pairs: Sequence[Pair], candidates: Sequence[Sequence[Reading]], fits: Callable[[str], bool]) -> list[Weighed | None]:
        """The best candidate that ``fits`` for each pair of a batch, None where none does. ``candidates`` are the informed and the blind reading;
        where both say the same there is nothing to weigh.
        """
        best: list[Weighed | None] = [None] * len(pairs)
        asked: list[tuple[int, str]] = []
        for number, readings in enumerate(candidates):
            texts = list(dict.fromkeys(reading.text for reading in readings if fits(reading.text)))
            if len(readings) == 2 and readings[0].text == readings[1].text and texts:
                best[number] = Weighed(texts[0], self._joint(readings[0].margin, readings[1].margin))
            else:
                asked += [(number, text) for text in texts]
        for start in range(0, len(asked), self.informed.batch_size):
            part = asked[start : start + self.informed.batch_size]
            for (number, _), weighed in zip(
                part, self._score([pairs[number] for number, _ in part], [text for _, text in part]), strict=True
            ):
                known = best[number]
                if known is None or _above(weighed, known):
                    best[number] = weighed
        return best

    def _score(self, pairs: Sequence[Pair], texts: Sequence[str]) -> list[Weighed]:
        informed = self.informed.score(self.informed.inputs(pairs), texts)
        blind = self.base.score(self.base.inputs([replace(pair, instruction=None) for pair in pairs]), texts)
        return [
            Weighed(one.text, self._joint(one.margin, other.margin), self._joint(one.log_probability, other.log_probability))
            for one, other in zip(informed, blind, strict=True)
        ]

    def _joint(self, informed: float | None, blind: float | None) -> float | None:
        return None if informed is None or blind is None else informed + self.weight * blind


def _above(one: Weighed, other: Weighed) -> bool:
    assert one.log_probability is not None and other.log_probability is not None
    return one.log_probability > other.log_probability
