"""Train the tiny base model that stands in for a pretrained vision-language model, and write it to a folder.

Pictures of its lessons are drawn once into --work; checkpoints lie there too, and --resume goes on from them.
"""

from pathlib import Path

from unicedit.command import parser, run


def main() -> None:
    made = parser(str(__doc__))
    made.add_argument("--out", type=Path, default=Path("models/tiny-base"), help="folder of the finished model")
    made.add_argument("--work", type=Path, required=True, help="folder for the lessons' pictures and the checkpoints")
    made.add_argument(
        "--minutes", type=float, default=75.0, help="processor time of the training's main thread: about the wall time of a quiet machine"
    )
    made.add_argument(
        "--shares", type=float, nargs=3, default=(0.25, 0.15, 0.6), help="shares of the time: seeing; saying, the tower frozen; saying"
    )
    made.add_argument("--groups", type=int, default=6_000, help="scenes of the lessons, each with three edits")
    made.add_argument("--resume", type=Path, help="folder of a checkpoint to go on from")
    made.add_argument("--seed", type=int, default=1, help="seed of the weights and of the order of lessons")
    made.add_argument("--threads", type=int, default=1, help="threads of torch")
    made.add_argument("--device", choices=("cpu", "cuda"), help="where to train (default: cuda where there is one)")
    made.add_argument("--scenes", type=int, default=8, help="scenes in a step: more of them on an accelerator, which they keep busy")
    made.add_argument(
        "--workers",
        type=int,
        default=0,
        help="processes that draw pictures and make lessons: on an accelerator, as many as there are cores",
    )
    made.add_argument("--no-card", action="store_true", help="write the model without measuring it")
    arguments = made.parse_args()
    if arguments.scenes < 1:
        made.error(f"argument --scenes: {arguments.scenes}: 1 or more")

    import torch

    from unicedit.base.card import write_card
    from unicedit.base.training import GROUPS, Machine, begin, feed_of, resume, teach_saying, teach_seeing
    from unicedit.verifier import cpu_speed

    if arguments.device == "cuda" and not torch.cuda.is_available():
        made.error("argument --device: torch sees no CUDA device here; leave --device out to train on the CPU")
    torch.set_num_threads(arguments.threads)
    torch.set_float32_matmul_precision("high")
    cpu_speed.enable()
    machine = Machine(
        torch.device(arguments.device or ("cuda" if torch.cuda.is_available() else "cpu")), arguments.scenes, arguments.workers
    )
    pictures, kept = arguments.work / "pictures", arguments.work / "checkpoint"
    trainee = resume(arguments.resume) if arguments.resume else begin(arguments.seed, arguments.groups)
    trainee.to(machine)
    trainee.log.groups = max(trainee.log.groups, arguments.groups)
    see, frozen, both = (arguments.minutes * share for share in arguments.shares)
    if arguments.minutes > 0:
        feed = feed_of(pictures, "train", arguments.groups, workers=machine.workers)
        if see:
            teach_seeing(trainee, feed, see, kept, machine)
        if frozen:
            teach_saying(trainee, feed, frozen, kept, machine, frozen=True)
        if both:
            teach_saying(trainee, feed, both, kept, machine, frozen=False)
    trainee.publish(arguments.out)
    if not arguments.no_card:
        write_card(
            trainee,
            {split: feed_of(pictures, split, GROUPS[split], workers=machine.workers) for split in ("validation", "test")},
            arguments.out,
        )


if __name__ == "__main__":
    run(main)
