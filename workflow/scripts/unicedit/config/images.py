"""Settings of finished pictures in a folder, taken as edits."""

from typing import Any, Literal

from pydantic import Field

from unicedit.config.section import Section


class ImagesSettings(Section):
    """Edits that some other program made: any editor can be measured by its pictures, without code."""

    folder: str = Field(min_length=1, description="Folder of the pictures; with `unicbench`, that of the model.")
    layout: Literal["plain", "unicbench"] = Field(
        "plain",
        description="Where an instruction's picture lies: `plain` is {key}.png; `unicbench` is {Subtask_with_underscores}/{en or cn}/{key}.png. The key is the "
        "instruction's.",
    )
    language: Literal["en", "cn"] = Field("en", description="The language's folder, with `unicbench`.")
    max_file_mb: float = Field(64.0, gt=0, le=1024, description="Files of more megabytes are not read.")
    max_megapixels: float = Field(64.0, gt=0, le=178, description="Pictures of more pixels, by their header, are not decoded.")

    def deciding(self) -> dict[str, Any]:
        """Nothing: the pictures' own bytes are among the rows' inputs."""
        return {}
