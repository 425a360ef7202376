"""Test the paper's claim on SSIM: its errors under flicker and by the size of the edit, beside the trained verifier's."""

import json
from pathlib import Path

from unicedit.command import run
from unicedit.gather import gather_parser, seal_gather


def main() -> None:
    made = gather_parser(str(__doc__))
    made.add_argument("--data", type=Path, required=True, help="samples of the test split")
    made.add_argument(
        "--validation", type=Path, required=True, help="evaluation of SSIM on the validation split: its threshold is chosen there"
    )
    made.add_argument("--verdicts", type=Path, help="evaluation of the verifier on the test split")
    made.add_argument("--model", help="folder of the verifier; without it, SSIM is measured alone")
    made.add_argument("--inputs", type=Path, nargs="*", default=[], help="sidecars of the inputs, recorded in the sidecar")
    arguments = made.parse_args()
    import pyarrow.parquet as pq

    from unicedit.config.tables import TablesSettings
    from unicedit.evaluation.evaluate import chosen_on
    from unicedit.evaluation.open import open_reader, sections
    from unicedit.tables.ssim_claim import ssim_claim
    from unicedit.tables.ssim_claim_measure import by_size, under_flicker, verdicts_of

    values = json.loads(arguments.settings)
    verifier, settings = sections(values)
    threshold = chosen_on(pq.read_table(arguments.validation).to_pylist(), "ssim")
    reader = open_reader(arguments.model, None, verifier, settings) if arguments.model else None
    flicker = under_flicker(arguments.data, reader, threshold, settings.claim.pictures, settings.claim.strengths)
    sizes = by_size(arguments.data, verdicts_of(arguments.verdicts) if arguments.verdicts else {}, threshold)
    name = Path(arguments.model).parent.name if arguments.model else ""
    status = ssim_claim(arguments.results, flicker, sizes, threshold, TablesSettings(**values["tables"]), values["simulated"], name)
    seal_gather(arguments, "ssim_claim", arguments.results / "tables" / "ssim_claim.csv", arguments.inputs, status)


if __name__ == "__main__":
    run(main)
