"""What a vision-language model is asked, and what it answers, whatever runs it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from unicedit.provenance import Provenance


@dataclass(frozen=True, slots=True)
class VlmRequest:
    """One question: a prompt, pictures (encoded, in order) and the JSON schema the reply must fit.

    ``attempt`` counts askings of the same question from 0. ``details`` holds the variables the prompt was rendered with, ``provenance``
    says where the pictures come from; only the simulated world reads these two.
    """

    key: str
    prompt: str
    images: tuple[bytes, ...]
    schema: Mapping[str, Any] | None = None
    attempt: int = 0
    details: Mapping[str, Any] = field(default_factory=dict)
    provenance: Provenance | None = None


@dataclass(frozen=True, slots=True)
class VlmReply:
    """One answer: its raw text, the model snapshot that gave it, tokens in and out where known, seconds it took."""

    text: str
    model: str
    usage: Mapping[str, int] = field(default_factory=dict)
    latency: float = 0.0


class VlmEngine(Protocol):
    """``reply`` answers each request, in order. It raises only when the engine itself is unusable."""

    def reply(self, requests: Sequence[VlmRequest]) -> list[VlmReply]: ...
