"""Write a trained verifier as a folder to publish: weights, model card with Table 5, licence, commands to use and serve it (make release-verifier)."""

from pathlib import Path

from unicedit.command import parser, run


def main() -> None:
    made = parser(str(__doc__))
    made.add_argument("--model", required=True, help="folder of the trained verifier")
    made.add_argument("--out", type=Path, required=True, help="folder to write; new or empty")
    made.add_argument("--name", default="UnicEdit-Verify", help="the model's name on its card")
    made.add_argument("--base", default="models/tiny-base", help="the model it was trained from, as the card names it")
    made.add_argument("--table5", type=Path, help="results/tables/table5.md, for the card")
    made.add_argument("--licence", default="apache-2.0", help="licence of the weights, as the hub spells it")
    made.add_argument("--licence-file", type=Path, default=Path(__file__).resolve().parents[2] / "LICENSE", help="its text")
    made.add_argument("--simulated", action="store_true", help="it was trained in the simulated world: the card says so")
    arguments = made.parse_args()
    from unicedit.verifier.release import Release, write_release

    about = Release(arguments.name, arguments.base, arguments.licence, arguments.licence_file, arguments.table5, arguments.simulated)
    print(f"{write_release(arguments.model, arguments.out, about)}: ready to publish; its README.md says how to use it")


if __name__ == "__main__":
    run(main)
