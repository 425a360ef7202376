"""Write the run's dataset as a folder to publish (make release): Parquet files for the hub, card, Croissant, provenance, checksums. Nothing is uploaded."""

import argparse
import shlex
from datetime import UTC, date, datetime
from math import isfinite
from pathlib import Path

from unicedit.command import folders, run, run_parser


def main() -> None:
    made = run_parser(str(__doc__))
    made.add_argument("--out", type=Path, default=Path("release"), help="folder to write; new or empty")
    made.add_argument("--repository", default="OWNER/NAME", help="its name on the hub, for the card and the printed command")
    made.add_argument("--shard-gb", type=_gigabytes, default=1.0, help="size wished of a file, 0.5 to 5 GB; a smaller dataset is one file")
    made.add_argument("--webdataset", action="store_true", help="also as WebDataset tars")
    made.add_argument(
        "--mark",
        nargs="*",
        metavar="[EDITOR=]TERM",
        help="mark the edited pictures as synthetic media (IPTC DigitalSourceType in XMP; pixels stay): by their editor's engine, or as these say",
    )
    made.add_argument(
        "--energy-kwh", type=_amount, help="metered energy of the run, for the card, beside what was measured and the estimate"
    )
    made.add_argument("--grid-g-kwh", type=_amount, help="grams of CO2 a kWh of your grid; without it the card says nothing of CO2")
    made.add_argument("--date", type=date.fromisoformat, help="date of publication, YYYY-MM-DD; today's where none is given")
    arguments = made.parse_args()
    from rich.console import Console

    from unicedit.index.index import load
    from unicedit.meter import Meter
    from unicedit.release.ask import asked
    from unicedit.release.release import write_release

    results, _ = folders(arguments)
    day = arguments.date or datetime.now(UTC).date()
    about = asked(
        [Path("config/config.yaml"), *arguments.configfile],
        results,
        repository=arguments.repository,
        date=day.isoformat(),
        shard_bytes=int(arguments.shard_gb * 1e9),
        webdataset=arguments.webdataset,
        mark=arguments.mark,
        energy_kwh=arguments.energy_kwh,
        grid_grams=arguments.grid_g_kwh,
    )
    with Meter(Console(stderr=True), "writing") as meter:
        shards = load(results / "index").shards
        out = write_release(results, shards, arguments.out, about, lambda done, of: meter.show(done / of, f"{done} of {of} files"))
    print(f"{out}: ready to publish; its README.md is the card. To upload it:")
    print(f"  hf upload --repo-type dataset {shlex.quote(arguments.repository)} {shlex.quote(str(out))} .")


def _amount(text: str) -> float:
    value = float(text)
    if not (isfinite(value) and value >= 0):
        raise argparse.ArgumentTypeError(f"{text}: a number of 0 or more is meant")
    return value


def _gigabytes(text: str) -> float:
    value = float(text)
    if not 0.5 <= value <= 5:
        raise argparse.ArgumentTypeError(f"{text}: 0.5 to 5 are allowed")
    return value


if __name__ == "__main__":
    run(main)
