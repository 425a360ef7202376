"""What a vision-language model is asked, and what it answers, whatever runs it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from unicedit.provenance import Provenance

if TYPE_CHECKING:
    from unicedit.vlm.cache import ReplyCache


@dataclass(frozen=True, slots=True)
class Refused:
    """An earlier reply to the same question that did not fit, and why."""

    text: str
    why: str

    @property
    def asked_again(self) -> str:
        """What the model is told of it."""
        return f"That reply cannot be used: {self.why}. Answer the question again, with one JSON object that fits and nothing else."


REPEAT_SEEDS = 1000  # between the seeds of two repeats; askings of one question are numbered below


@dataclass(frozen=True, slots=True)
class VlmRequest:
    """One question: a prompt, pictures (encoded, in order) and the JSON schema the reply must fit.

    ``attempt`` counts askings of the same question from 0, and ``refused`` is the reply to the one before. ``details`` holds the variables the prompt was
    rendered with, ``provenance`` says where the pictures come from; only the simulated world reads these two. ``repeat`` numbers runs over the same questions,
    each drawn anew.
    """

    key: str
    prompt: str
    images: tuple[bytes, ...]
    schema: Mapping[str, Any] | None = None
    attempt: int = 0
    refused: Refused | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    provenance: Provenance | None = None
    repeat: int = 0


@dataclass(frozen=True, slots=True)
class VlmReply:
    """One answer: its raw text, the model snapshot that gave it, tokens in and out where known, seconds it took.

    ``failure`` is set where there is no answer and asking again would not help (a refusal, a request the server does not take): the row's reason.
    ``complete`` is False for a reply that was cut off at the limit of tokens.
    """

    text: str
    model: str
    usage: Mapping[str, int] = field(default_factory=dict)
    latency: float = 0.0
    failure: str = ""
    complete: bool = True


Arrived = Callable[[int, VlmReply], None]


def unheard(number: int, reply: VlmReply) -> None:
    """Nobody waits for single replies."""


class VlmEngine(Protocol):
    """``reply`` answers each request, in order, and may tell ``arrived`` of each answer as it comes. It raises only when the engine itself is unusable.

    ``identity`` is a digest of all that, beside the request, decides a reply; ``cache`` holds earlier ones, where the engine wants them kept.
    """

    identity: str = ""
    cache: "ReplyCache | None" = None

    def reply(self, requests: Sequence[VlmRequest], arrived: Arrived = unheard) -> list[VlmReply]: ...

    def reply_taking(self, requests: Iterable[VlmRequest], arrived: Arrived = unheard) -> list[VlmReply]:
        """As ``reply``, to requests that are made as they are taken. An engine that waits for a server takes one when there is room for it."""
        taken = list(requests)
        return self.reply(taken, arrived) if taken else []

    def settled(self) -> None:
        """All that was asked so far has its final answer: an engine that keeps replies for a job that may be killed need keep them no longer."""
        return
