"""What jobs asked for and what they used, by rule: memory, time, CPUs; and what they could ask for."""

import shutil
from pathlib import Path

from unicedit.command import folders, run, run_parser

RULES = Path(__file__).resolve().parents[1] / "rules"


def main() -> None:
    made = run_parser(str(__doc__))
    made.add_argument(
        "--profile", type=Path, default=Path("profiles/slurm"), help="profile that says what is asked, where Slurm kept no accounts"
    )
    made.add_argument("--source", choices=("auto", "sacct", "benchmarks"), default="auto", help="where figures of use come from")
    arguments = made.parse_args()
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from unicedit.cluster.asked import asked, read_profile, rules_in
    from unicedit.cluster.efficiency import SHORT, by_rule, write
    from unicedit.cluster.head import heads, submitted
    from unicedit.cluster.slurm import SlurmError
    from unicedit.cluster.used import Used, from_benchmarks, from_sacct
    from unicedit.errors import PipelineError

    console = Console()
    results, _ = folders(arguments)
    own = [one for one in heads(Path.cwd(), results) if one.run_id]
    jobs: list[Used] = []
    why = "no Snakemake of this run submitted to Slurm" if not own else "this machine has no sacct"
    why = "as --source says" if arguments.source == "benchmarks" else why
    if arguments.source != "benchmarks" and own and shutil.which("sacct"):
        rules = {job: rule for one in own for job, rule in submitted(one.log)}
        try:
            jobs = from_sacct([one.run_id for one in own], own[0].date.replace(" ", "T"), rules)
            why = "Slurm's accounting knows no job of this run"
        except SlurmError as error:
            why = str(error)
    if jobs:
        source = f"Use by Slurm's accounting, over {len(own)} runs of Snakemake; memory is of the whole job, its Snakemakes included."
    elif arguments.source == "sacct":
        raise PipelineError(f"{why}; --source benchmarks takes the benchmark files")
    else:
        jobs = from_benchmarks(results / "benchmarks", asked(rules_in(RULES), read_profile(arguments.profile)))
        source = f"Use by benchmark files, of the command alone ({why}); asked for by {arguments.profile} at the first attempt."
    if not jobs:
        raise PipelineError(f"{results}: holds no benchmark record yet; run the workflow first")
    uses = by_rule(jobs, whole_job="accounting" in source.split(",")[0])
    shown = Table(box=None, pad_edge=False, header_style="bold")
    for number, name in enumerate(SHORT):
        shown.add_column(name, justify="right" if number else "left")
    for one in uses:
        shown.add_row(*map(Text, one.short_cells()))
    console.print(shown)
    console.print(Text(source))
    console.print(Text(f"Written: {', '.join(map(str, write(uses, results / 'benchmarks', source)))}"))


if __name__ == "__main__":
    run(main)
