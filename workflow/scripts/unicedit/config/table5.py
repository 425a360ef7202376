"""Settings of Table 5: which verifiers are compared, over how many seeds."""

from typing import Literal

from pydantic import Field, model_validator

from unicedit.config.section import Section

RowName = Literal[
    "base", "larger", "sft", "d2po", "ssim", "control", "sft_hallucination", "blind", "d2po_blind", "joint", "no_cv", "sigmoid", "text_only", "swapped",
    "sft_withheld", "withheld", "withheld_control", "wordings", "ranked", "claimed", "d2po_300", "d2po_1000", "d2po_3000", "control_300",
    "control_1000", "control_3000",
]  # fmt: skip
TRAINED_ONCE: tuple[RowName, ...] = ("base", "larger", "sft", "d2po", "ssim", "blind", "d2po_blind", "joint", "text_only", "swapped")


class ClaimSettings(Section):
    """The test of the paper's claim on SSIM: it is said to overlook small edits and to be upset by flicker."""

    pictures: int = Field(40, ge=4, le=10_000, description="Source pictures of the test split that are shown with flicker and no edit.")
    strengths: list[float] = Field(
        [0, 0.5, 1, 2, 3, 4, 6, 8],
        min_length=2,
        description="Strengths of flicker in grey levels. The simulated editors have 2 and 3; the training samples 1 to 4.",
    )


class Table5Settings(Section):
    """Table 5: accuracy of verifiers on the test split (paper table 5). The run itself makes the rows of `rows` from its one SFT and one D2PO model; the
    targets `table5_full` and `table5_search` train everything `seeds` times.
    """

    rows: list[RowName] = Field(
        ["base", "larger", "sft", "d2po", "ssim"],
        min_length=1,
        description="Rows of the run's own table: of those that need no training beside the run's. `blind`, `d2po_blind`, `joint`, `text_only` and `swapped` are "
        "such too; each takes as long as another verifier.",
    )
    full_rows: list[RowName] = Field(
        [
            "base", "larger", "sft", "d2po", "ssim", "control", "sft_hallucination", "blind", "d2po_blind", "joint", "no_cv", "sigmoid", "text_only",
            "swapped",
        ],
        min_length=1,
        description="Rows of the full table, with the trained controls.",
    )  # fmt: skip
    search_rows: list[RowName] = Field(
        [
            "base", "sft", "d2po", "control", "sft_withheld", "withheld", "withheld_control", "wordings", "ranked", "claimed", "d2po_300",
            "control_300", "d2po_1000", "control_1000", "d2po_3000", "control_3000",
        ],
        min_length=1,
        description="Rows of the search for what helps beyond the paper's two steps: the instruction withheld in a part of both trainings, pairs with several "
        "right wordings, rejected replies that all claim a change (the paper's), and "
        "D2PO beside its control at 300, 1,000 and 3,000 updates. Every figure is reported, also of what did not help.",
    )  # fmt: skip
    seeds: int = Field(
        5,
        ge=1,
        le=100,
        description="Seeds of the full table and of the search: each trains every verifier anew. Fewer than 5 say little of the spread.",
    )
    rate_factors: list[float] = Field(
        [0.5, 1.0, 2.0],
        min_length=1,
        description="Learning rates that each trained row of the full table tries with its first seed, as multiples of its stage's: the best on the "
        "validation split is taken. The same number of tries for each row is equal tuning effort.",
    )
    sigmoid_rate: float = Field(
        0.1, gt=0, le=1, description="Multiple of D2PO's learning rate for the sigmoid term alone, which is not stable at the full rate."
    )
    larger: str | None = Field(
        None,
        description="Folder of a larger vision-language model that verifies without training, as the paper's 72B; null: that row is not run.",
    )
    larger_revision: str | None = Field(None, description="Commit of a hub model named as `larger`.")
    batch_size: int = Field(32, ge=1, le=4096, description="Samples a model reads at once. Decides no value.")
    max_new_tokens: int = Field(
        512, ge=16, le=8192, description="Longest reply, in tokens; what is cut there does not parse and counts as wrong."
    )
    limit: int | None = Field(None, ge=1, description="Samples of each split that are measured; null: all. For a quick look.")
    aside_limit: int | None = Field(
        None, ge=1,
        description="Samples of each split for the blind, joint, text-only and swapped readings; null: all that the others have. Comparisons use those that both have.",
    )  # fmt: skip
    claim: ClaimSettings = Field(default_factory=ClaimSettings, description="The test of the SSIM claim.")

    def rows_of(self, table: str) -> list[RowName]:
        """The rows of a table: ``table5``, ``table5_full`` or ``table5_search``."""
        return {"table5": self.rows, "table5_full": self.full_rows, "table5_search": self.search_rows}[table]

    def limit_of(self, reading: str) -> int | None:
        """Samples of each split that are read in one way."""
        limits = [self.limit, self.aside_limit if reading not in ("informed", "ssim") else None]
        return min((limit for limit in limits if limit is not None), default=None)

    @model_validator(mode="after")
    def _rows_are_made(self) -> "Table5Settings":
        untrained = [row for row in self.rows if row not in TRAINED_ONCE]
        if untrained:
            raise ValueError(f"`rows` names {', '.join(untrained)}, which need trainings of their own: they belong to `full_rows`")
        for name in ("rows", "full_rows", "search_rows"):
            if len(set(getattr(self, name))) != len(getattr(self, name)):
                raise ValueError(f"`{name}` names a row twice")
        return self
