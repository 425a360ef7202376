"""Say what a run will take before anything of it begins: rows, jobs, GPU-hours, wall time, storage and money by stage, and what to change."""

from pathlib import Path

from unicedit.command import parser, run


def main() -> None:
    made = parser(str(__doc__))
    made.add_argument(
        "--configfile", type=Path, nargs="*", default=[], help="configuration files beside config/config.yaml, as given to Snakemake"
    )
    made.add_argument("--gpus", type=int, default=8, help="GPUs that work at once")
    made.add_argument("--cores", type=int, default=64, help="CPU cores that work at once")
    made.add_argument(
        "--profile", type=Path, default=Path("profiles/slurm"), help="profile whose time limits hold; one that runs locally has none"
    )
    made.add_argument(
        "--measured",
        type=Path,
        nargs="*",
        metavar="FOLDER",
        help="results (and scratch) folder of a finished run to take rates from, as plan.measured",
    )
    made.add_argument("--json", action="store_true", help="print JSON")
    arguments = made.parse_args()
    from rich.console import Console

    from unicedit.plan.make import make_plan
    from unicedit.plan.show import as_json, show

    files = [Path("config/config.yaml"), *(file for file in arguments.configfile if file != Path("config/config.yaml"))]
    plan = make_plan(files, arguments.gpus, arguments.cores, arguments.profile, arguments.measured)
    if arguments.json:
        print(as_json(plan))
    else:
        show(plan, Console(), ", ".join(file.name for file in files))


if __name__ == "__main__":
    run(main)
