"""Training on a CPU: the same losses with less work."""

from typing import Any

import torch

FRAMES = 2  # times a Qwen2.5-VL processor repeats a picture, which its tower takes for a film


def quicken() -> None:
    """Put the faster layers in (``verifier/cpu_speed.py``), and have trl score the positions of replies alone, for the whole process.

    trl does so on a GPU; elsewhere it scores every position, to spare Neuron a compilation for each shape. A CPU compiles nothing.
    """
    import trl.trainer.utils as theirs

    from unicedit.verifier import cpu_speed

    cpu_speed.enable()
    theirs._use_triton = lambda device: True  # type: ignore[attr-defined]


def takes_one_frame(model: Any) -> bool:
    """Whether the faster layers take a picture's patches with one frame, in place of two equal ones: half of the memory and of the first product."""
    return bool(model.config.model_type == "qwen2_5_vl" and not torch.cuda.is_available())


def one_frame(pixel_values: torch.Tensor) -> torch.Tensor:
    """Patches (n, channels * frames * pixels) with equal frames, as patches (n, channels * pixels)."""
    frames = pixel_values.view(len(pixel_values), 3, FRAMES, -1)
    return frames[:, :, 0].reshape(len(pixel_values), -1)
