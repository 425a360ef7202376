"""Settings of an engine behind an OpenAI-compatible server."""

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from unicedit.config.section import Section


class PriceSettings(Section):
    """What tokens cost, in the currency of the budget."""

    input: float = Field(0.0, ge=0, description="Price of a million tokens sent. 0: it costs nothing, as on a server of your own.")
    cached_input: float | None = Field(
        None, ge=0, description="Price of a million sent tokens that the server had cached. null: as `input`."
    )
    output: float = Field(0.0, ge=0, description="Price of a million tokens of the reply.")

    def of(self, sent: int, cached: int, received: int) -> float:
        """What so many tokens cost; ``cached`` are among those ``sent``."""
        cheaper = self.input if self.cached_input is None else self.cached_input
        return ((sent - cached) * self.input + cached * cheaper + received * self.output) / 1e6


class BudgetSettings(Section):
    """Where a run stops: what is answered is kept, and a larger budget goes on from there. Counted over all jobs of the stage in one results folder."""

    money: float | None = Field(None, ge=0, description="Most that the stage may spend, by `price`. null: no limit.")
    requests: int | None = Field(None, ge=0, description="Most requests that the stage may send, repeated ones included. null: no limit.")

    @property
    def limited(self) -> bool:
        """Whether there is any limit."""
        return self.money is not None or self.requests is not None


class SentPicturesSettings(Section):
    """Pictures on their way to the server."""

    format: Literal["stored", "png", "jpeg"] = Field(
        "stored",
        description="`stored`: the bytes as the pipeline keeps them, lossless by default; `jpeg` is smaller, and a setting that decides replies.",
    )
    quality: int = Field(90, ge=1, le=100, description="Quality of `jpeg`.")
    max_pixels: int | None = Field(
        None, ge=784, description="Larger pictures are made smaller to so many pixels before they are sent. null: never."
    )


class ServedSettings(Section):
    """What is asked of a model that others serve, whatever way the requests get there."""

    model: str | None = Field(
        None, min_length=1, description="The model's name as the server knows it; needed where this engine is chosen."
    )
    answers_as: str | None = Field(
        None,
        min_length=1,
        description="Name of the model that replies may bear, where it is another one. null: `model` itself, or a dated snapshot of it; any other stops "
        "the run.",
    )
    structured: Literal["schema", "object", "none"] = Field(
        "schema",
        description="Constrained decoding: `schema` sends the JSON schema of the reply, `object` asks for any JSON object, `none` leaves it to the prompt. "
        "Replies are checked all the same.",
    )
    temperature: float | None = Field(
        0.0,
        ge=0,
        le=2,
        description="Of a first asking; a repeated one is drawn at 0.7 at least. null: left out, for models that refuse it.",
    )
    max_tokens: int = Field(4096, ge=1, le=200_000, description="Most tokens of a reply.")
    token_limit: Literal["max_completion_tokens", "max_tokens"] = Field(
        "max_completion_tokens", description="What an OpenAI-compatible server calls that limit; older ones know `max_tokens` alone."
    )
    seed: int | None = Field(0, description="Seed that is sent, plus the number of the asking. null: none.")
    extra: dict[str, Any] = Field(
        default_factory=dict, description="Further fields of the request, for instance `{reasoning_effort: low}`."
    )
    pictures: SentPicturesSettings = Field(default_factory=SentPicturesSettings, description="How pictures are sent.")
    price: PriceSettings = Field(default_factory=PriceSettings, description="What tokens cost.")
    budget: BudgetSettings = Field(default_factory=BudgetSettings, description="Where a run stops.")

    @model_validator(mode="after")
    def _priced(self) -> Self:
        if self.budget.money is not None and not (self.price.input or self.price.output):
            raise ValueError("budget.money needs price.input and price.output: without prices nothing would ever be spent")
        return self

    def deciding(self) -> dict[str, Any]:
        """What decides a reply: part of the recipe of its row, and of the key of a cached reply."""
        names = {"model", "structured", "temperature", "max_tokens", "seed", "extra", "pictures"}
        return self.model_dump(mode="json", include=names)


class OpenAiSettings(ServedSettings):
    """Any server that speaks OpenAI's chat completions: vLLM, SGLang, the public API and others."""

    base_url: str | None = Field(
        None, pattern=r"^https?://[^\s@]+$", description="The server's address up to `/v1`. null: OPENAI_BASE_URL, or else the public API."
    )
    key_variable: str = Field(
        "OPENAI_API_KEY",
        pattern=r"^[A-Z][A-Z0-9_]*$",
        description="Environment variable that holds the key; the key itself never stands in a file. A server that asks for none is told `none`.",
    )
    concurrency: int = Field(
        32,
        ge=1,
        le=4096,
        description="Requests in flight at once, in one process. Two batches (`batch_size`) are under way at once, with `map.workers` one; "
        "so many rows should be in them.",
    )
    requests_per_minute: int | None = Field(None, ge=1, description="Most requests begun a minute, in one job. null: no limit.")
    tokens_per_minute: int | None = Field(
        None,
        ge=1,
        description="Most tokens a minute, in one job, sent and expected; what is expected is learned from the replies. null: no limit.",
    )
    timeout: float = Field(300.0, gt=0, description="Seconds after which a request without a whole answer is given up and tried again.")
    tries: int = Field(8, ge=1, le=50, description="Times a request is sent when the server is busy, breaks down or cannot be reached.")
    longest_wait: float = Field(
        60.0, gt=0, description="Longest pause before a request is sent again, in seconds, unless the server asks for more."
    )
    hedge: float | None = Field(
        None,
        gt=0,
        description="After so many seconds without an answer the same request is sent once more and the first answer counts. null: never.",
    )
