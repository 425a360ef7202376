"""The dataset that comes out."""

from pydantic import Field

from unicedit.config.section import Section


class DatasetSettings(Section):
    """The dataset's files and card."""

    name: str = Field("Open UnicEdit dataset", min_length=1, max_length=100, description="Title of the dataset card.")
    licence: str = Field("other", min_length=1, max_length=50, description="Licence identifier of the Hugging Face hub in the card's front matter; the sources' own licences stand in every row.")
