"""Where a picture comes from: what a simulated engine looks at in place of the pixels' meaning."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EditProvenance:
    """How an edited picture was made."""

    editor: str
    seed: int
    instruction_en: str


@dataclass(frozen=True, slots=True)
class Provenance:
    """A source picture: its library name, its full size, and how ingest cropped and resized it (all in pixels)."""

    key: str  # the image's key
    source: str  # the library's name for it; "world:…" for a picture of the simulated world
    width: int
    height: int
    crop: tuple[int, int, int, int]  # left, top, right, bottom in the full picture
    image_width: int
    image_height: int
    edit: EditProvenance | None = None
