"""Reports of finished runs, as `make report` makes them."""

import base64
from pathlib import Path

from checkout import SNAKEMAKE, Checkout


def make_report(run: Checkout, check: bool = True) -> str:
    """Make the report of a run; returns what was said."""
    command = [*SNAKEMAKE, *run.overlay(), "--profile", "profiles/local", "--cores", "2"]
    done = run.command("report", "--", *command, check=check)
    return done.stdout + done.stderr


def holds(report: str, path: Path) -> bool:
    """Whether the report embeds a file, byte by byte."""
    return base64.b64encode(path.read_bytes()).decode() in report
