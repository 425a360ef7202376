"""Pictures that a server gave, kept between runs: what was paid for once is not asked for again.

One file an edit, which appears whole; so any number of jobs on any number of nodes may use the folder. It may be deleted at any time.
"""

import hashlib
from pathlib import Path

from unicedit.edit.port import EditRequest
from unicedit.files import appearing_whole, digest_of


def key_of(identity: str, request: EditRequest) -> str:
    """The key of an edit: who made it with which settings (``identity``), pixels, instruction and seed."""
    image = request.image
    pixels = hashlib.blake2b(f"{image.size}".encode() + image.tobytes(), digest_size=16).hexdigest()
    return digest_of("edit", identity, pixels, request.instruction_en, request.instruction_cn, request.seed)


class KeptPictures:
    """The pictures of one folder; None: nothing is kept. Raises ``OSError`` where the folder cannot be written."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder

    def _path(self, folder: Path, key: str) -> Path:
        return folder / key[:2] / key

    def get(self, key: str) -> bytes | None:
        """The bytes that the server gave before; None where it did not."""
        if self.folder is None:
            return None
        try:
            return self._path(self.folder, key).read_bytes()
        except FileNotFoundError:
            return None

    def put(self, key: str, content: bytes) -> None:
        """Keep them."""
        if self.folder is not None:
            with appearing_whole(self._path(self.folder, key)) as temporary:
                temporary.write_bytes(content)
