"""The question an instruction writer is asked."""

from pathlib import Path

from unicedit.instruct.plan import Plan
from unicedit.taxonomy import Taxonomy
from unicedit.vlm.template import render

_TEMPLATE = Path(__file__).with_name("prompt.jinja")


def prompt(plan: Plan, taxonomy: Taxonomy) -> str:
    """The prompt for one picture: the sub-tasks of its plan with definitions, examples and conditions."""
    return render(
        _TEMPLATE,
        asked=[taxonomy.subtasks[name] for name in plan.asked],
        alternates=[taxonomy.subtasks[name] for name in plan.alternates],
        count=plan.count,
        reasoning=[name for name in (*plan.asked, *plan.alternates) if taxonomy.reasons(name)],
    )
