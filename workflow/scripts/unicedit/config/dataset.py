"""Settings of the dataset's files and of its card."""

from pydantic import Field, field_validator

from unicedit.config.section import Section


class CardSettings(Section):
    """What the dataset's card says beside what was counted."""

    title: str = Field(
        "UnicEdit: verified image edits",
        min_length=1,
        max_length=200,
        description="Heading of the card and `pretty_name` of the dataset. Name your own after its library.",
    )
    licence: str = Field(
        "other",
        pattern=r"^[a-z0-9][a-z0-9.+-]{0,63}$",
        description="The card's `license`, an identifier that the Hugging Face hub knows (`apache-2.0`, `cc-by-4.0`, …). `other`: each "
        "row's `licence` column says under which licence its source came, which is all that is known of a library in general.",
    )

    @field_validator("title")
    @classmethod
    def _one_line(cls, title: str) -> str:
        if not title.isprintable():
            raise ValueError("a title is one line of printable characters")
        return title


class DatasetSettings(Section):
    """How the dataset is written: one Parquet file a shard, and a card over all of them."""

    row_group_rows: int = Field(
        100,
        ge=1,
        le=10_000,
        description="Rows of a row group, the smallest part a reader fetches. 100 rows of two pictures are some 100 MB at most: "
        "what the hub's viewer and streaming readers are made for.",
    )
    card: CardSettings = Field(default_factory=CardSettings, description="What the card says; the dataset's files do not depend on it.")
