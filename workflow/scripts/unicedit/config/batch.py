"""Settings of an engine behind a provider's batch API."""

from typing import Literal, Self

from pydantic import Field, model_validator

from unicedit.config.openai import PriceSettings, ServedSettings

FILE_MB = {"openai": 200.0, "gemini": 2000.0}  # most that the provider takes in one file
KEYS = {"openai": "OPENAI_API_KEY", "gemini": "GEMINI_API_KEY"}


class BatchSettings(ServedSettings):
    """The Batch API of OpenAI, or of a server that speaks it, or that of Gemini: requests go up as a file and are answered within a day or so, at half the price."""

    provider: Literal["openai", "gemini"] = Field("openai", description="Whose batch API it is.")
    base_url: str | None = Field(
        None,
        pattern=r"^https?://[^\s@]+$",
        description="The API's address up to its version, `/v1` or `/v1beta`. null: the provider's public one.",
    )
    key_variable: str | None = Field(
        None,
        pattern=r"^[A-Z][A-Z0-9_]*$",
        description="Environment variable that holds the key; the key itself never stands in a file. null: OPENAI_API_KEY or GEMINI_API_KEY.",
    )
    price: PriceSettings = Field(default_factory=PriceSettings, description="What tokens cost in a batch: half of the usual price.")
    rows: int | None = Field(
        None,
        ge=1,
        description="Rows handed over at once; they are in memory together. null: a whole shard, or all questions of a judge's job, so that it waits once. Fewer "
        "wait several times, a day each at worst. Of a shard, fewer than `library.shard_size` is refused: for less memory make smaller shards; a judge's job "
        "cannot be made smaller, so there it is taken.",
    )
    max_requests: int = Field(
        50_000, ge=1, le=50_000, description="Most requests of one file; what is more goes into further files at once."
    )
    max_file_mb: float | None = Field(
        None, gt=0, le=2000, description="Most megabytes of one file. null: what the provider takes, 200 (OpenAI) or 2,000 (Gemini)."
    )
    max_request_mb: float = Field(
        20.0,
        gt=0,
        le=512,
        description="Most megabytes of one request, its pictures included (a third larger than their files). A larger one fails its row; `pictures` makes them smaller.",
    )
    poll_seconds: float = Field(60.0, gt=0, le=3600, description="Seconds between two looks at a batch.")
    max_wait_hours: float = Field(
        50.0,
        gt=0,
        le=720,
        description="Hours after which a job stops waiting for a batch; it runs on, and another run of the job finds it.",
    )
    timeout: float = Field(
        600.0, gt=0, description="Seconds without a byte after which a call (an upload, a look) is given up and made again."
    )
    tries: int = Field(
        3, ge=1, le=20, description="Batches in which a request is sent when it expired or the provider broke down; then its row fails."
    )

    @model_validator(mode="after")
    def _taken(self) -> Self:
        most = FILE_MB[self.provider]
        if self.max_file_mb is not None and self.max_file_mb > most:
            raise ValueError(f"max_file_mb is {self.max_file_mb:g}, and {self.provider} takes files of at most {most:g} MB")
        if self.max_request_mb * 1e6 > self.file_bytes:
            raise ValueError(
                f"max_request_mb is {self.max_request_mb:g} and a file has at most {self.file_bytes / 1e6:g} MB: it must fit into one"
            )
        return self

    @property
    def file_bytes(self) -> int:
        """Most bytes of one file."""
        return int((self.max_file_mb or FILE_MB[self.provider]) * 1e6)

    @property
    def key_name(self) -> str:
        """The environment variable that holds the key."""
        return self.key_variable or KEYS[self.provider]
