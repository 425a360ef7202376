"""Go on after Snakemake was killed: find what it left running, wait for it or cancel it, unlock the folder, run again.

`python workflow/scripts/resume.py --mode cancel -- snakemake --profile slurm all`
"""

import os
import subprocess
import sys
import time
from pathlib import Path

from unicedit.command import parser, run


def main() -> None:
    made = parser(str(__doc__))
    made.add_argument(
        "--mode", choices=("show", "wait", "cancel"), default="show", help="what to do about jobs that are left; show: name them and stop"
    )
    made.add_argument("--head-is-gone", action="store_true", help="on your word, no Snakemake of this run lives on another machine")
    made.add_argument("--pause", type=float, default=15.0, help="seconds between two looks while waiting")
    made.add_argument("command", nargs="+", help="the Snakemake command that was killed, after --")
    arguments = made.parse_args()
    from unicedit.cluster.orphan import SUBMITTING_SECONDS, Run, cancel_all, find, refuse_living_head, submitting, wait_for
    from unicedit.cluster.slurm import installed
    from unicedit.errors import PipelineError
    from unicedit.monitor.places import places_of

    def say(text: str) -> None:
        print(text, flush=True)

    killed = Run(Path.cwd().resolve(), *places_of(arguments.command))
    refuse_living_head(killed, head_is_gone=arguments.head_is_gone)
    began = time.monotonic()
    while submitting(killed.folder) and time.monotonic() - began < SUBMITTING_SECONDS:
        time.sleep(0.5)
    left = find(killed)
    for one in left:
        where = "Slurm job" if one.slurm else "process"
        say(f"{one.kind:<9} {where} {one.ident}: {one.what}, {one.state}")
    if not installed():
        say("There is no Slurm on this machine: processes were looked for, nothing else.")
    if not left:
        say("Nothing of the killed run is left running.")
    elif arguments.mode == "show" and any(one.kind not in ("training", "waiter") for one in left):
        raise PipelineError(f"{len(left)} jobs of the killed run still work: make resume MODE=wait lets them end, MODE=cancel ends them")
    elif arguments.mode == "cancel":
        cancel_all(killed, say)
    else:
        if any(one.kind == "training" for one in left):
            say("Trainings go on; the run finds them again.")
        wait_for(killed, say, arguments.pause)
    refuse_living_head(killed, head_is_gone=arguments.head_is_gone)  # somebody may have been faster
    if any((killed.folder / ".snakemake" / "locks").glob("*.lock")):
        options = arguments.command[: arguments.command.index("--")] if "--" in arguments.command else arguments.command
        unlocked = subprocess.run([*options, "--unlock"], capture_output=True, text=True)
        if unlocked.returncode != 0:
            said = (unlocked.stderr.strip() or unlocked.stdout.strip() or "no word").splitlines()
            raise PipelineError(f"the folder cannot be unlocked: {said[-1]}")
        say("The folder is unlocked.")
    say(f"Going on: {' '.join(arguments.command)}")
    os.execv(sys.executable, [sys.executable, str(Path(__file__).with_name("run.py")), "--", *arguments.command])


if __name__ == "__main__":
    run(main)
