"""One training from base model to saved model: what is handed to submitit, and runs in every process of a training."""

import logging
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unicedit.config.d2po import D2poSettings
from unicedit.config.launch import LaunchSettings
from unicedit.config.sft import SftSettings
from unicedit.files import read_json, write_json
from unicedit.map.lease import Lease
from unicedit.verifier.chat import Form
from unicedit.verifier.load import Differential

if TYPE_CHECKING:
    from submitit.helpers import DelayedSubmission

    from unicedit.training.preemption import Preemption

log = logging.getLogger(__name__)
MODEL, CURVES, RESULT = "model", "curves.csv", "result.json"  # in the job's folder, when it is done
_LEASE = "lease.json"
LEASE_SECONDS = 60  # a training whose heartbeat stands still for this long counts as dead


@dataclass(frozen=True)
class Verifier:
    """What the trained model is: the model it starts from, how c_v enters, the form of its reply, the size of its pictures."""

    base: str
    revision: str | None
    differential: Differential
    form: Form
    max_pixels: int | None


@dataclass(frozen=True)
class TrainingJob:
    """A training of ``verifier`` on ``data``. It can be run again at any time: it goes on from the last checkpoint in ``folder``, and ends with the same weights."""

    verifier: Verifier
    data: Path  # table of training samples
    folder: Path  # checkpoints, curves, and at the end the model
    settings: SftSettings | D2poSettings
    launch: LaunchSettings
    progress: Path | None = None  # where the monitor looks

    @property
    def stage(self) -> str:
        return "sft" if isinstance(self.settings, SftSettings) else "d2po"

    def result(self) -> dict[str, Any] | None:
        """What a finished training returned; None before it is finished."""
        path = self.folder / RESULT
        return read_json(path) if path.exists() else None

    def checkpoint(self) -> "DelayedSubmission":
        """What submitit puts into the queue again: the same job."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self)

    def run(self, *, stopping: tuple[int, ...] | None = None, storing: tuple[int, ...] = ()) -> dict[str, Any]:
        """Train in this process, one of several where the environment says so (as torchrun does), and save the model. Returns ``steps`` (updates), ``rows``
        (trained on) and the ``seconds`` of this run. Raises ``Preempted`` on a ``stopping`` signal; without any given, on the announced one and SIGTERM.
        """
        from unicedit.training.preemption import Preemption

        announced = getattr(signal, f"SIG{self.launch.signal}")
        self.folder.mkdir(parents=True, exist_ok=True)
        with Preemption(stopping if stopping is not None else (announced, signal.SIGTERM), storing) as preemption:
            if os.environ.get("RANK", "0") != "0":
                return self._train(preemption)
            with Lease(self.folder / _LEASE, LEASE_SECONDS):  # one training a folder, whoever started it
                result = self._train(preemption)
                write_json(self.folder / RESULT, result)
                return result

    def _train(self, preemption: "Preemption") -> dict[str, Any]:
        from unicedit.verifier.load import light_transformers

        light_transformers()  # before what imports them
        from unicedit.training.checkpoints import last_checkpoint
        from unicedit.training.curves import Curves
        from unicedit.training.finish import save_trained
        from unicedit.training.progress import TrainingProgress

        first = os.environ.get("RANK", "0") == "0"
        started = time.monotonic()
        if isinstance(self.settings, SftSettings):
            from unicedit.training.sft import sft_trainer as build
        else:
            from unicedit.training.d2po_training import d2po_trainer as build
        shown = [TrainingProgress(self.progress, self.stage, self.settings.batch_size)] if self.progress else []
        trainer, rows = build(self, [preemption, Curves(self.folder / CURVES), *shown])
        resumed = last_checkpoint(self.folder / "checkpoints", tidy=first)
        if resumed:
            log.info("going on from %s", resumed)
        trainer.train(resume_from_checkpoint=str(resumed) if resumed else None)
        preemption.check(trainer.state)
        save_trained(trainer, self)
        return {"steps": trainer.state.global_step, "rows": rows, "seconds": time.monotonic() - started}

    def __call__(self) -> dict[str, Any]:
        """``run`` as one process of a submitit job: on the announced signal, a checkpoint, and into the queue again by submitit's own handler."""
        from submitit.helpers import TorchDistributedEnvironment

        from unicedit.training.preemption import Preempted

        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
        if int(TorchDistributedEnvironment().world_size) > 1:
            TorchDistributedEnvironment().export(set_cuda_visible_devices=False, overwrite=True)
        announced = getattr(signal, f"SIG{self.launch.signal}")
        requeue = signal.getsignal(announced)  # submitit's: it calls checkpoint(), asks for the requeue and leaves
        assert callable(requeue), f"submitit heeds no {signal.Signals(announced).name}: SUBMITIT_PREEMPT_SIGNAL is lost"
        try:
            return self.run(stopping=(announced,), storing=() if announced == signal.SIGTERM else (signal.SIGTERM,))
        except Preempted as stopped:
            log.warning("%s", stopped)
            requeue(stopped.signum, None)
            raise SystemExit(0) from None  # one of the other processes: the first has asked
