"""How training time is counted: on a CPU by this thread's processor time, which what runs beside it does not shorten; on an accelerator by the wall clock."""

import time
from collections.abc import Callable

import torch


def clock_of(device: torch.device) -> Callable[[], float]:
    """A clock in seconds for training on a device."""
    return time.thread_time if device.type == "cpu" else time.monotonic
