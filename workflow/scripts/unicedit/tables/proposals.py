"""What was proposed for a benchmark, by sub-task: target, proposals, and why there are no more."""

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from unicedit.files import appearing_whole, write_text
from unicedit.markdown import plain, table
from unicedit.propose.plan import ProposePlan
from unicedit.schema import FAILED, OK
from unicedit.sidecar import reason_class
from unicedit.vlm.template import render

NAME = "proposals"
WHY = ("impossible", "unanswered", "duplicate", "used", "surplus", FAILED)  # what is not proposed
COLUMNS = ("subtask", "target", "wanted", "proposed", "short", "asked", *WHY)
SHOWN = 10  # reasons of failures in the Markdown
Line = dict[str, Any]


def write_tables(folder: Path, proposals: Sequence[Mapping[str, Any]], plan: ProposePlan, simulated: bool) -> None:
    """Write ``proposals`` as csv and md. ``proposals`` are the rows with what became of them; a failed one is a picture that was asked for a whole plan."""
    lines = lines_of(proposals, plan)
    with appearing_whole(folder / f"{NAME}.csv") as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        out = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
        out.writeheader()
        out.writerows(lines)
    failures = Counter(one["reason"] for one in proposals if one["status"] == FAILED)
    write_text(folder / f"{NAME}.md", page(lines, failures, len({one["image"] for one in proposals}), plan, simulated))


def lines_of(proposals: Sequence[Mapping[str, Any]], plan: ProposePlan) -> list[Line]:
    """A line a sub-task: ``asked`` = ``proposed`` + each of ``WHY``."""
    counted: dict[str, Counter[str]] = {name: Counter() for name in plan.names}
    for one in proposals:
        if one["status"] == FAILED:
            for name in plan.plan(one["image"]).asked:
                counted[name][FAILED] += 1
        else:
            counted[one["subtask"]]["proposed" if one["status"] == OK else reason_class(one["reason"])] += 1
    settings = plan.settings
    return [
        {
            "subtask": name,
            "target": settings.per_subtask,
            "wanted": settings.wanted,
            "short": max(0, settings.per_subtask - own["proposed"]),
            "asked": own.total(),
            **{column: own[column] for column in ("proposed", *WHY)},
        }
        for name, own in counted.items()
    ]


def page(lines: Sequence[Line], failures: Counter[str], pictures: int, plan: ProposePlan, simulated: bool) -> str:
    """The table as Markdown."""
    return (
        render(
            Path(__file__).with_name("proposals.jinja"),
            lines=table(COLUMNS, [(plain(line["subtask"]), *(f"{line[name]:,}" for name in COLUMNS[1:])) for line in lines]),
            records=f"{sum(line['proposed'] for line in lines):,}",
            subtasks=len(lines),
            target=plan.settings.per_subtask,
            short=[(plain(line["subtask"]), line["proposed"]) for line in lines if line["short"]],
            pictures=f"{pictures:,}",
            missing=f"{max(0, plan.pictures - pictures):,}",
            failures=table(
                ("why their replies could not be used", "pictures"),
                [(plain(why), f"{number:,}") for why, number in failures.most_common(SHOWN)],
            ),
            failed=f"{failures.total():,}",
            simulated=simulated,
        )
        + "\n"
    )
