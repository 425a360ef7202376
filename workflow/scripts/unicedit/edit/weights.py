"""Which weights a pipeline edits with: digests that are among its rows' inputs."""

import hashlib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from unicedit.config.diffusers import DiffusersSettings
from unicedit.files import digest_of, sha256_of_file

READERS = 4  # files read at once; hashing runs outside Python's lock

# what a folder may hold beside these (a card, pictures) changes no edit
_DECIDING = ("*.safetensors", "*.json", "*.txt", "*.model", "*.jinja")


def pipeline_digest(settings: DiffusersSettings) -> list[str]:
    """A digest of the pipeline's deciding files, and one of its adapter's; of hub models, of their names and revisions."""
    folder = Path(settings.model)
    found = {file for pattern in _DECIDING for file in (*folder.glob(pattern), *folder.glob(f"*/{pattern}"))}
    made = [_files(folder, found) if folder.is_dir() else digest_of("hub", settings.model, settings.revision)]
    if lora := settings.lora:
        file = Path(lora.model) / lora.weight_name
        made.append(_files(Path(lora.model), [file]) if file.is_file() else digest_of("hub", lora.model, lora.weight_name, lora.revision))
    return made


def _files(folder: Path, files: Iterable[Path]) -> str:
    ordered = sorted(files)
    digest = hashlib.blake2b(digest_size=16)
    with ThreadPoolExecutor(READERS) as readers:
        for file, content in zip(ordered, readers.map(sha256_of_file, ordered), strict=True):
            digest.update(f"{file.relative_to(folder)}\0{content}\0".encode())
    return digest.hexdigest()
