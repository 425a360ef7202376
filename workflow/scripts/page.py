"""Write a table's Markdown as a page of the run report."""

from pathlib import Path

from unicedit.command import parser, run


def main() -> None:
    made = parser(str(__doc__))
    made.add_argument("--markdown", type=Path, required=True, help="the table, as Markdown")
    made.add_argument("--page", type=Path, required=True, help="page to write")
    made.add_argument("--code", default="", help="digest of the code; Snakemake compares it")
    arguments = made.parse_args()
    from unicedit.report.page import from_markdown, title_of, write_page

    text = arguments.markdown.read_text(encoding="utf-8")
    write_page(arguments.page, title_of(text, arguments.markdown.stem), from_markdown(text))


if __name__ == "__main__":
    run(main)
