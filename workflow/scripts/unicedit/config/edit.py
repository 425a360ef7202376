"""Settings of editing."""

from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from unicedit.config.ark import ArkSettings
from unicedit.config.diffusers import DiffusersSettings
from unicedit.config.gemini import GeminiSettings
from unicedit.config.images import ImagesSettings
from unicedit.config.ingest import EncodingSettings
from unicedit.config.openai_images import OpenAiImagesSettings
from unicedit.config.python import PythonEditorSettings
from unicedit.config.section import Section
from unicedit.world.faults import FaultRates


class SimulatedEditorSettings(Section):
    """The simulated editor: it renders the edit it is asked for from the known scene, and fails at known rates."""

    faults: FaultRates = Field(default_factory=FaultRates, description="How often it fails, and how; each is a probability of an edit.")
    flicker: float = Field(
        2.0,
        ge=0,
        le=20,
        description="Strength, in grey levels, of what a generator changes without being asked (noise, a slight shift of colour); "
        "0 is a perfect one, and 2 is hardly visible.",
    )

    def deciding(self) -> dict[str, Any]:
        """What decides an edit: everything."""
        return self.model_dump(mode="json")


EngineSettings = (
    SimulatedEditorSettings
    | DiffusersSettings
    | OpenAiImagesSettings
    | GeminiSettings
    | ArkSettings
    | ImagesSettings
    | PythonEditorSettings
)


class EditorSettings(Section):
    """One editor."""

    name: str = Field(
        pattern=r"^[a-z0-9_.-]{1,40}$", description="Its name in keys and columns: lower case letters, digits, `_`, `.`, `-`."
    )
    engine: Literal["simulated", "diffusers", "openai", "gemini", "ark", "images", "python"] = Field(
        "simulated",
        description="What runs it: `simulated` draws the simulated world; `diffusers` runs an editing model in the job; `openai`, `gemini` and `ark` ask a "
        "server's image API; `images` takes finished pictures from a folder; `python` calls a class or function of your own.",
    )
    share: float = Field(1.0, gt=0, le=1000, description="Its share of the instructions, relative to the other editors'.")
    revision: str = Field("1", min_length=1, max_length=100, description="Revision of its weights, recorded in every row.")
    simulated: SimulatedEditorSettings = Field(default_factory=SimulatedEditorSettings, description="Settings of the engine `simulated`.")
    diffusers: DiffusersSettings | None = Field(None, description="Settings of the engine `diffusers`; needed where it is chosen.")
    openai: OpenAiImagesSettings | None = Field(None, description="Settings of the engine `openai`; needed where it is chosen.")
    gemini: GeminiSettings | None = Field(None, description="Settings of the engine `gemini`; needed where it is chosen.")
    ark: ArkSettings | None = Field(None, description="Settings of the engine `ark`; needed where it is chosen.")
    images: ImagesSettings | None = Field(None, description="Settings of the engine `images`; needed where it is chosen.")
    python: PythonEditorSettings | None = Field(None, description="Settings of the engine `python`; needed where it is chosen.")

    @model_validator(mode="after")
    def _has_its_settings(self) -> Self:
        if getattr(self, self.engine) is None:
            raise ValueError(f"engine `{self.engine}` needs a section `{self.engine}` beside it; config/README.md lists its settings")
        return self

    @property
    def own(self) -> EngineSettings:
        """The section of the chosen engine."""
        chosen: EngineSettings = getattr(self, self.engine)
        return chosen

    @property
    def recorded_revision(self) -> str:
        """What rows record: the hub commit where one is named, else ``revision``."""
        return (isinstance(self.own, DiffusersSettings) and self.own.revision) or self.revision

    def deciding(self) -> dict[str, Any]:
        """The settings of the chosen engine that decide an edit: part of its recipe."""
        return self.own.deciding()


def _embedded() -> tuple[EditorSettings, ...]:
    """Two simulated editors of different character, so that differences between editors show in the tables."""
    first = FaultRates(no_edit=0.12, misaligned=0.08, quality=0.05, damage=0.05)
    second = FaultRates(no_edit=0.06, misaligned=0.10, quality=0.04, damage=0.08)
    return (
        EditorSettings(name="simulated-a", share=0.5, simulated=SimulatedEditorSettings(faults=first, flicker=2.0)),
        EditorSettings(name="simulated-b", share=0.5, simulated=SimulatedEditorSettings(faults=second, flicker=3.0)),
    )


class EditSettings(Section):
    """Who carries out the instructions. Each instruction goes to one editor, chosen by its key in proportion to the shares."""

    editors: tuple[EditorSettings, ...] = Field(
        default_factory=_embedded,
        min_length=1,
        description="The editors. The default is two simulated ones that fail at different known rates: they draw the simulated world "
        "and are no editing models.",
    )
    encoding: EncodingSettings = Field(
        default_factory=EncodingSettings, description="How edited pictures are stored, each in the size its editor gave it."
    )
    batch_size: int = Field(
        16, ge=1, le=4096, description="Instructions handed to the editors at once. Decides no value, only speed and memory."
    )

    @field_validator("editors")
    @classmethod
    def _names_are_unique(cls, editors: tuple[EditorSettings, ...]) -> tuple[EditorSettings, ...]:
        names = [editor.name for editor in editors]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"editor names must be unique, and {', '.join(twice)} is there more than once")
        return editors

    def editor(self, name: str) -> EditorSettings:
        """The editor of that name; ``KeyError`` if there is none."""
        return {editor.name: editor for editor in self.editors}[name]
