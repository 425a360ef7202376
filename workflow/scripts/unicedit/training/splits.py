"""The split of a run's samples: by group of near duplicates, so that no picture of one split looks like one of another."""

from pathlib import Path

from unicedit.config.samples import RunSampleSettings
from unicedit.sources import KeyedTable
from unicedit.training.schema import D2PO, SFT, TEST, TRAIN, VALIDATION
from unicedit.world.chance import chance


class Groups:
    """Groups of a generation's pictures: near, mirrored and exact duplicates share one, named by the picture that was kept of them."""

    def __init__(self, duplicates: Path) -> None:
        self._table = KeyedTable(duplicates)

    def of(self, image: str) -> str:
        """The group of a picture. ``KeyError`` names the table where it does not know the picture."""
        (row,) = self._table.get([image], "duplicate_of")
        return str(row["duplicate_of"] or image)


def split_of(group: str, settings: RunSampleSettings, seed: int) -> str:
    """The split of a group, by its name alone: new pictures move no old one."""
    lot = chance("sample split", seed, group).random()
    if lot < settings.test:
        return TEST
    return VALIDATION if lot < settings.test + settings.validation else TRAIN


def purpose_of(group: str, settings: RunSampleSettings, seed: int) -> str:
    """Whether a training group's samples are for SFT or pairs for D2PO."""
    return D2PO if chance("sample purpose", seed, group).random() < settings.d2po else SFT
