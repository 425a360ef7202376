"""Write results/report.html over a finished run: `python workflow/scripts/report.py -- snakemake --cores 2`.

It makes the report's own pages and nothing else: a stage that is out of date is reported as it is.
"""

import subprocess

from unicedit.command import parser, run

PAGES = ("record", "page", "report")  # the rules that may run
MOST_BYTES = 20_000_000
MOST_SIGNS = 3000  # of Snakemake's output, where it fails


def main() -> None:
    made = parser(str(__doc__))
    made.add_argument("command", nargs="+", help="the Snakemake command, after --, without targets")
    arguments = made.parse_args()
    from unicedit.errors import PipelineError
    from unicedit.monitor.places import places_of

    results, _ = places_of(arguments.command)
    out = results / "report.html"
    for name in ("dataset/sidecars/card.json", "tables/table3.json"):
        if not (results / name).exists():
            raise PipelineError(f"{results / name} is not there: there is no finished run to report on; `make all` makes one")
    for more in (["--allowed-rules", *PAGES, "--", "report"], ["--report", str(out), "--", "report"]):
        done = subprocess.run([*arguments.command, *more], check=False, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode != 0:
            raise PipelineError(f"Snakemake could not make the report; its last words:\n{done.stdout[-MOST_SIGNS:]}")
    size = out.stat().st_size
    if size > MOST_BYTES:
        raise PipelineError(f"{out} has {size / 1e6:.1f} MB, and {MOST_BYTES / 1e6:.0f} is the most that is sent around well")
    print(f"{out}: {size / 1e6:.1f} MB")


if __name__ == "__main__":
    run(main)
