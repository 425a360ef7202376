"""How a simulated edit goes wrong, and how often: the paper's three ways (section 1) and damage beside the edit.

The configuration imports this module, so it imports nothing heavy; what comes of an edit is drawn in outcome.py.
"""

from pydantic import Field, model_validator

from unicedit.config.section import Section

NONE, NO_EDIT, MISALIGNED, QUALITY, DAMAGE = "none", "no_edit", "misaligned", "quality", "damage"
KINDS = (NONE, NO_EDIT, MISALIGNED, QUALITY, DAMAGE)
VALID = (NONE, MISALIGNED)  # a visible edit of good quality took place; what was misaligned is restated


class FaultRates(Section):
    """How often a simulated editor fails, and how: shares of all its edits; what they leave of 1 goes well.

    The defaults together drop about as many edits as the paper does (section 1: 26%, of which misaligned ones are restated and kept).
    """

    no_edit: float = Field(0.10, ge=0, le=1, description="Share, 0 to 1, of edits that change nothing but flicker.")
    misaligned: float = Field(
        0.10, ge=0, le=1, description="Share, 0 to 1, of edits that do another thing than was asked; these get restated."
    )
    quality: float = Field(0.06, ge=0, le=1, description="Share, 0 to 1, of edits ruined by blur, blocks, noise or banding.")
    damage: float = Field(0.06, ge=0, le=1, description="Share, 0 to 1, of edits that change another thing as well.")

    @model_validator(mode="after")
    def _at_most_one(self) -> "FaultRates":
        total = self.no_edit + self.misaligned + self.quality + self.damage
        if total > 1 + 1e-9:
            raise ValueError(f"no_edit + misaligned + quality + damage is {total:g}: at most 1 is allowed")
        return self

    def draw(self, lot: float) -> str:
        """The kind of fault for a number drawn from 0 to 1."""
        for kind in KINDS[1:]:
            lot -= float(getattr(self, kind))
            if lot < 0:
                return kind
        return NONE
