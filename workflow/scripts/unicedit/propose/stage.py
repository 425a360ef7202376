"""The propose stage: pictures of the whole library are asked for instructions that a benchmark may have."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from unicedit.config.instruct import InstructSettings
from unicedit.instruct.plan import Plan
from unicedit.instruct.reply import Entry
from unicedit.instruct.writing import Picture, Writing
from unicedit.map.stage import Item
from unicedit.propose.pictures import Candidate
from unicedit.propose.plan import ProposePlan
from unicedit.propose.schema import PROPOSALS
from unicedit.sources import Sources
from unicedit.taxonomy import Taxonomy
from unicedit.vlm.engines import NOWHERE, VlmPlaces
from unicedit.vlm.reply import ReplyError
from unicedit.vlm.template import render

LEAST, MOST = 2, 6  # reasoning points of a Reasoning sample, as UnicBench has them
_TEMPLATE = Path(__file__).with_name("prompt.jinja")


class ProposeStage(Writing):
    """Instructions for ``pictures``, whose ingest tables are in the folder ``ingest``."""

    name = "propose"
    schema = PROPOSALS

    def __init__(
        self,
        ingest: Path,
        pictures: Sequence[Candidate],
        plan: ProposePlan,
        settings: InstructSettings,
        taxonomy: Taxonomy,
        recipe: str,
        places: VlmPlaces = NOWHERE,
    ) -> None:
        super().__init__(settings, taxonomy, recipe, places)
        self.ingest, self.pictures, self.plans = ingest, pictures, plan

    def plan(self, key: str) -> Plan:
        """The sub-tasks that the picture is asked for; no alternates."""
        return self.plans.plan(key)

    def question(self, plan: Plan) -> str:
        """The prompt for a plan."""
        asked = [self.taxonomy.subtasks[name] for name in plan.asked]
        reasoning = [name for name in plan.asked if self.taxonomy.reasons(name)]
        return render(_TEMPLATE, asked=asked, reasoning=reasoning, least=LEAST, most=MOST)

    def answer(self, text: str, plan: Plan) -> dict[str, Entry]:
        """As instruct reads it, with as many reasoning points as a record has. Raises ``ReplyError``."""
        entries = super().answer(text, plan)
        for name, entry in entries.items():
            points = sum(map(bool, entry.reasoning_points))
            if entry.possible and self.taxonomy.reasons(name) and not LEAST <= points <= MOST:
                raise ReplyError(f"{name}: {points} reasoning points, {LEAST} to {MOST} are allowed")
        return entries

    def items(self) -> Iterator[Item]:
        """One item a picture."""
        for one in self.pictures:
            yield self.item(one.key, one.digest, shard=one.shard)

    def load(self, items: Sequence[Item]) -> Sequence[Picture]:
        """The pictures, with their provenance, each from its shard's table."""
        found: list[Picture] = []
        for shard, own in groupby(items, lambda item: item.row["shard"]):
            found += Sources(self.ingest / f"{shard}.parquet").pictures([item.key for item in own])
        return found
