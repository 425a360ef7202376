"""Make records for review of what was proposed, and tell which sub-tasks are short of their target."""

import json
from pathlib import Path

from unicedit.command import run
from unicedit.gather import gather_parser, seal_gather


def main() -> None:
    made = gather_parser(str(__doc__))
    made.add_argument("--asked", type=Path, required=True, help="the table of propose.py")
    made.add_argument("--inputs", type=Path, nargs="*", default=[], help="its sidecar, recorded in the sidecar")
    arguments = made.parse_args()
    from unicedit.config.instruct import InstructSettings
    from unicedit.config.propose import ProposeSettings
    from unicedit.propose.gather import gather
    from unicedit.propose.plan import ProposePlan
    from unicedit.taxonomy import load

    settings = json.loads(arguments.settings)
    writer = InstructSettings(**settings["instruct"])
    plan = ProposePlan(ProposeSettings(**settings["propose"]), writer, load(Path(settings["taxonomy"]["path"])))
    table, status = gather(arguments.results, arguments.asked, plan, writer.engine == "simulated")
    seal_gather(arguments, "proposals", table, arguments.inputs, status)


if __name__ == "__main__":
    run(main)
