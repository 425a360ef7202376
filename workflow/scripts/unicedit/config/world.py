"""The simulated world that the embedded default runs on."""

from pydantic import Field

from unicedit.config.section import Section


class WorldSettings(Section):
    """The simulated library (`library.kind: world`): real photographs, cropped, with drawn objects composed in, so that the truth of every edit is known."""

    images: int = Field(
        240,
        ge=1,
        le=99_999,
        description="Pictures in the simulated library; 240 show every sub-task several times and run in minutes on two cores (the verifier's training apart).",
    )
