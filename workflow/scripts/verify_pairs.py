"""Verify your own pairs of source and edited picture with a trained verifier: did a valid edit take place, and what did it change?

    python workflow/scripts/verify_pairs.py --pairs my-pairs --model results/verifier/model --out verdicts.csv

A folder of pairs holds NAME_source.png, NAME_edit.png and NAME.txt (the instruction; a Chinese one on its second line). A table (.csv, .jsonl, .parquet) has
the columns source, edit, instruction and, where there are such, instruction_cn and key. In the verdicts, status is ok where a valid edit took place (prompt_en
and prompt_cn say what it changed), rejected where none did, failed where a pair could not be read; reason says why. A killed run goes on where it was.
"""

import argparse
from pathlib import Path

from unicedit.command import run
from unicedit.errors import PipelineError


def main() -> None:
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--pairs", type=Path, required=True, help="folder, or table, of pairs")
    made.add_argument("--model", required=True, help="folder of the verifier")
    made.add_argument("--out", type=Path, required=True, help="verdicts to write: .csv, .jsonl or .parquet")
    made.add_argument(
        "--threshold", type=float, default=0.0, help="the margin above which an edit counts as changed; 0 is the verifier's own verdict"
    )
    made.add_argument("--batch-size", type=int, default=16, help="pairs read at once")
    made.add_argument("--device", default="auto", help="auto, cpu or cuda")
    made.add_argument("--dtype", default="auto", help="auto, float32, bfloat16 or float16")
    made.add_argument("--max-new-tokens", type=int, default=1024, help="tokens a reply may have")
    made.add_argument("--blind-weight", type=float, default=0.0, help="weight of a second reading with the instruction withheld; 0 is none")
    made.add_argument("--base", type=Path, help="folder of the model that reads blind: the one the verifier was trained from")
    arguments = made.parse_args()
    from pydantic import ValidationError

    from unicedit.config.verify import VerifySettings

    if arguments.out.suffix not in (".csv", ".jsonl", ".parquet"):
        raise PipelineError(f"--out {arguments.out}: the name must end in .csv, .jsonl or .parquet")
    names = ("model", "threshold", "batch_size", "device", "dtype", "max_new_tokens", "blind_weight")
    try:
        settings = VerifySettings(
            engine="transformers",
            transformers={name: getattr(arguments, name) for name in names},
            batch_size=4 * arguments.batch_size,
        )
    except ValidationError as error:
        first = error.errors()[0]
        raise PipelineError(f"--{str(first['loc'][-1]).replace('_', '-')} {first['input']}: {first['msg']}") from error
    from unicedit.verify.pairs_stage import verify_pairs

    counted = verify_pairs(arguments.pairs, arguments.out, settings, arguments.base)
    print(f"{arguments.out}: {counted['ok']} valid edits, {counted['rejected']} without one, {counted['failed']} failed")


if __name__ == "__main__":
    run(main)
