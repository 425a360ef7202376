"""The kinds of training sample: which texts each shows, holds true, and has a rejected reply state (paper section on Qwen-Verify)."""

from collections.abc import Sequence
from dataclasses import dataclass

from unicedit.map.stage import Row
from unicedit.training.schema import NORMAL


@dataclass(frozen=True, slots=True)
class Told:
    """An instruction in English and Chinese, the visible differences that it claims, and other wordings of it (English, Chinese) where they are known."""

    en: str
    cn: str
    differences: tuple[str, ...]
    others: tuple[tuple[str, str], ...] = ()


def texts(kind: str, given: Told, true: Told | None, mistaken: Told | None, seen: Sequence[str] = ()) -> Row:
    """The text columns of a sample, all but the captions.

    ``true`` is what really changed, None where nothing valid did; then ``seen`` are the differences there are all the same. The rejected reply
    of a Normal sample states ``mistaken`` (None: the sample is no preference pair); of all others it repeats the instruction given, as
    though that had happened.
    """
    rejected = mistaken if kind == NORMAL else given
    return {
        "given_en": given.en,
        "given_cn": given.cn,
        "true_en": true.en if true else None,
        "true_cn": true.cn if true else None,
        "other_wordings": [{"en": en, "cn": cn} for en, cn in true.others] if true else [],
        "differences": list(true.differences if true else seen),
        "is_changed": true is not None,
        "rejected_en": rejected.en if rejected else None,
        "rejected_cn": rejected.cn if rejected else None,
        "rejected_differences": list(rejected.differences) if rejected else None,
    }
