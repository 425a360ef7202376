"""Compare a judge with people: Spearman's correlation of SC, PQ and Overall with the mean human rating, by editing model, then averaged."""

from pathlib import Path

from unicedit.command import parser, run


def main() -> None:
    from unicedit.scoring.judge_check import MEANS, How, judge_check

    made = parser(str(__doc__))
    made.add_argument("--scores", type=Path, required=True, help="the judge's sub-scores, CSV: model,uid,metric,scores")
    made.add_argument("--ratings", type=Path, required=True, help="people's ratings, CSV: model,uid,rater,sc,pq")
    made.add_argument("--out", type=Path, required=True, help="CSV to write: a line each for SC, PQ, Overall")
    made.add_argument(
        "--mean",
        choices=MEANS,
        default=How.mean,
        help="mean over the models: as the figures published with VIEScore were made (whole scores, tanh of the mean correlation), or Fisher's",
    )
    made.add_argument("--leave-out-incomplete", action="store_true", help="do not use lists with fewer sub-scores than they should have")
    made.add_argument("--resamples", type=int, default=How.resamples, help="draws of the bootstrap")
    made.add_argument("--seed", type=int, default=How.seed, help="seed of the bootstrap")
    made.add_argument("--confidence", type=float, default=How.confidence, help="of the intervals, between 0 and 1")
    arguments = made.parse_args()
    if not 0 < arguments.confidence < 1 or arguments.resamples < 1:
        made.error("--confidence lies between 0 and 1, --resamples is at least 1")
    how = How(arguments.mean, not arguments.leave_out_incomplete, arguments.resamples, arguments.seed, arguments.confidence)
    for one in judge_check(arguments.scores, arguments.ratings, arguments.out, how):
        value = "undefined" if one.spearman is None else f"{one.spearman:.4f}"
        print(
            f"{one.metric}: {value} ({how.mean} mean), {one.n_scored} of {one.n_expected} edits scored, {one.incomplete} on incomplete lists"
        )


if __name__ == "__main__":
    run(main)
