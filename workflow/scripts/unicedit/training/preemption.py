"""Stopping a training so that it can go on: on a signal, a checkpoint after the current update."""

import logging
import signal
from collections.abc import Sequence
from types import FrameType
from typing import Any

import torch
from transformers import TrainerCallback, TrainerControl, TrainerState

from unicedit.errors import PipelineError

log = logging.getLogger(__name__)


class Preempted(PipelineError):
    """The training was told to stop, and stored a checkpoint that the same command goes on from."""

    def __init__(self, step: int, steps: int, signum: int) -> None:
        super().__init__(
            f"stopped by {signal.Signals(signum).name} after update {step} of {steps}; a checkpoint is stored: run the same again to go on"
        )
        self.signum = signum


class Preemption(TrainerCallback):  # type: ignore[misc]
    """Stores a checkpoint when one of ``signals`` came, and stops the training if it is one of ``stopping``.

    A signal may come at any instant, and to one process of many: so it is only noted, and after each update all processes agree on what to do. Use ``with``:
    it takes the signals, and gives them back.
    """

    def __init__(self, stopping: Sequence[int], storing: Sequence[int] = ()) -> None:
        self.stopping = tuple(stopping)
        self.signals = tuple({*stopping, *storing})
        self.came = 0  # the last signal's number
        self._former: dict[int, Any] = {}

    def __enter__(self) -> "Preemption":
        self._former = {number: signal.signal(number, self._note) for number in self.signals}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._former.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        log.warning("%s came: a checkpoint follows the current update", signal.Signals(number).name)
        if self.came not in self.stopping:
            self.came = number

    def on_step_end(self, args: Any, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        came = self._agreed(args.device)
        if came:
            control.should_save = True
            control.should_training_stop = control.should_training_stop or came in self.stopping
            if came not in self.stopping:
                self.came = 0

    def _agreed(self, device: torch.device) -> int:
        """The signal that came to any process."""
        if not (torch.distributed.is_available() and torch.distributed.is_initialized()) or torch.distributed.get_world_size() == 1:
            return self.came
        # stopping signals win over those that only store
        told = torch.tensor([self.came if self.came in self.stopping else 0, self.came], device=device)
        torch.distributed.all_reduce(told, torch.distributed.ReduceOp.MAX)
        stop, store = (int(one) for one in told)
        if stop:
            self.came = stop
        return stop or store

    def check(self, state: TrainerState) -> None:
        """After the training: raise ``Preempted`` if it stopped before its end."""
        if self.came in self.stopping and state.global_step < state.max_steps:
            raise Preempted(state.global_step, state.max_steps, self.came)
