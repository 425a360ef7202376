"""Have people review training samples: export them as Label Studio tasks, and import what they said into the review file."""

from argparse import Namespace
from pathlib import Path

from unicedit.command import folders, run, run_parser
from unicedit.training.schema import FILES, KINDS


def main() -> None:
    made = run_parser(str(__doc__))
    made.add_argument("--review", type=Path, required=True, help="review file; name it in the setting samples.review too")
    verbs = made.add_subparsers(dest="verb", required=True)
    out = verbs.add_parser("export", help="write tasks and the labelling interface")
    out.add_argument("--out", type=Path, required=True, help="folder for tasks.json and interface.xml (and the pictures)")
    out.add_argument("--file", choices=FILES, nargs="+", default=["sft", "d2po"], help="which samples: for SFT, D2PO, validation, test")
    out.add_argument("--kind", choices=KINDS, nargs="+", default=list(KINDS), help="which kinds")
    out.add_argument("--limit", type=int, default=200, help="samples at most, drawn by key; those that were reviewed are left out")
    out.add_argument("--max-side", type=int, default=512, help="longer side of the pictures, in pixels")
    out.add_argument("--address", help="write pictures beside the tasks, under this address for Label Studio (else they are in the tasks)")
    back = verbs.add_parser("import", help="append the reviews of a JSON export to the review file")
    back.add_argument("exports", type=Path, nargs="+", metavar="EXPORT", help="Label Studio's export, format JSON")
    back.add_argument("--prefix", default="person", help="reviewers are named <prefix>-<user number>: one prefix a Label Studio")
    arguments = made.parse_args()
    results, _ = folders(arguments)
    print(_export(arguments, results) if arguments.verb == "export" else _import(arguments, results))


def _export(arguments: Namespace, results: Path) -> str:
    from unicedit.training.audit import export
    from unicedit.training.queue import Choice

    choice = Choice(tuple(arguments.file), tuple(arguments.kind), arguments.limit)
    written = export(results, choice, arguments.out, arguments.review, arguments.max_side, arguments.address)
    return f"{written} samples in {arguments.out}: import tasks.json into a Label Studio project whose labelling interface is interface.xml"


def _import(arguments: Namespace, results: Path) -> str:
    from unicedit.training.audit import take_in

    read, new = take_in(results, arguments.exports, arguments.review, arguments.prefix)
    return f"{read} reviews read, {new} of them new in {arguments.review}"


if __name__ == "__main__":
    run(main)
