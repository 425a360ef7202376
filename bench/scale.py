"""How the workflow's head bears 100 to 5,000 shards: `python bench/scale.py` writes docs/scale.csv and docs/scale.png (hours at 5,000 shards; `--shards 100,300` is a try).

For each number of shards: a dry run of nothing done, one of everything done; by the real scheduler with an executor that computes nothing
(bench/scale_executor.py) a whole run whose jobs end in crowds, and the first rounds of one whose jobs end one by one; and `make status`.
Processor time is given beside wall time: it holds where other programs share the machine. `--plot` only draws again.
"""

import argparse
import csv
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[1] / "tests"), str(HERE.parents[1] / "workflow" / "scripts")]

from dry_run import lay_out  # noqa: E402
from scale_plot import plot  # noqa: E402

from checkout import SNAKEMAKE, Checkout  # noqa: E402
from made_run import make_run  # noqa: E402

COUNTS = (100, 300, 600, 1200, 2500, 5000)
DOCS = HERE.parents[1] / "docs"
STEADY_JOBS, STEADY_ROUNDS = 50, 30
KINDS = ("index", "results", "scratch", "metadata", "other")


def measured(command: list[str], folder: Path, **environment: str) -> tuple[dict[str, float], str]:
    """Wall and processor seconds and peak megabytes of a command and what it waited for, and what it said. Raises ``RuntimeError`` when it fails."""
    started = time.perf_counter()
    with tempfile.TemporaryFile("w+") as said:
        child = subprocess.Popen(command, cwd=folder, stdout=said, stderr=subprocess.STDOUT, env={**os.environ, **environment})
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - started
        said.seek(0)
        text = said.read()
    if status != 0:
        raise RuntimeError(f"{' '.join(command)}: {text[-3000:]}")
    return {"wall": seconds, "processor": usage.ru_utime + usage.ru_stime, "memory_mb": usage.ru_maxrss / 1024}, text


def dry_run(run: Checkout) -> tuple[dict[str, float], int]:
    """What a dry run takes, and how many jobs it plans."""
    figures, text = measured([*SNAKEMAKE, "--profile", "profiles/local", *run.overlay(), "-n", "--quiet", "rules", "--", "all"], run.folder)
    total = [line.split()[-1] for line in text.splitlines() if line.startswith("total")]
    return figures, int(total[-1]) if total else 0


def simulated(run: Checkout, shards: int, more: list[str], steady: int = 0) -> dict[str, Any]:
    """A run of everything under profiles/slurm, by an executor that computes nothing; what it reports. ``steady``: only so many rounds with every place taken."""
    with tempfile.TemporaryDirectory() as made:
        plugin = Path(made) / "snakemake_executor_plugin_accounting"
        plugin.mkdir()
        shutil.copy(HERE.with_name("scale_executor.py"), plugin / "__init__.py")
        report = Path(made) / "report.json"
        environment = {
            "PYTHONPATH": made,
            "UNICEDIT_SCALE_ENGINE": str(HERE.with_name("scale_engine.py")),
            "UNICEDIT_SCALE_DONE": f"{made}/done",
            "UNICEDIT_SCALE_REPORT": str(report),
            "UNICEDIT_SCALE_SHARDS": str(shards),
            "UNICEDIT_SCALE_STEADY": str(steady),
        }
        command = [
            *SNAKEMAKE,
            "--profile",
            "profiles/slurm",
            "--executor",
            "accounting",
            "--retries",
            "0",
            *run.overlay(),
            *more,
            "--",
            "all",
        ]
        measured(command, run.folder, **environment)
        value: dict[str, Any] = json.loads(report.read_text())
        if steady:
            return value
        account = Path(f"{report}.account")
        deadline = time.monotonic() + 60
        while not account.exists() and time.monotonic() < deadline:  # the engine ends after Snakemake
            time.sleep(0.1)
        value["account"] = json.loads(account.read_text())
    return value


def files_in(run: Checkout) -> dict[str, int]:
    """Files of a run by kind."""
    found = dict.fromkeys(KINDS, 0)
    for top, kind in ((run.path("results/index"), "index"), (run.path("results"), "results"), (run.path("scratch"), "scratch")):
        found[kind] += sum(len(names) for _, _, names in os.walk(top))
    found["results"] -= found["index"]
    found["metadata"] = sum(len(names) for _, _, names in os.walk(run.path(".snakemake/metadata")))
    found["other"] = sum(len(names) for _, _, names in os.walk(run.path(".snakemake"))) - found["metadata"]
    return found


def study(shards: int, more: list[str]) -> dict[str, float]:
    """Everything that is measured at one number of shards, as one row."""
    row: dict[str, float] = {"shards": shards}
    with tempfile.TemporaryDirectory() as made:
        run = lay_out(Path(made) / "checkout", shards)
        fresh, row["jobs"] = dry_run(run)
        row |= {f"fresh_{name}": value for name, value in fresh.items()}
        kept = run.copy(Path(made) / "steady")
        steady = simulated(kept, shards, [*more, "--jobs", str(STEADY_JOBS)], STEADY_ROUNDS)["rounds"]
        row["steady_ready"] = sum(one[2] for one in steady) / len(steady)
        row["steady_processor"] = sum(one[1] for one in steady) / len(steady)
        shutil.rmtree(kept.folder)
        ran = simulated(run, shards, more)
        if ran["jobs"] < row["jobs"] - 2:  # `all` is no job of the executor's
            raise RuntimeError(f"{ran['jobs']} jobs ran, {row['jobs']} were planned")
        row |= {f"first_{name}": value for name, value in ran["first_job"].items()}
        row |= {f"run_{name}": ran[name] for name in ("wall", "processor", "memory_mb", "submitting")}
        rounds = ran["rounds"]
        row["rounds"] = len(rounds)
        row["round_wall"] = sum(one[0] for one in rounds) / max(1, len(rounds))
        row["round_processor"] = sum(one[1] for one in rounds) / max(1, len(rounds))
        row["longest_round_processor"] = max((one[1] for one in rounds), default=0.0)
        row["most_ready"] = max((one[2] for one in rounds), default=0)
        row["gpu_hours"] = (ran["account"]["edit"] + ran["account"]["verify"]) / 3600
        row |= {f"files_{kind}": number for kind, number in files_in(run).items()}
        done, left = dry_run(run)
        if left:
            raise RuntimeError(f"{left} jobs are planned after a whole run")
        row |= {f"done_{name}": value for name, value in done.items()}
    with tempfile.TemporaryDirectory() as made:
        results, _ = make_run(Path(made), shards)
        status = str(HERE.parents[1] / "workflow" / "scripts" / "status.py")
        figures, _ = measured([sys.executable, status, "--results", str(results)], Path(made))
        row |= {f"status_{name}": value for name, value in figures.items()}
    return row


def main() -> None:
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--shards", default=",".join(map(str, COUNTS)), help="numbers of shards (default: %(default)s)")
    made.add_argument("--out", type=Path, default=DOCS, help="folder of scale.csv and scale.png (default: docs)")
    made.add_argument("--plot", action="store_true", help="draw the figures of scale.csv again, measure nothing")
    made.add_argument("--more", default="", help="further options for the runs' Snakemake, as '--max-jobs-per-timespan 1000/1s'")
    arguments = made.parse_args()
    table = arguments.out / "scale.csv"
    rows: dict[int, dict[str, Any]] = {}
    if table.exists():
        with table.open(encoding="utf-8") as stream:
            rows = {int(row["shards"]): dict(row) for row in csv.DictReader(stream)}
    for shards in [] if arguments.plot else map(int, arguments.shards.split(",")):
        rows[shards] = {name: round(value, 4) for name, value in study(shards, arguments.more.split()).items()}
        print(json.dumps(rows[shards]), flush=True)
        with table.open("w", encoding="utf-8", newline="") as stream:
            out = csv.DictWriter(stream, list(rows[shards]), lineterminator="\n")
            out.writeheader()
            out.writerows(rows[count] for count in sorted(rows))
    plot([{name: float(value) for name, value in rows[count].items()} for count in sorted(rows)], arguments.out / "scale.png")


if __name__ == "__main__":
    main()
