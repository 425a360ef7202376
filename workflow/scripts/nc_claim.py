"""Test the claim that VIEScore misses damage outside the target: detection by NC and by VIEScore, on the benchmark's simulated edits."""

import json
from pathlib import Path

from unicedit.command import run
from unicedit.gather import gather_parser, seal_gather


def main() -> None:
    made = gather_parser(str(__doc__))
    made.add_argument("--records", type=Path, required=True, help="the benchmark's table of records")
    made.add_argument("--edits", type=Path, nargs="+", required=True, help="the models' tables of edits")
    made.add_argument("--judged", type=Path, nargs="+", required=True, help="the judges' tables")
    made.add_argument("--viescores", type=Path, nargs="*", default=[], help="tables of bench_viescore.py, of judges that read pictures")
    made.add_argument("--inputs", type=Path, nargs="*", default=[], help="sidecars of the tables, recorded in the sidecar")
    arguments = made.parse_args()
    from unicedit.config.edit import SimulatedEditorSettings
    from unicedit.config.tables import TablesSettings
    from unicedit.errors import PipelineError
    from unicedit.tables.nc_claim import NAME, nc_claim
    from unicedit.tables.nc_claim_measure import Cases, cases, judged, of_truth, truths, with_viescores

    settings = json.loads(arguments.settings)
    if not settings["models"]:
        raise PipelineError(
            "the truth of the benchmark's edits is known only with benchmark.source `world` and models with engine `simulated`"
        )
    if not settings["judges"]:
        raise PipelineError(
            "no judge of benchmark.judges can be asked for SC and PQ, nor computes them; a program of one's own gives no such scores"
        )
    models = {name: SimulatedEditorSettings(**one) for name, one in settings["models"].items()}
    truth = truths(arguments.records, arguments.edits, models)
    found: dict[tuple[str, bool], Cases] = {}
    for judge, scores in judged(arguments.judged).items():
        if judge not in settings["judges"]:
            continue
        known = judge in settings["measured"]
        whole = of_truth(scores) if known else with_viescores(scores, arguments.viescores, judge, list(models))
        found |= {(judge, right_only): cases(truth, whole, right_only) for right_only in (True, False)}
    status = nc_claim(arguments.results, found, settings["measured"], TablesSettings(**settings["tables"]))
    seal_gather(arguments, NAME, arguments.results / "tables" / f"{NAME}.csv", arguments.inputs, status)


if __name__ == "__main__":
    run(main)
