"""Which editor carries out which instruction."""

import hashlib
import math
from collections.abc import Sequence

from unicedit.config.edit import EditorSettings


def assigned(instruction: str, editors: Sequence[EditorSettings]) -> EditorSettings:
    """The editor of an instruction, by its key, in proportion to the shares.

    Weighted rendezvous hashing: each editor draws a number from the key, an exponential waiting time with rate ``share``, and the first
    to arrive takes the instruction. So a new editor, or a larger share, moves only those instructions that it takes over; all others keep
    their finished edits.
    """
    return min(editors, key=lambda editor: (_waiting(instruction, editor), editor.name))


def _waiting(instruction: str, editor: EditorSettings) -> float:
    digest = hashlib.blake2b(f"assign\0{instruction}\0{editor.name}".encode(), digest_size=8).digest()
    uniform = ((int.from_bytes(digest) >> 11) + 0.5) / (1 << 53)
    return -math.log(uniform) / editor.share
