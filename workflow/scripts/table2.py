"""Make Table 2: VIEScores of datasets' samples, beside the paper's."""

from pathlib import Path

from unicedit.command import parser, run


def main() -> None:
    made = parser(str(__doc__))
    paper = Path(__file__).resolve().parents[2] / "config" / "paper" / "table2_dataset_quality.csv"
    made.add_argument("--scores", type=Path, nargs="+", required=True, help="tables of viescore.py: one a dataset and judge")
    made.add_argument("--aesthetics", type=Path, nargs="*", default=[], help="tables of triplet_aesthetic.py: one a dataset")
    made.add_argument("--out", type=Path, required=True, help="folder to write table2.csv, .md and .png into")
    made.add_argument("--paper", type=Path, default=paper, help="the paper's table")
    made.add_argument("--confidence", type=float, default=0.95, help="of the intervals, between 0 and 1")
    arguments = made.parse_args()
    if not 0 < arguments.confidence < 1:
        made.error("--confidence lies between 0 and 1")
    from unicedit.tables.table2 import table2

    table2(arguments.out, arguments.scores, arguments.aesthetics, arguments.paper, arguments.confidence)


if __name__ == "__main__":
    run(main)
