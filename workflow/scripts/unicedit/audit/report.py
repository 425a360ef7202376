"""The audit as files: audit.json for programs, audit.md for people, figures."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from unicedit.audit.finding import Finding
from unicedit.audit.plot import plot_balance, plot_sizes
from unicedit.audit.store import Facts
from unicedit.audit.wishes import Limits
from unicedit.files import write_json, write_text
from unicedit.markdown import plain, table
from unicedit.triplets.mapping import Mapping as Columns
from unicedit.vlm.template import render

FORMAT = 1


def write_report(out: Path, root: Path, columns: Columns, facts: Facts, findings: Sequence[Finding], limits: Limits) -> None:
    """Write the report into ``out``. Every text of the dataset is escaped."""
    by_check = {one.check: one for one in findings}
    counts: Any = by_check["balance"].figures.get("counts", {})
    census: Any = by_check["small pictures"].figures["census"]
    missing: Any = by_check["missing sub-tasks"].figures.get("names", [])
    if counts:
        plot_balance(counts, missing, columns.name, out / "balance.png")
    plot_sizes(facts, columns.name, out / "sizes.png")
    value = {
        "format": FORMAT,
        "dataset": columns.name,
        "root": str(root),
        "rows": facts.total,
        "limits": limits.shown(),
        "findings": [asdict(one) for one in findings],
    }
    write_json(out / "audit.json", value)
    faults = [one.check for one in findings if one.verdict == "found"]
    unchecked = sum(one.verdict == "not checked" for one in findings)
    summary = f"{len(faults)} of {len(findings)} checks found faults{f', {unchecked} could not be made' if unchecked else ''}."
    text = render(
        Path(__file__).with_name("report.jinja"),
        name=plain(columns.name),
        rows=f"{facts.total:,}",
        files=f"{len(facts.files):,}",
        root=plain(root),
        mapping=plain(columns.id),
        summary=summary,
        findings=[_shown(one) for one in findings],
        balance=_balance(counts) if counts else "",
        sizes=_sizes(census),
        limits=limits.shown(),
    )
    write_text(out / "audit.md", text.rstrip("\n") + "\n")


def _shown(one: Finding) -> dict[str, Any]:
    return {
        "check": one.check,
        "verdict": one.verdict,
        "count": f"{one.count:,}",
        "count_number": one.count,
        "of": f"{one.of:,} {one.what}" if one.of else "",
        "said": plain(one.said, 400),
        "examples": [plain(example, 200) for example in one.examples],
    }


def _balance(counts: Mapping[str, int]) -> str:
    total = sum(counts.values())
    return table(
        ("sub-task", "rows", "share"), [(plain(name), f"{number:,}", f"{100 * number / total:.2f}%") for name, number in counts.items()]
    )


def _sizes(census: Mapping[str, Mapping[str, Any]]) -> str:
    rows = []
    for which, sizes in census["sizes"].items():
        rows += [(which, size, f"{number:,}") for size, number in list(sizes.items())[:5]]
    return table(("picture", "most frequent sizes", "rows"), rows, left=2)
