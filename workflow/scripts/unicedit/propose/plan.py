"""What is asked for proposals: which sub-tasks, of how many pictures, and of which picture which of them."""

from collections.abc import Mapping
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


def check_known(plan: ProposePlan, taxonomy: Taxonomy, task_of: Mapping[str, str]) -> None:
    """Whether a benchmark may have all its sub-tasks, by ``task_of`` of the paper. Raises ``PlanError`` where it may not."""
    for name in plan.names:
        if task_of.get(name) != taxonomy.task_of[name]:
            raise PlanError(
                f"config: propose.subtasks: a benchmark cannot have {name!r} of {taxonomy.task_of[name]!r}: config/paper/taxonomy.csv "
                f"{'does not have it' if name not in task_of else f'has it under {task_of[name]!r}'}; name those to propose, without it"
            )
