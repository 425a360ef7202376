"""Draw precision and recall of the failure filter against the truth of simulated edits: the run's verifier, and SSIM."""

import json
from pathlib import Path

from unicedit.command import run
from unicedit.gather import gather_parser, seal_gather, sidecars


def main() -> None:
    made = gather_parser(str(__doc__))
    made.add_argument("--ssim-validation", type=Path, help="evaluation of SSIM on the validation split: its threshold is chosen there")
    made.add_argument("--verifier-validation", type=Path, help="evaluation of the run's verifier on the validation split, likewise")
    arguments = made.parse_args()
    from unicedit.config.tables import TablesSettings
    from unicedit.index.index import load
    from unicedit.tables.filter_curve import filter_curve
    from unicedit.tables.filter_curve_thresholds import thresholds

    values = json.loads(arguments.settings)
    results, shards = arguments.results, load(arguments.results / "index").shards
    engine = values["verifier"]
    chosen = thresholds(engine, arguments.ssim_validation, arguments.verifier_validation, values.get("blind_weight", 0.0))
    status = filter_curve(results, shards, engine, chosen, TablesSettings(**values["tables"]), values["simulated"])
    inputs = [*sidecars(results, ("ingest", "edit", "verify"), shards), results / "truth" / "truth.json"]
    inputs += [path.with_suffix(".json") for path in (arguments.ssim_validation, arguments.verifier_validation) if path]
    seal_gather(arguments, "filter_curve", results / "tables" / "filter_curve.csv", inputs, status)


if __name__ == "__main__":
    run(main)
