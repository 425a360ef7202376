"""Getting the public benchmark onto this machine: its prompts at a pinned commit, and its dataset. Both go into the cache folder alone."""

import hashlib
import logging
import urllib.error
import urllib.request
from pathlib import Path

from unicedit.benchmark.record import BenchmarkError
from unicedit.config.benchmark import BenchmarkSettings
from unicedit.files import appearing_whole
from unicedit.judge.public import PLACE, public_prompts

log = logging.getLogger(__name__)
COMMIT = "24c13be072020348ca19e70f0e57df4c30a8495c"  # of WeChatCV/UnicBench, 2025-12-15
ADDRESS = f"https://raw.githubusercontent.com/WeChatCV/UnicBench/{COMMIT}/data/prompts.py"
SHA256 = "130a596f45e911c92ad0adb121053f60cf071cd2247818367c19f766839ad9fa"
MAX_BYTES = 1_000_000
SECONDS = 60


def fetch_prompts(cache: Path, address: str = ADDRESS, sha256: str = SHA256) -> Path:
    """Get the public prompts, unless they are there; returns where they lie. Raises ``BenchmarkError`` for any other content than the pinned one."""
    path = cache / PLACE
    if path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == sha256:
        return path
    try:
        with urllib.request.urlopen(address, timeout=SECONDS) as answer:
            content = answer.read(MAX_BYTES + 1)
    except (urllib.error.URLError, TimeoutError, OSError) as error:
        raise BenchmarkError(f"{address}: cannot be fetched ({error}); copy the file to {path} from a machine that can") from error
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise BenchmarkError(f"{address}: SHA-256 is {found}, {sha256} is pinned; nothing was stored")
    with appearing_whole(path) as temporary:
        temporary.write_bytes(content)
    public_prompts(cache)
    return path


def fetch_dataset(settings: BenchmarkSettings, cache: Path) -> int:
    """Have the dataset in the cache where the records are read from, which jobs then do offline; returns its rows."""
    from unicedit.benchmark.hub import open_dataset

    if settings.revision is None:
        log.warning(
            "benchmark.revision is not set: the newest commit of %s is fetched, and another day it may be another", settings.dataset
        )
    return len(open_dataset(settings, cache / "datasets"))
