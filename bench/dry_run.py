"""`snakemake -n all` at paper scale: 1,200 shards, all stages, fresh and with everything done (issue 3: under 12 s and 400 MB each).

The library is 1,200 small tars. "Everything done" puts a small table with a true sidecar in every place and has `snakemake --touch` record them.
Beside the fresh one stands Snakemake's own share: a workflow of as many jobs in six rules that do nothing, each with what every rule of ours must have.
"""

import os
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[1] / "tests"), str(HERE.parents[1] / "workflow" / "scripts")]

from targets import Targets  # noqa: E402

from checkout import SNAKEMAKE, Checkout  # noqa: E402

CONFIG = "library: {kind: files, path: library}\nbenchmark: {source: none}\nverify: {engine: simulated}\n"

BARE = """
rule all:
    input:
        expand("results/5/{shard}.json", shard=[f"{number:05d}" for number in range(SHARDS)]),

for NUMBER in range(6):
    rule:
        name: f"stage_{NUMBER}"
        input: *([ancient(f"results/{NUMBER - 1}/{{shard}}.parquet"), f"results/{NUMBER - 1}/{{shard}}.json"] if NUMBER else [])
        output: table=f"results/{NUMBER}/{{shard}}.parquet", seal=f"results/{NUMBER}/{{shard}}.json"
        log: f"results/logs/{NUMBER}/{{shard}}.log"
        benchmark: f"results/benchmarks/{NUMBER}/{{shard}}.tsv"
        conda: "stage.yaml"
        threads: 1
        resources: mem_mb=4000, runtime=480
        params: code="0", settings="0"
        message: "Shard {wildcards.shard}"
        shell: "stage --inputs {input:q} --table {output.table:q} --seal {output.seal:q} --code {params.code:q} --settings {params.settings:q} > {log:q} 2>&1"
"""


def lay_out(folder: Path, shards: int) -> Checkout:
    """A checkout with a library of one-member tars."""
    run = Checkout.fresh(folder)
    run.path("library").mkdir()
    for number in range(shards):
        with tarfile.open(run.path(f"library/{number:05d}.tar"), "w") as tar:
            tar.addfile(tarfile.TarInfo(f"{number:05d}.jpg"))
    run.path("test.yaml").write_text(CONFIG)
    return run


def finish(run: Checkout) -> None:
    """Put a small table and a true sidecar wherever the workflow wants one."""
    script = """
import sys, json
sys.path.insert(0, "workflow/scripts")
from pathlib import Path
import yaml
from unicedit.sidecar import Identity, seal
from unicedit.stages import ORDER, SHARD_STAGES
from unicedit.workflow import Pipeline
values = yaml.safe_load(open("config/config.yaml"))
for name, section in yaml.safe_load(open("test.yaml")).items():
    values[name].update(section)
pipeline = Pipeline(values)
pipeline.open_library(scan=True)
status = {"ok": 1, "rejected": 0, "failed": 0}
def put(table, sidecar, stage, shard, inputs):
    table, sidecar = Path(table), Path(sidecar)
    for path in (table, sidecar):
        path.parent.mkdir(parents=True, exist_ok=True)
    table.write_text(f"{stage} {shard}")
    code, _ = pipeline.identity_of(stage)
    seal(table, sidecar, Identity(stage, shard, code, pipeline._settings(stage), tuple(map(Path, inputs))), rows=1, rows_in=1, status=status, reasons={})
for stage in ORDER:
    if stage not in ("duplicates", *SHARD_STAGES, "truth", "card", "gallery", "table3", "filter_truth"):
        continue  # `all` wants none of them by default
    if stage == "duplicates":
        put("results/duplicates/0000.parquet", "results/duplicates/0000.json", stage, "0000", pipeline.all_seals("ingest"))
    elif stage in SHARD_STAGES:
        before = SHARD_STAGES[max(0, SHARD_STAGES.index(stage) - 1)]
        for shard, table, sidecar in zip(pipeline.shards, pipeline.all_tables(stage), pipeline.all_seals(stage)):
            inputs = [f"results/index/{shard}.json"] if stage == "ingest" else [pipeline.seal(before).replace("{shard}", shard)]
            put(table, sidecar, stage, shard, inputs)
    else:
        for made in pipeline.gather_outputs(stage):
            Path(made).parent.mkdir(parents=True, exist_ok=True)
            if Path(made).suffix:
                Path(made).write_text(stage)
            else:
                Path(made).mkdir()
        put(pipeline.gather_outputs(stage)[0], pipeline.gather_seal(stage), stage, "all", pipeline.all_seals("verify"))
"""
    subprocess.run([sys.executable, "-c", script], cwd=run.folder, check=True)
    subprocess.run(
        [*SNAKEMAKE, "--profile", "profiles/local", *run.overlay(), "--touch", "--quiet", "all", "--", "all"],
        cwd=run.folder,
        check=True,
        capture_output=True,
    )


def bare(folder: Path, shards: int) -> tuple[float, float, int]:
    """A dry run of as many jobs that do nothing."""
    folder.mkdir()
    (folder / "Snakefile").write_text(f"SHARDS = {shards}\n{BARE}")
    (folder / "stage.yaml").write_text("channels: [conda-forge]\ndependencies: [python]\n")
    return dry_run(folder, "--cores", "all", "--scheduler", "greedy")


def dry_run(folder: Path, *options: str) -> tuple[float, float, int]:
    """Seconds, megabytes at the peak, and jobs planned."""
    started = time.perf_counter()
    command = [*SNAKEMAKE, *options, "-n", "--quiet", "rules", "--", "all"]
    child = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert child.stdout is not None
    output = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - started
    if status != 0:
        raise RuntimeError(output[-3000:])
    total = [line.split()[-1] for line in output.splitlines() if line.startswith("total")]
    return seconds, usage.ru_maxrss / 1024, int(total[-1]) if total else 0


def main(shards: int = 1200) -> None:
    """Print seconds and megabytes of both dry runs, and leave with 1 when a target is missed."""
    targets = Targets()
    with tempfile.TemporaryDirectory() as made:
        run = lay_out(Path(made) / "checkout", shards)
        options = ("--profile", "profiles/local", *run.overlay())
        dry_run(run.folder, *options)  # a clone's first run reads its modules' syntax
        fresh = dry_run(run.folder, *options)
        if run.path("results").exists():
            raise RuntimeError("a dry run wrote into the results folder")
        finish(run)
        done = dry_run(run.folder, *options)
        nothing = bare(Path(made) / "bare", shards)
    for name, (seconds, megabytes, jobs) in (("fresh", fresh), ("everything done", done)):
        what = f"snakemake -n all, {shards} shards, {name}"
        least, most = (6 * shards, None) if name.startswith("fresh") else (None, 0)
        targets.show(f"{what}, jobs planned", jobs, at_least=least, at_most=most, digits=0)
        targets.show(what, seconds, "s", at_most=12, digits=1)
        targets.show(what, megabytes, "MB", at_most=400, digits=0)
    print(f"a workflow of {nothing[2]} jobs that do nothing, fresh: {nothing[0]:.1f} s")
    targets.show("ours / that, a job", fresh[0] / fresh[2] / (nothing[0] / nothing[2]), at_most=1.5)
    targets.end()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1200)
