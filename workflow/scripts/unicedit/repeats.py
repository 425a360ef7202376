"""Which texts of a long sequence are there more than once: exact, in two passes, with 8 bytes a text in memory."""

import hashlib
from array import array
from collections import Counter
from collections.abc import Iterable, Set

import numpy as np


class Repeats:
    """First ``add`` every text; then ``counted``, or ``suspects`` and ``suspected``, over the same texts again."""

    def __init__(self) -> None:
        self._digests = array("Q")

    def add(self, texts: Iterable[str]) -> None:
        """Take note of texts."""
        self._digests.extend(map(_digest, texts))

    def distinct(self) -> int:
        """The number of different texts."""
        return len(np.unique(self._array()))

    def suspects(self) -> set[int]:
        """Digests that came more than once; two texts may share one by chance, so this may hold one too many."""
        ordered = np.sort(self._array())
        return set(np.unique(ordered[1:][ordered[1:] == ordered[:-1]]).tolist())

    @staticmethod
    def suspected(text: str, suspects: Set[int]) -> bool:
        """Whether a text may be repeated: only these need be held in memory."""
        return _digest(text) in suspects

    def counted(self, texts: Iterable[str]) -> dict[str, int]:
        """How often each repeated text is there, in the order in which each came first."""
        suspects = self.suspects()
        if not suspects:
            return {}
        found = Counter(text for text in texts if self.suspected(text, suspects))
        return {text: number for text, number in found.items() if number > 1}

    def _array(self) -> np.ndarray:
        return np.frombuffer(self._digests, dtype=np.uint64) if self._digests else np.zeros(0, np.uint64)


def _digest(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")
