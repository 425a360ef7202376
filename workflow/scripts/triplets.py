"""Draw a sample of a dataset's triplets, through a mapping of its columns: the same sample for the same files, mapping and seed."""

from pathlib import Path

from unicedit.command import parser, run


def main() -> None:
    made = parser(str(__doc__))
    made.add_argument("--mapping", type=Path, required=True, help="how the dataset's files hold its triplets, as config/datasets/*.yaml")
    made.add_argument("--root", type=Path, required=True, help="folder that the dataset was fetched into")
    made.add_argument("--out", type=Path, required=True, help="Parquet file to write")
    made.add_argument("--n", type=int, default=1000, help="triplets to draw; the paper's Table 2 takes 1,000")
    made.add_argument("--seed", type=int, default=0, help="seed of the draw")
    made.add_argument("--max-file-mb", type=float, default=100, help="pictures of more megabytes are not read")
    made.add_argument("--max-megapixels", type=float, default=100, help="pictures of more megapixels are not decoded")
    arguments = made.parse_args()
    if arguments.n < 1 or arguments.seed < 0:
        made.error("--n is at least 1, --seed at least 0")
    from unicedit.triplets.limits import Limits
    from unicedit.triplets.mapping import load
    from unicedit.triplets.sample import write_sample

    mapping = load(arguments.mapping)
    limits = Limits(arguments.max_file_mb, arguments.max_megapixels)
    counted = write_sample(arguments.root, mapping, arguments.n, arguments.seed, limits, arguments.out)
    print(f"{mapping.name}: {', '.join(f'{n} {status}' for status, n in sorted(counted.items()))} in {arguments.out}")


if __name__ == "__main__":
    run(main)
