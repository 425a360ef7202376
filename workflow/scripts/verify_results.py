"""Check every sealed file against its sidecar; name what is damaged and set it aside, so that the next run makes it again."""

import sys

from unicedit.command import folders, run, run_parser


def main() -> None:
    made = run_parser(str(__doc__))
    made.add_argument("--dry-run", action="store_true", help="only name what is damaged")
    arguments = made.parse_args()
    from rich.console import Console
    from rich.progress import Progress

    from unicedit.sidecar import sealed
    from unicedit.verify_results import check, repair

    results, _ = folders(arguments)
    console = Console()
    checked, faults = 0, []
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("checking sealed files", total=len(sealed(results)))
        for _, fault in check(results):
            checked += 1
            faults += [fault] if fault else []
            progress.advance(task)
    for fault in faults:
        moved = "" if arguments.dry_run else f"; moved to {repair(results, fault)}, the next run makes it again"
        console.print(f"{fault.path} {fault.what}{moved}", style="red", soft_wrap=True, markup=False)
    console.print(f"{checked} sealed files checked, {len(faults)} damaged", markup=False)
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    run(main)
