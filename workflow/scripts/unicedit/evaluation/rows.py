"""The rows of Table 5: which model, read in which way; and which of them are compared."""

from dataclasses import dataclass
from typing import Literal, get_args

ReadingMode = Literal["informed", "blind", "joint", "text_only", "swapped", "ssim"]
READINGS: tuple[ReadingMode, ...] = get_args(ReadingMode)
CHOOSING: tuple[ReadingMode, ...] = ("joint", "ssim")  # need a number that is chosen on validation
LENGTHS = (300, 1000, 3000)  # updates of the compute-matched curves
MAIN = "main"  # in the place of a seed: the run's own SFT and D2PO models


@dataclass(frozen=True, slots=True)
class TableRow:
    """One row. ``variant`` names the model (``variants.py``; ``base``, ``larger`` and ``ssim`` are not trained here), ``paper`` the paper's row of the same kind."""

    label: str
    variant: str
    reading: ReadingMode = "informed"
    paper: str | None = None


UNTRAINED = ("base", "larger", "ssim")  # have no seeds

ROWS: dict[str, TableRow] = {
    "base": TableRow("Base", "base", paper="Qwen2.5-VL-7B"),
    "larger": TableRow("Larger model, zero-shot", "larger", paper="Qwen2.5-VL-72B"),
    "sft": TableRow("+ SFT", "sft", paper="Qwen2.5-VL-7B + SFT"),
    "d2po": TableRow("+ D2PO", "d2po", paper="Qwen-Verify"),
    "ssim": TableRow("SSIM", "ssim", "ssim"),
    "control": TableRow("control: same pairs, sft loss alone", "control"),
    "sft_hallucination": TableRow("control: SFT with Hallucination", "sft_hallucination"),
    "blind": TableRow("base, blind", "base", "blind"),
    "d2po_blind": TableRow("D2PO, blind", "d2po", "blind"),
    "joint": TableRow("D2PO and blind base together", "d2po", "joint"),
    "no_cv": TableRow("D2PO, c_v off", "d2po_no_cv"),
    "sigmoid": TableRow("D2PO, sigmoid alone", "d2po_sigmoid"),
    "text_only": TableRow("D2PO, text only", "d2po", "text_only"),
    "swapped": TableRow("D2PO, pictures swapped", "d2po", "swapped"),
    "sft_withheld": TableRow("+ SFT, instruction withheld in part", "sft_withheld"),
    "withheld": TableRow("D2PO, instruction withheld in part", "d2po_withheld"),
    "withheld_control": TableRow("control, instruction withheld in part", "control_withheld"),
    "wordings": TableRow("D2PO, several right wordings", "d2po_wordings"),
    "ranked": TableRow("D2PO, several right wordings, ranked", "d2po_ranked"),
    "claimed": TableRow("D2PO, all rejected replies claim a change", "d2po_claimed"),
    **{f"d2po_{steps}": TableRow(f"D2PO, {steps:,} updates", f"d2po_{steps}") for steps in LENGTHS},
    **{f"control_{steps}": TableRow(f"control, {steps:,} updates", f"control_{steps}") for steps in LENGTHS},
}

# what is asked of the figures: whether the first differs from the second; the third is D2PO's control, on which its claim rests
COMPARED: tuple[tuple[str, str], ...] = (
    ("sft", "base"),
    ("d2po", "sft"),
    ("d2po", "control"),
    ("d2po", "sft_hallucination"),
    ("d2po", "no_cv"),
    ("d2po", "sigmoid"),
    ("joint", "d2po"),
    ("blind", "d2po"),
    ("d2po_blind", "d2po"),
    ("d2po", "ssim"),
    ("d2po", "larger"),
    ("text_only", "d2po"),
    ("swapped", "d2po"),
    ("sft_withheld", "sft"),
    ("withheld", "d2po"),
    ("withheld_control", "control"),
    ("withheld", "withheld_control"),
    ("wordings", "d2po"),
    ("ranked", "d2po"),
    ("ranked", "wordings"),
    ("d2po", "claimed"),
    ("claimed", "control"),
    *((f"d2po_{steps}", f"control_{steps}") for steps in LENGTHS),
)
CLAIM = ("d2po", "control")
