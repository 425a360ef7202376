"""What a provider's batch API does, and what became of a request in a batch."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, Protocol

from unicedit.vlm.port import VlmReply, VlmRequest


class PassingError(Exception):
    """A call that failed, and may succeed later."""


class GoneError(Exception):
    """The provider knows no such batch."""


@dataclass(frozen=True, slots=True)
class Status:
    """How a batch stands. ``files`` hold its results, also those of one that ended early, ``source`` its requests; ``refused``: it was never begun, for the reason in ``said``;
    ``busy``: refused only because too much of this account waits already.
    """

    state: str
    ended: bool = False
    done: int = 0
    files: tuple[str, ...] = ()
    source: str = ""
    refused: bool = False
    busy: bool = False
    said: str = ""


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A request that a batch did not answer, though another may: it expired, the provider broke down, its line is missing or cannot be read."""

    why: str


@dataclass(frozen=True, slots=True)
class Hopeless:
    """A request that failed for a reason that every other has too: no such model, no right to it."""

    why: str


Outcome = VlmReply | Unanswered | Hopeless


class Provider(Protocol):
    """A batch API. Calls raise ``PassingError`` where trying later may help, ``GoneError`` for an unknown batch, ``EngineError`` where nothing will.

    ``service`` names provider and address; a batch is looked for only where it was sent. ``identity`` is a digest of all that, beside the request, decides a reply.
    """

    service: str
    identity: str

    def line(self, key: str, request: VlmRequest) -> bytes:
        """One line of the file of requests, with its end."""

    def upload(self, name: str, file: BinaryIO) -> str:
        """Upload a file of requests, from its beginning; returns its id."""

    def create(self, name: str, file: str) -> str:
        """Begin a batch of an uploaded file; returns its id. Never repeated by itself, for each call makes another batch."""

    def find(self, name: str, since: float) -> str | None:
        """The id of the batch that was begun under ``name``, not before ``since`` (seconds since 1970); None where there is none."""

    def status(self, batch: str) -> Status:
        """How a batch stands."""

    def download(self, file: str, most: int) -> Iterator[bytes]:
        """A file's bytes, in chunks. Raises ``EngineError`` beyond ``most`` bytes."""

    def delete(self, file: str) -> None:
        """Remove a file at the provider's."""

    def read(self, value: dict[str, Any]) -> tuple[str, Outcome]:
        """The key of a line of the results, and what became of its request. Raises ``ValueError`` (``KeyError``, ``TypeError``) for a line of another form."""
