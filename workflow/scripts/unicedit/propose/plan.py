"""What is asked for proposals: which sub-tasks, of how many pictures, and of which picture which of them."""

from collections.abc import Collection
from math import ceil

from unicedit.config.instruct import InstructSettings, PerImageSettings
from unicedit.config.propose import ProposeSettings
from unicedit.instruct.plan import Plan, PlanError, Planner
from unicedit.taxonomy import Taxonomy


class ProposePlan:
    """The plan of a configuration. Raises ``PlanError`` where ``propose.subtasks`` names one that the taxonomy does not have.

    ``names`` are the sub-tasks in the taxonomy's order, ``pictures`` how many are to be asked so that each sub-task is asked for often enough
    and each record may have a picture. A picture's plan depends on its key and the seed alone, so that asking more pictures changes no plan.
    """

    def __init__(self, settings: ProposeSettings, writer: InstructSettings, taxonomy: Taxonomy) -> None:
        for name in settings.subtasks:
            if name not in taxonomy.names:
                raise PlanError(
                    f"config: propose.subtasks = {name!r}: no such sub-task in {writer.taxonomy}; known: {', '.join(taxonomy.names)}"
                )
        self.settings = settings
        self.names = [name for name in taxonomy.names if not settings.subtasks or name in settings.subtasks]
        number = min(settings.asked, len(self.names))
        equal = {
            "per_image": PerImageSettings(min=number, max=number),
            "shares": {name: float(name in self.names) for name in taxonomy.names},
            "pass_rates": {},
            "alternates": 0,
        }
        self._planner = Planner(writer.model_copy(update=equal), taxonomy)
        records = settings.wanted * len(self.names)
        self.pictures = max(ceil(records / settings.per_picture), ceil(round(records * settings.asks / number, 6)))

    def plan(self, key: str) -> Plan:
        """What the picture with that key is asked for."""
        return self._planner.plan(f"propose {self.settings.seed} {key}")


def check_known(plan: ProposePlan, known: Collection[str]) -> None:
    """Whether the benchmark's reader knows all sub-tasks. Raises ``PlanError`` where it does not."""
    if odd := [name for name in plan.names if name not in known]:
        raise PlanError(
            f"config: propose.subtasks: a benchmark cannot have {odd[0]!r}, which is none of the paper's sub-tasks (config/paper/taxonomy.csv): "
            "name those to propose, without it"
        )
