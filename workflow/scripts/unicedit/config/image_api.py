"""Settings of editors behind a server's image API."""

from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from unicedit.config.openai import BudgetSettings, PriceSettings, SentPicturesSettings
from unicedit.config.section import Section

BASE_URL = r"^https?://[^\s@]+$"
KEY_VARIABLE = r"^[A-Z][A-Z0-9_]*$"


class PicturePriceSettings(PriceSettings):
    """What edits cost, in the currency of the budget."""

    picture: float = Field(0.0, ge=0, description="Price of an edited picture, beside that of its tokens.")


class ImageApiSettings(Section):
    """What all image APIs have in common. The key itself never stands in a file."""

    # a second request would be paid for twice, and these servers count pictures, not tokens
    hedge: ClassVar[None] = None
    tokens_per_minute: ClassVar[None] = None

    model: str = Field(min_length=1, max_length=200, description="The model's name as the server knows it.")
    language: Literal["en", "cn"] = Field("en", description="Which form of the instruction the model is given.")
    extra: dict[str, Any] = Field(default_factory=dict, description="Further fields of the request; they count as deciding edits.")
    pictures: SentPicturesSettings = Field(
        default_factory=SentPicturesSettings, description="How source pictures are sent; `stored` is PNG here."
    )
    keep_pictures: bool = Field(
        True,
        description="Keep what the server gave in `paths.cache`, so that no run pays for the same edit again, not even one that was killed.",
    )
    max_reply_mb: float = Field(64.0, gt=0, le=1024, description="A reply, or a picture it points to, of more megabytes is not read.")
    max_megapixels: float = Field(64.0, gt=0, le=178, description="A picture of more pixels, by its header, is not decoded.")
    concurrency: int = Field(
        8,
        ge=1,
        le=1024,
        description="Requests in flight at once, in one process. Of batches (`edit.batch_size`) there are one more under way than editors, where all are "
        "behind APIs and without `map.workers`; else one.",
    )
    requests_per_minute: int | None = Field(None, ge=1, description="Most requests begun a minute, in one job. null: no limit.")
    timeout: float = Field(300.0, gt=0, description="Seconds after which a request without a whole answer is given up and tried again.")
    tries: int = Field(6, ge=1, le=50, description="Times a request is sent when the server is busy, breaks down or cannot be reached.")
    longest_wait: float = Field(
        60.0, gt=0, description="Longest pause before a request is sent again, in seconds, unless the server asks for more."
    )
    price: PicturePriceSettings = Field(default_factory=PicturePriceSettings, description="What edits cost.")
    budget: BudgetSettings = Field(default_factory=BudgetSettings, description="Where a run stops, counted for each editor by itself.")

    @model_validator(mode="after")
    def _priced(self) -> Self:
        if self.budget.money is not None and not (self.price.picture or self.price.input or self.price.output):
            raise ValueError(
                "budget.money needs price.picture, or price.input and price.output: without prices nothing would ever be spent"
            )
        return self

    def deciding(self) -> dict[str, Any]:
        """What decides an edit: all but how requests get there, and what they cost."""
        without = {"base_url", "key_variable", "keep_pictures", "max_reply_mb", "max_megapixels", "concurrency", "requests_per_minute"}
        return self.model_dump(mode="json", exclude={*without, "timeout", "tries", "longest_wait", "price", "budget"})
