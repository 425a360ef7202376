"""Write the generated parts of config/: commented defaults, JSON schema, table of settings in README.md."""

from pathlib import Path

from unicedit.command import parser, run

MARK = "<!-- generated below: make config -->\n"


def main() -> None:
    made = parser(str(__doc__))
    made.add_argument("--folder", type=Path, default=Path("config"), help="folder that holds them")
    folder = made.parse_args().folder
    from unicedit.config.render import defaults, readme, schema
    from unicedit.files import write_text

    write_text(folder / "config.yaml", defaults())
    write_text(folder / "config.schema.json", schema())
    page = folder / "README.md"
    introduction = page.read_text(encoding="utf-8").split(MARK)[0]
    write_text(page, introduction + MARK + "\n" + readme())


if __name__ == "__main__":
    run(main)
