"""The efficiency summary of a run: gathered from where figures are, printed, and written beside the benchmark files."""

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from unicedit.cluster.asked import asked, read_profile, rules_in
from unicedit.cluster.efficiency import SHORT, by_rule, write
from unicedit.cluster.head import heads, submitted
from unicedit.cluster.slurm import SlurmError
from unicedit.cluster.used import Used, from_benchmarks, from_sacct
from unicedit.errors import PipelineError

RULES = Path(__file__).resolve().parents[3] / "rules"


def _accounted(folder: Path, results: Path) -> tuple[list[Used], str]:
    """The jobs of a run as Slurm's accounting has them; where it has none, why."""
    own = [one for one in heads(folder, results) if one.run_id]
    if not own:
        return [], "no Snakemake of this run submitted to Slurm"
    if not shutil.which("sacct"):
        return [], "this machine has no sacct"
    rules = {job: rule for one in own for job, rule in submitted(one.log)}
    try:
        jobs = from_sacct([one.run_id for one in own], own[0].date.replace(" ", "T"), rules)
    except SlurmError as error:
        return [], str(error)
    return jobs, "" if jobs else "Slurm's accounting knows no job of this run"


def report(folder: Path, results: Path, profile: Path, source: str, console: Console) -> None:
    """Print and write what jobs of a run in ``folder`` asked and used. ``source``: sacct, benchmarks, or auto, which takes the first that has any.

    Raises ``PipelineError`` where nothing was measured.
    """
    jobs, why = _accounted(folder, results) if source != "benchmarks" else ([], "as --source says")
    if not jobs and source == "sacct":
        raise PipelineError(f"{why}; --source benchmarks takes the benchmark files")
    accounted = bool(jobs)
    said = "Use by Slurm's accounting; memory is of the whole job, its Snakemakes included."
    if not accounted:
        jobs = from_benchmarks(results / "benchmarks", asked(rules_in(RULES), read_profile(profile)))
        said = f"Use by benchmark files, of the command alone ({why}); asked for by {profile} at the first attempt."
    if not jobs:
        raise PipelineError(f"{results}: holds no benchmark record yet; run the workflow first")
    uses = by_rule(jobs, whole_job=accounted)
    shown = Table(box=None, pad_edge=False, header_style="bold")
    for number, name in enumerate(SHORT):
        shown.add_column(name, justify="right" if number else "left")
    for one in uses:
        shown.add_row(*map(Text, one.short_cells()))
    console.print(shown)
    console.print(Text(said))
    console.print(Text(f"Written: {', '.join(map(str, write(uses, results / 'benchmarks', said)))}"))


def report_after(logs: Sequence[Path], results: Path, profile: Path) -> None:
    """At the end of a Snakemake in this folder: the summary, where that Snakemake (whose ``logs`` these are) submitted jobs to Slurm.

    A summary that cannot be made is said and no more: the run itself is over.
    """
    if all(next(submitted(log), None) is None for log in logs):
        return
    try:
        report(Path.cwd(), results, profile, "auto", Console(stderr=True))
    except PipelineError as error:
        print(f"no efficiency summary: {error}", file=sys.stderr)
