"""What a chat completion must hold to be an answer. Servers differ in the rest, which is left unread."""

from pydantic import BaseModel, ConfigDict, Field


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", protected_namespaces=())


class PromptTokens(_Part):
    """Of the tokens read, those that the server had read before."""

    cached_tokens: int | None = None


class Usage(_Part):
    """Tokens of one request."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: PromptTokens | None = None

    @property
    def counts(self) -> dict[str, int]:
        """Tokens in, of those cached, and out."""
        details = self.prompt_tokens_details
        return {"in": self.prompt_tokens or 0, "cached": (details and details.cached_tokens) or 0, "out": self.completion_tokens or 0}


class Message(_Part):
    """What the model said, or why it would not."""

    content: str | None = None
    refusal: str | None = None


class Choice(_Part):
    """One of the answers; we ask for one."""

    message: Message
    finish_reason: str | None = None


class ChatAnswer(_Part):
    """A chat completion."""

    model: str
    choices: list[Choice] = Field(min_length=1)
    usage: Usage | None = None
