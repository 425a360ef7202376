"""Convert the published head of an aesthetic predictor (.pth) to safetensors: ``python -m unicedit.scorers.convert_aesthetic in.pth out.safetensors``.

The only place that reads a pickle file, with weights_only: nothing in it is executed.
"""

import sys
from pathlib import Path

from unicedit.errors import PipelineError
from unicedit.scorers.aesthetic import MAX_HEAD_BYTES


def convert(source: Path, target: Path) -> None:
    """Write the tensors of ``source`` to ``target``. Raises ``PipelineError`` for a file that is too large or holds anything but tensors."""
    import pickle

    import torch
    from safetensors.torch import save_file

    if source.stat().st_size > MAX_HEAD_BYTES:
        raise PipelineError(f"{source}: larger than {MAX_HEAD_BYTES >> 20} MB, so it is no predictor's head")
    try:
        weights = torch.load(source, weights_only=True, map_location="cpu")
    except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
        raise PipelineError(f"{source}: holds more than tensors, or is damaged ({str(error).splitlines()[0]})") from error
    if not isinstance(weights, dict) or not all(isinstance(value, torch.Tensor) for value in weights.values()):
        raise PipelineError(f"{source}: is no state dictionary")
    save_file({name: value.float().contiguous() for name, value in weights.items()}, target)


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
