"""The tables that compare what was measured with the paper."""

from pydantic import Field

from unicedit.config.section import Section


class TablesSettings(Section):
    """Tables beside the paper's."""

    confidence: float = Field(0.95, gt=0, lt=1, description="Level of the intervals; 0.95 is the custom.")
