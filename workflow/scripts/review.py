"""Have people review on a local page: serve a queue to a reviewer, print how far reviewers agree, write what is settled for the next build."""

from argparse import Namespace
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from unicedit.command import folders, run, run_parser
from unicedit.training.schema import FILES, KINDS

if TYPE_CHECKING:
    from unicedit.review.item import Queue
    from unicedit.review.settle import Fresh

SAMPLES, BENCHMARK, PROPOSALS = "samples", "benchmark", "proposals"


def main() -> None:
    made = run_parser(str(__doc__))
    made.add_argument(
        "--reviews", type=Path, default=Path("reviews"), help="folder of the decisions; it is not part of the results, and goes with you"
    )
    made.add_argument(
        "--what",
        choices=(SAMPLES, BENCHMARK, PROPOSALS),
        default=SAMPLES,
        help="what is reviewed: training samples, the benchmark's records, or records proposed for one (`make propose`)",
    )
    made.add_argument("--agree", type=int, default=1, help="reviewers who must agree before a row is settled")
    verbs = made.add_subparsers(dest="verb", required=True)
    page = verbs.add_parser("serve", help="show the queue on a page of this machine")
    page.add_argument("--reviewer", required=True, help="your pseudonym; it stands in the data beside what you reviewed")
    page.add_argument("--port", type=int, default=8765, help="port on 127.0.0.1; 0 takes a free one")
    page.add_argument(
        "--disagreements", action="store_true", help="show what reviewers disagree on, with what they said: your decision settles it"
    )
    page.add_argument("--file", choices=FILES, nargs="+", default=["sft", "d2po"], help="which samples: for SFT, D2PO, validation, test")
    page.add_argument("--kind", choices=KINDS, nargs="+", default=list(KINDS), help="which kinds of samples")
    page.add_argument(
        "--limit",
        type=int,
        default=200,
        help="rows at most, drawn by key: every reviewer is shown the same ones, a larger number adds to them",
    )
    verbs.add_parser("agreement", help="print how far reviewers agree (Cohen's kappa), and what is settled")
    last = verbs.add_parser("settle", help="write what is settled into the file that the next build reads")
    last.add_argument("--out", type=Path, help="file to write, in place of settled.jsonl beside the decisions")
    frozen = verbs.add_parser("freeze", help="write the reviewed benchmark into a new folder, which benchmark.source: files reads")
    frozen.add_argument("--out", type=Path, required=True, help="folder to write; it must not be there")
    frozen.add_argument("--version", required=True, help="the version's name")
    frozen.add_argument("--unreviewed", action="store_true", help="keep records that nobody settled, too")
    frozen.add_argument("--per-subtask", type=int, help="records of each sub-task; as many as the smallest has where none is given")
    arguments = made.parse_args()
    for name in ("agree", "limit", "per_subtask"):
        if (given := getattr(arguments, name, None)) is not None and given < 1:
            made.error(f"--{name.replace('_', '-')} is {given}: it must be 1 at least")
    VERBS[arguments.verb](arguments)


def _queue(arguments: Namespace) -> "Queue":
    """What is under review; only ``serve`` chooses what of it is shown."""
    from unicedit.benchmark.review import RecordQueue
    from unicedit.training.queue import Choice, SampleQueue

    results, _ = folders(arguments)
    if arguments.what != SAMPLES:
        return RecordQueue(results, arguments.limit if arguments.verb == "serve" else 0, arguments.what)
    chosen = Choice(tuple(arguments.file), tuple(arguments.kind), arguments.limit) if arguments.verb == "serve" else Choice(FILES, KINDS, 0)
    return SampleQueue(results, chosen)


def _decisions(arguments: Namespace) -> Path:
    place: Path = arguments.reviews / arguments.what / "decisions"
    return place


def _fresh(arguments: Namespace, queue: "Queue") -> "Fresh":
    from unicedit.errors import PipelineError
    from unicedit.review.journal import read_folder
    from unicedit.review.settle import fresh

    decisions = read_folder(_decisions(arguments), queue.form)
    if not decisions:
        raise PipelineError(f"{_decisions(arguments)}: no decisions yet; `make review REVIEWER=anna` makes some")
    return fresh(decisions, queue)


def _serve(arguments: Namespace) -> None:
    from unicedit.review.journal import opened, reviewer_name
    from unicedit.review.server import serve
    from unicedit.review.session import Session
    from unicedit.review.settle import settlement

    reviewer, queue = reviewer_name(arguments.reviewer), _queue(arguments)
    others = settlement(_fresh(arguments, queue).decisions, arguments.agree).disagreed if arguments.disagreements else None
    keys = queue.keys() if others is None else list(others)
    if not keys:
        print("nothing to review" if others is None else "reviewers disagree on nothing")
        return
    with opened(_decisions(arguments), reviewer, queue.form) as journal:
        session = Session(queue, keys, journal, others)
        stale = f" ({session.stale} have changed since they were decided)" if session.stale else ""
        serve(
            session,
            arguments.port,
            lambda address: print(f"{len(keys)} rows, {session.decided} decided{stale}: open {address}", flush=True),
        )


def _agreement(arguments: Namespace) -> None:
    from unicedit.review.agreement import agreements, lines_of

    read = _fresh(arguments, _queue(arguments))
    found = agreements(read.decisions)
    print("\n".join(lines_of(found) or ["no two reviewers decided the same row: there is no agreement to measure"]))
    print(_said(arguments, read))


def _settle(arguments: Namespace) -> None:
    from unicedit.review.settle import settlement, write_settled

    queue = _queue(arguments)
    read = _fresh(arguments, queue)
    out = arguments.out or _decisions(arguments).parent / "settled.jsonl"
    write_settled(out, settlement(read.decisions, arguments.agree).settled, read.said, queue.form)
    then = f"name it in the configuration, samples: {{review: {out}}}" if arguments.what == SAMPLES else "`freeze` makes a benchmark of it"
    print(f"{_said(arguments, read)}\n{out}: {then}")


def _freeze(arguments: Namespace) -> None:
    from unicedit.benchmark.frozen import freeze
    from unicedit.benchmark.review import RecordQueue
    from unicedit.errors import PipelineError
    from unicedit.review.settle import settlement

    queue = _queue(arguments)
    if not isinstance(queue, RecordQueue):
        raise PipelineError(
            "freeze: training samples are not frozen, `settle` is enough; a benchmark is, with --what benchmark or proposals"
        )
    read = _fresh(arguments, queue)
    settled = settlement(read.decisions, arguments.agree).settled
    made = freeze(queue, settled, arguments.out, arguments.version, arguments.unreviewed, arguments.per_subtask)
    left_out = ", ".join(f"{number} {why}" for why, number in made.left_out.items())
    print(
        f"{_said(arguments, read)}\n{arguments.out}: version {made.version}, digest {made.digest}, {made.records} records; left out: {left_out}"
    )
    name = f"source: files, path: {arguments.out}, subtasks: {made.subtasks}, per_subtask: {made.per_subtask}"
    print(f"name it in the configuration, benchmark: {{{name}}}")


def _said(arguments: Namespace, read: "Fresh") -> str:
    from unicedit.review.settle import settlement

    found = settlement(read.decisions, arguments.agree)
    counted = Counter(one.decision for one in found.settled.values())
    kinds = ", ".join(f"{number} {name}" for name, number in sorted(counted.items()))
    lines = [f"settled: {len(found.settled)}" + (f" ({kinds})" if kinds else "")]
    if found.disagreed:
        lines.append(f"disagreed: {len(found.disagreed)}; `serve --disagreements` shows them to whoever settles them")
    if found.waiting:
        lines.append(f"decided by fewer than {arguments.agree}: {len(found.waiting)}")
    if read.stale or read.absent:
        lines.append(f"left out: {read.stale} decisions on rows that have changed since, {read.absent} on rows that are not in this run")
    return "\n".join(lines)


VERBS: dict[str, Callable[[Namespace], None]] = {"serve": _serve, "agreement": _agreement, "settle": _settle, "freeze": _freeze}

if __name__ == "__main__":
    run(main)
