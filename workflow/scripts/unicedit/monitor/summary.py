"""What a run shows at its end: what was computed, where things are, or what failed."""

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from unicedit.files import read_json
from unicedit.monitor.bars import duration
from unicedit.monitor.output import Output, last_lines
from unicedit.monitor.progress import in_order
from unicedit.monitor.records import Record
from unicedit.vlm.spent import spent_in

COUNTS = ("computed", "resumed", "reused", "failed")
MOST_FAILURES = 5
_MADE = (
    ("Dataset card", "dataset/README.md"),
    ("Census", "dataset/census.png"),
    ("Gallery", "gallery/index.html"),
    ("Table 2", "tables/table2.md"),
    ("Table 3", "tables/table3.md"),
    ("Filter truth", "tables/filter_truth.md"),
    ("Table 4", "tables/table4.md"),
    ("NC against VIEScore", "tables/nc_claim.md"),
    ("Judges and truth", "tables/judge_check.md"),
    ("Table 5", "tables/table5.md"),
    ("SSIM claim", "tables/ssim_claim.md"),
    ("Filter curve", "tables/filter_curve.md"),
    ("Verifier", "verifier/d2po/model"),
    ("Contamination", "tables/contamination.md"),
    ("Proposals", "tables/proposals.md"),
)


def counts_table(records: Sequence[Record]) -> Table:
    """Rows by stage and how they came about."""
    totals: dict[str, Counter[str]] = {}
    for record in records:
        totals.setdefault(record.stage, Counter()).update({name: getattr(record, name) for name in COUNTS})
    shown = Table(box=None, pad_edge=False, header_style="bold")
    shown.add_column("stage")
    for name in COUNTS:
        shown.add_column(f"rows {name}", justify="right")
    for stage in in_order(totals):
        figures = [Text(f"{totals[stage][name]:,}", style="red" if name == "failed" and totals[stage][name] else "") for name in COUNTS]
        shown.add_row(stage, *figures)
    return shown


def dataset_line(results: Path) -> str | None:
    """How large the dataset is and how it is read; None while there is none."""
    sidecars = sorted((results / "dataset" / "sidecars").glob("shard-*.json"))
    with ThreadPoolExecutor(8) as readers:  # on a network file system each opening waits for a server
        sealed = [value for value in readers.map(read_json, sidecars) if "set_aside" not in value]
    if not sealed:
        return None
    rows, size = sum(value["rows"] for value in sealed), sum(value["bytes"] for value in sealed)
    return f"{rows:,} rows, {size / 1e6:,.1f} MB, {len(sealed):,} files"


def usage_lines(results: Path) -> list[str]:
    """What each stage has asked of a model behind a server, over all runs into this folder."""
    lines = []
    for folder in sorted(path for path in (results / "usage").glob("*") if path.is_dir()):
        spent = spent_in(folder)
        money = f", {spent.money:,.2f} spent" if spent.money else ""
        waiting = f", {spent.waiting:,} waiting in batches" if spent.waiting else ""
        tokens = f"{spent.tokens_in + spent.tokens_out:,} tokens"
        lines.append(
            f"{folder.name}: {spent.sent:,} requests ({spent.repeated:,} repeated), {spent.known:,} replies from the cache, {tokens}{money}{waiting}"
        )
    return lines


def show_summary(console: Console, results: Path, records: Sequence[Record], output: Output, elapsed: float) -> None:
    """Print the panel at the end of a run that succeeded."""
    parts: list[Text | Table] = []
    if records:
        parts += [counts_table(records), Text("")]
    elif output.nothing_to_do:
        parts += [Text("Nothing to do: everything is up to date."), Text("")]
    dataset = dataset_line(results)
    places = Table(box=None, pad_edge=False, show_header=False)
    places.add_column(style="bold")
    places.add_column(overflow="fold")
    if dataset is not None:
        places.add_row("Dataset", Text(f"{results / 'dataset'}  ({dataset})"))
    for name, path in _MADE:
        if (results / path).exists():
            places.add_row(name, Text(str(results / path)))
    if dataset is not None:
        places.add_row("To load it", Text(f'datasets.load_dataset("{results / "dataset"}", split="train")'))
    if usage := usage_lines(results):
        places.add_row("Asked of models", Text("\n".join(usage)))
    if output.on_slurm:
        places.add_row("Asked and used", Text("make efficiency"))
    parts.append(places)
    console.print(Panel(Group(*parts), title=f"Done in {duration(elapsed)}", title_align="left", border_style="green", expand=False))


def show_failure(console: Console, output: Output, returncode: int) -> None:
    """Print what failed: each job's rule and log with its last lines, or the end of Snakemake's output when no job did."""

    def say(text: str, style: str = "") -> None:
        console.print(Text(text, style=style), soft_wrap=True, highlight=False)

    say(f"The run failed (exit status {returncode}).", "bold red")
    failed = list(output.errors.values())
    for job in failed[:MOST_FAILURES]:
        say(f"\n{job.rule} failed", "red")
        for path in job.logs:
            say(f"  {path}:")
            for text in last_lines(path, 8) if path.is_file() else ["(there is no such log)"]:
                say(f"    {text}")
    if len(failed) > MOST_FAILURES:
        say(f"\nand {len(failed) - MOST_FAILURES} more failed jobs, with logs:")
        for path in [path for job in failed[MOST_FAILURES:] for path in job.logs][:100]:
            say(f"  {path}")
    if not failed:
        for text in output.tail:
            say(f"  {text}")
        if any("cannot be locked" in text for text in output.tail):
            say("\nIf no other run works in this folder, an earlier one was killed: `make unlock`, and again.", "bold")
    say(f"\nAll of Snakemake's output: {output.path}")
