"""The instruct stage: instructions for the pictures of a shard."""

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

from unicedit.config.instruct import InstructSettings
from unicedit.instruct.plan import Plan, Planner
from unicedit.instruct.prompt import prompt
from unicedit.instruct.writing import Picture, Writing
from unicedit.lookup import rows
from unicedit.map.stage import Item
from unicedit.schema import INSTRUCT, OK
from unicedit.sources import Sources
from unicedit.taxonomy import Taxonomy
from unicedit.vlm.engines import NOWHERE, VlmPlaces

log = logging.getLogger(__name__)


class InstructStage(Writing):
    """Instructions for the pictures that passed the prefilter."""

    name = "instruct"
    schema = INSTRUCT

    def __init__(
        self, ingest: Path, prefilter: Path, settings: InstructSettings, taxonomy: Taxonomy, recipe: str, places: VlmPlaces = NOWHERE
    ) -> None:
        super().__init__(settings, taxonomy, recipe, places)
        self.prefilter = prefilter
        self.planner = Planner(settings, taxonomy)
        self.sources = Sources(ingest)

    def plan(self, key: str) -> Plan:
        """What the shares and pass rates ask of the picture."""
        return self.planner.plan(key)

    def question(self, plan: Plan) -> str:
        """The prompt for a plan."""
        return prompt(plan, self.taxonomy)

    def items(self) -> Iterator[Item]:
        """One item a picture."""
        for short in self.planner.unreachable():
            log.warning(
                "%s: %.1f%% of the accepted rows are expected, %.1f%% are the target; asking every picture for it is not enough",
                short.subtask,
                100 * short.expected,
                100 * short.target,
            )
        for row in rows(self.prefilter, ["key"], OK):
            yield self.item(row["key"], self.sources.digest(row["key"]))

    def load(self, items: Sequence[Item]) -> Sequence[Picture]:
        """The pictures, with their provenance."""
        return self.sources.pictures([item.key for item in items])
