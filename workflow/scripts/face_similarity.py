"""Score how alike the faces of source and edit are, over the pairs of Parquet files or folders."""

from pathlib import Path

from unicedit.command import parser, run


def main() -> None:
    made = parser(str(__doc__))
    made.add_argument(
        "pairs",
        type=Path,
        nargs="+",
        help="a Parquet file, a folder with Parquet files (the dataset's `data`), or a folder with `source` and `edit` in it, whose files have the same names",
    )
    made.add_argument("--out", type=Path, required=True, help="Parquet file to write: a row a pair")
    made.add_argument("--key-column", default="key", help="column with a pair's name")
    made.add_argument("--source-column", default="src_image", help="column with the source picture")
    made.add_argument("--edit-column", default="edit_image", help="column with the edited picture")
    made.add_argument("--min-score", type=float, default=0.2, help="what the detector must say of a face, about 1 for a clear one")
    arguments = made.parse_args()
    from unicedit.scorers.face_table import write_face_table
    from unicedit.scorers.faces_dlib import DlibFaces
    from unicedit.scorers.pairs import Columns

    columns = Columns(arguments.key_column, arguments.source_column, arguments.edit_column)
    print(write_face_table(arguments.pairs, arguments.out, columns, DlibFaces(arguments.min_score)))


if __name__ == "__main__":
    run(main)
