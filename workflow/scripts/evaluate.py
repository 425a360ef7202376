"""Evaluate a verifier, read one way, on a table of samples: one row a sample, with its reply and how right that is."""

import json
from pathlib import Path

from unicedit.command import run
from unicedit.evaluation.rows import READINGS
from unicedit.gather import gather_parser


def main() -> None:
    made = gather_parser(str(__doc__))
    made.add_argument("--data", type=Path, required=True, help="table of samples (results/verifier/data/test.parquet)")
    made.add_argument("--reading", choices=READINGS, required=True, help="how the verifier is read")
    made.add_argument("--model", help="folder of the model; without it, the verifier's base; not needed for ssim")
    made.add_argument("--revision", help="commit of a hub model")
    made.add_argument(
        "--blind-model", help="folder of the model that reads with the instruction withheld, for joint; without it, the verifier's base"
    )
    made.add_argument(
        "--validation",
        type=Path,
        help="the same evaluation on the validation split: SSIM's threshold and the joint weight are chosen on it",
    )
    made.add_argument("--table", type=Path, required=True, help="Parquet file to write")
    made.add_argument("--inputs", type=Path, nargs="*", default=[], help="sidecars of the inputs, recorded in the sidecar")
    arguments = made.parse_args()
    import pyarrow.parquet as pq

    from unicedit.evaluation.evaluate import Readers, chosen_on, evaluate, write
    from unicedit.evaluation.open import open_reader, sections
    from unicedit.sidecar import Identity, count, seal

    verifier, settings = sections(json.loads(arguments.settings))
    readers = None
    if arguments.reading != "ssim":
        model, revision = (arguments.model, arguments.revision) if arguments.model else (verifier.base, verifier.revision)
        informed = open_reader(model, revision, verifier, settings)
        other, commit = (arguments.blind_model, None) if arguments.blind_model else (verifier.base, verifier.revision)
        second = arguments.reading == "joint" and (other, commit) != (model, revision)
        readers = Readers(informed, open_reader(other, commit, verifier, settings) if second else informed)
    chosen = chosen_on(pq.read_table(arguments.validation).to_pylist(), arguments.reading) if arguments.validation else None
    rows, chosen = evaluate(
        arguments.data,
        arguments.reading,
        readers,
        verifier.reply if readers is None else readers.informed.form,
        chosen,
        limit=settings.limit_of(arguments.reading),
    )
    write(rows, arguments.table)
    status, reasons = count([row["status"] for row in rows], [row["reason"] for row in rows])
    shard = f"{arguments.table.parent.parent.name}/{arguments.table.parent.name}"
    identity = Identity("evaluate", shard, arguments.code, arguments.settings, tuple(arguments.inputs))
    more = {"reading": arguments.reading, "chosen": chosen, "unparsed": sum(row.get("fault") is not None for row in rows)}
    seal(arguments.table, arguments.seal, identity, rows=len(rows), rows_in=len(rows), status=status, reasons=reasons, **more)


if __name__ == "__main__":
    run(main)
