"""Continuous scores of the failure filter, with the truth: the run's own verifier, and SSIM beside it on the same edits.

For both a *lower* evidence of a change drops an edit: a verifier's margin log p(changed) - log p(unchanged), or the negative similarity.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from unicedit.errors import PipelineError
from unicedit.lookup import rows
from unicedit.pictures import decoded
from unicedit.schema import OK
from unicedit.sources import KeyedTable, Sources
from unicedit.verify.ssim import similarity

SSIM = "ssim"
Arrays = tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.str_]]


@dataclass
class Scores:
    """Edits with a truth and a score of either kind: evidence of a change (n,), whether each is invalid (n,), its key and its source image (n,), and whether its photograph trained
    no verifier (n,). ``expected`` counts all edits with a truth.
    """

    evidence: list[float] = field(default_factory=list)
    invalid: list[bool] = field(default_factory=list)
    key: list[str] = field(default_factory=list)
    image: list[str] = field(default_factory=list)
    unseen: list[bool] = field(default_factory=list)
    expected: int = 0

    def add(self, key: str, evidence: float | None, invalid: bool, image: str, unseen: bool) -> None:
        self.expected += 1
        if evidence is None:
            return
        self.evidence.append(evidence)
        self.invalid.append(invalid)
        self.key.append(key)
        self.image.append(image)
        self.unseen.append(unseen)

    def arrays(self, unseen: bool = False, keys: Collection[str] | None = None) -> Arrays:
        """Evidence, invalid and image; of pictures on photographs that trained nothing alone, and of some keys alone, where that is asked."""
        kept = np.array(self.unseen, bool) if unseen else np.ones(len(self.evidence), bool)
        if keys is not None:
            kept &= np.array([key in keys for key in self.key], bool)
        return np.array(self.evidence, np.float64)[kept], np.array(self.invalid, bool)[kept], np.array(self.image, str)[kept]


def scores_of(results: Path, shards: Iterable[str], engine: str) -> dict[str, Scores]:
    """The scores of the run's verifier by its engine's name, and of SSIM, over shards. Raises ``PipelineError`` when verdicts and truth speak of other edits."""
    found = {engine: Scores(), SSIM: Scores()}
    for shard in shards:
        truth = {row["key"]: not row["valid"] for row in _truth(results, shard)}
        verdicts = {row["key"]: row for row in rows(results / "verify" / f"{shard}.parquet", ["key", "score", "status"])}
        if odd := set(truth) ^ set(verdicts):
            raise PipelineError(
                f"shard {shard}: {len(odd)} edits are in only one of verify and truth, as {min(odd)}; remove results/truth and run again"
            )
        sources = Sources(results / "ingest" / f"{shard}.parquet")
        edits = KeyedTable(results / "edit" / f"{shard}.parquet")
        for row in rows(results / "edit" / f"{shard}.parquet", ["key", "image"], OK):
            key = row["key"]
            ((picture, provenance),) = sources.pictures([row["image"]])
            unseen = _trains_nothing(provenance.source)
            measured = verdicts[key]["score"] if engine == SSIM else None
            if measured is None:
                measured = similarity(decoded(picture), decoded(edits.get([key], "edit_image")[0]["edit_image"]))
            found[SSIM].add(key, -measured, truth[key], row["image"], unseen)
            if engine != SSIM:
                found[engine].add(key, verdicts[key]["score"], truth[key], row["image"], unseen)
    return found


def _truth(results: Path, shard: str) -> list[dict[str, Any]]:
    table = pq.read_table(results / "truth" / "truth.parquet", columns=["key", "valid"], filters=[("shard", "==", shard)])
    return table.to_pylist()  # type: ignore[no-any-return]


def _trains_nothing(source: str) -> bool:
    """Whether a picture of the world is on a photograph of the validation or test split; false for a user's own pictures, of which nothing is known."""
    from unicedit.world.outcome import WORLD_PREFIX
    from unicedit.world.scene import scene_of
    from unicedit.world.splits import split_of

    if not source.startswith(WORLD_PREFIX):
        return False
    backdrop = scene_of(source).backdrop
    return backdrop is not None and split_of(backdrop.photo) != "train"
