"""Which model it is: a digest of what decides its replies."""

import hashlib
from pathlib import Path

from unicedit.files import CHUNK_BYTES

# what a folder may hold beside these (a card, a training state) changes no reply
_DECIDING = ("*.safetensors", "config.json", "tokenizer*.json", "vocab.json", "merges.txt", "*processor_config.json", "chat_template*")


def model_digest(path: str, revision: str | None = None) -> str:
    """32 hexadecimal digits over names and contents of a model folder's deciding files; for a hub model, over its name and revision."""
    digest = hashlib.blake2b(digest_size=16)
    folder = Path(path)
    if not folder.is_dir():
        digest.update(f"{path}@{revision}".encode())
        return digest.hexdigest()
    for file in sorted({found for pattern in _DECIDING for found in folder.glob(pattern)}):
        digest.update(f"{file.name}\0{file.stat().st_size}\0".encode())
        with file.open("rb") as stream:
            while chunk := stream.read(CHUNK_BYTES):
                digest.update(chunk)
    return digest.hexdigest()
