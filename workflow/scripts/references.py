"""Hash the pictures of benchmarks, whole and by window, and embed them where that is configured, so that they can be looked for in the library."""

import json
from pathlib import Path

from unicedit.command import run
from unicedit.gather import gather_parser, seal_gather


def main() -> None:
    made = gather_parser(str(__doc__))
    made.add_argument("--records", type=Path, nargs="*", default=[], help="the configured benchmark's table of records, where there is one")
    made.add_argument("--table", type=Path, required=True, help="Parquet file to write")
    made.add_argument("--inputs", type=Path, nargs="*", default=[], help="the records' sidecar, recorded in the sidecar")
    arguments = made.parse_args()
    from unicedit.config.contamination import ContaminationSettings
    from unicedit.errors import PipelineError
    from unicedit.lookalikes.references import write_references

    settings = ContaminationSettings(**json.loads(arguments.settings)["contamination"])
    folders = {one.name: Path(one.path) for one in settings.benchmarks}
    if not arguments.records and not folders:
        raise PipelineError("no benchmark to look for: set benchmark.source, or name folders of pictures in contamination.benchmarks")
    count, unread = write_references(next(iter(arguments.records), None), folders, arguments.table, settings.embedding)
    seal_gather(arguments, "references", arguments.table, arguments.inputs, {"ok": count, "rejected": 0, "failed": unread})


if __name__ == "__main__":
    run(main)
