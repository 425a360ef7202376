"""Where the pictures come from."""

from typing import Literal

from pydantic import Field, model_validator

from unicedit.config.section import Section


class ColumnsSettings(Section):
    """Names of columns in Parquet files; for WebDataset samples the last two are keys of the sample's .json member."""

    image: str = Field(
        "image", min_length=1, description="Column that holds the picture: an Image of Hugging Face datasets, or plain bytes."
    )
    origin: str | None = Field(
        None, description="Column that says where a picture comes from (a URL, an archive); null: `library.origin` for all."
    )
    licence: str | None = Field(None, description="Column that holds a picture's licence; null: `library.licence` for all.")


class LibrarySettings(Section):
    """The image library. Files may be added at any time: they become new shards, and nothing old is planned."""

    kind: Literal["world", "files"] = Field(
        "world",
        description="`world`: the simulated world, which runs anywhere; `files`: what `path` names. The default shows everything without any input.",
    )
    path: str | list[str] = Field(
        [],
        description="For kind `files`: folders (walked recursively), globs, WebDataset tars (.tar, .tar.gz, .tgz) or Parquet files, told apart by suffix; one or a list.",
    )
    list_file: str | None = Field(
        None, description="A text file that names one such path a line, relative to the file's folder; null: none."
    )
    declared: int | None = Field(
        None,
        ge=1,
        le=1_000_000_000,
        description="Number of pictures of a library that is not at hand: it takes the place of `kind` and `path`, so that `plan` and dry runs reckon with "
        "that many, without a file. A real run stops at once; null: the library is read.",
    )
    shard_size: int = Field(
        60,
        ge=1,
        le=1_000_000,
        description="Pictures a shard, the unit of work. 60 gives two cores something to share in the small default; at scale 2,000 to 10,000 keep jobs at minutes to hours.",
    )
    origin: str = Field("", description="Where all pictures come from, written into every row; empty: unknown.")
    licence: str = Field("", description="Licence of all pictures, written into every row; empty: unknown.")
    columns: ColumnsSettings = Field(default_factory=ColumnsSettings, description="Columns that tars and Parquet files bring along.")
    rescan: bool = Field(
        True,
        description="Scan the library at the start of every run; false takes the index as it is, which saves minutes on millions of loose files.",
    )
    allow_removal: bool = Field(
        False,
        description="Go on when more than half of a source's files vanished. False, for then it is more likely unmounted than emptied; a few vanished files are always taken out.",
    )

    @model_validator(mode="after")
    def _has_files(self) -> "LibrarySettings":
        if self.kind == "files" and not self.path and not self.list_file and self.declared is None:
            raise ValueError("kind is `files`, so `path` (or `list_file`) must name a folder, a glob, tars or Parquet files")
        return self
