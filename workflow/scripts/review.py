"""Have people review on a local page: serve a queue to a reviewer, print how far reviewers agree, write what is settled for the next build."""

from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

from unicedit.command import folders, run, run_parser
from unicedit.training.schema import FILES, KINDS


def main() -> None:
    made = run_parser(str(__doc__))
    made.add_argument(
        "--reviews", type=Path, default=Path("reviews"), help="folder of the decisions; it is not part of the results, and goes with you"
    )
    made.add_argument("--file", choices=FILES, nargs="+", default=["sft", "d2po"], help="which samples: for SFT, D2PO, validation, test")
    made.add_argument("--kind", choices=KINDS, nargs="+", default=list(KINDS), help="which kinds of samples")
    made.add_argument(
        "--limit",
        type=int,
        default=200,
        help="rows at most, drawn by key: every reviewer is shown the same ones, a larger number adds to them",
    )
    verbs = made.add_subparsers(dest="verb", required=True)
    page = verbs.add_parser("serve", help="show the queue on a page of this machine")
    page.add_argument("--reviewer", required=True, help="your pseudonym; it stands in the data beside what you reviewed")
    page.add_argument("--port", type=int, default=8765, help="port on 127.0.0.1; 0 takes a free one")
    arguments = made.parse_args()
    VERBS[arguments.verb](arguments)


def _serve(arguments: Namespace) -> None:
    from unicedit.review.journal import opened, reviewer_name
    from unicedit.review.server import serve
    from unicedit.review.session import Session
    from unicedit.training.queue import Choice, SampleQueue

    results, _ = folders(arguments)
    reviewer = reviewer_name(arguments.reviewer)
    queue = SampleQueue(results, Choice(tuple(arguments.file), tuple(arguments.kind), arguments.limit))
    with opened(arguments.reviews / "samples" / "decisions", reviewer, queue.form) as journal:
        session = Session(queue, queue.keys(), journal)
        serve(
            session,
            arguments.port,
            lambda address: print(f"{len(session.keys)} rows, {session.decided} decided: open {address}", flush=True),
        )


VERBS: dict[str, Callable[[Namespace], None]] = {"serve": _serve}

if __name__ == "__main__":
    run(main)
