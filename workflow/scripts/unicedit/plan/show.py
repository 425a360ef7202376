"""The plan as a table on a terminal, and as JSON."""

import json
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from unicedit.plan.plan import Line, Plan
from unicedit.plan.units import UNKNOWN, hours, price, size, wall


def _cells(line: Line) -> list[str]:
    gpu, cpu = (line.hours, 0.0) if line.device == "gpu" else (0.0, line.hours)
    each = f"{line.seconds:.3g} s" if line.seconds is not None else UNKNOWN
    shown = [hours(one) if one != 0 else "" for one in (gpu, cpu)]
    return [f"{line.given:,}", f"{line.rows:,}", f"{line.jobs:,}", each, *shown, wall(line.wall), size(line.bytes), price(line.money)]


def show(plan: Plan, console: Console, asked: str) -> None:
    """Print the table, what is missing from it, and what to change. ``asked`` says of which configuration it is."""
    table = Table(title=f"{asked}: {plan.pictures:,} pictures, {plan.shards:,} shards", title_justify="left", header_style="bold")
    table.add_column("stage")
    for name in ("rows in", "rows out", "jobs", "a row", "GPU-hours", "CPU-hours", "wall", "storage", plan.currency):
        table.add_column(name, justify="right")
    for line in plan.lines:
        table.add_row(line.stage, *_cells(line))
    table.add_section()
    least, most = plan.wall
    totals = [hours(plan.hours(device)) for device in ("gpu", "cpu")]
    table.add_row(
        "all",
        "",
        "",
        f"{sum(plan.jobs.values()):,}",
        "",
        *totals,
        f"{wall(least)} to {wall(most)}",
        size(plan.bytes),
        price(plan.money),
        style="bold",
    )
    console.print(table)
    console.print(
        Text(
            f"Wall time with {plan.gpus} GPUs and {plan.cores} cores, without waiting in a queue: with all of them busy side by side, to one stage after another."
        )
    )
    sources: dict[str, list[str]] = {}
    for line in plan.lines:
        sources.setdefault(f"{line.source}{'' if not line.ours or line.source.startswith('measured') else ' (ours)'}", []).append(
            line.stage
        )
    console.print(Text("\nWhere the rates come from", style="bold"))
    for source, stages in sources.items():
        console.print(Text(f"  {', '.join(stages)}: {source}"))
    for title, lines, style in (("Not certain", plan.warnings, "yellow"), ("To change", plan.advice, "bold red")):
        if lines:
            console.print(Text(f"\n{title}", style=style))
        for text in lines:
            console.print(Text(f"  {text}"))
    if not plan.advice:
        console.print(Text("\nNothing to change: every job fills at most half of its time limit."))


def as_json(plan: Plan) -> str:
    """The plan as JSON: pictures, shards, jobs by rule, stages, totals, warnings, advice. Hours, bytes and money are numbers; null: not known."""
    value: dict[str, Any] = asdict(plan)
    value["stages"] = value.pop("lines")
    least, most = plan.wall
    value["totals"] = {
        "jobs": sum(plan.jobs.values()),
        "gpu_hours": plan.hours("gpu"),
        "cpu_hours": plan.hours("cpu"),
        "wall_hours_least": least,
        "wall_hours_most": most,
        "bytes": plan.bytes,
        "money": plan.money,
    }
    return json.dumps(value, indent=1, ensure_ascii=False)
