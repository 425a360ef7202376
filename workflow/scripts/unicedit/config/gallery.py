"""Settings of the gallery."""

from pydantic import Field

from unicedit.config.section import Section


class GallerySettings(Section):
    """The page that shows a run's edits: results/gallery/index.html, which opens from the file system without a server."""

    rows: int = Field(
        5000,
        ge=1,
        le=50_000,
        description="Most rows the page shows. Beyond it a sample by key is shown, the same one at every run, and the page says so. A row takes "
        "some 60 kB with its thumbnails, so 5,000 are 300 MB at most, and small pictures take far less.",
    )
    thumbnail: int = Field(
        512,
        ge=64,
        le=2048,
        description="Longest side of a thumbnail in pixels; smaller pictures are not blown up. 512 shows most faults; the dataset holds the "
        "full pictures.",
    )
    quality: int = Field(
        80,
        ge=1,
        le=100,
        description="WebP quality of the thumbnails. 80 is hard to tell from the picture; lower it before you lower `rows`.",
    )
