"""Settings of the tables."""

from pydantic import Field

from unicedit.config.section import Section


class TablesSettings(Section):
    """How measured figures are shown beside the paper's."""

    confidence: float = Field(
        0.95, ge=0.5, le=0.999, description="Confidence level of all intervals, 0.5 to 0.999; 0.95 is what readers expect."
    )
