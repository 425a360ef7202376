"""The reference's log-probabilities of preference pairs, in a file, so that a resumed training does not compute them again."""

from collections.abc import Mapping
from pathlib import Path

from unicedit.files import appearing_whole

Known = dict[str, tuple[float, float]]


def save_reference(path: Path, known: Mapping[str, tuple[float, float]]) -> None:
    """Write log-probabilities (nats, summed over the reply) of preferred and rejected reply by row key, as safetensors."""
    import json

    import torch
    from safetensors.torch import save_file

    with appearing_whole(path) as temporary:
        values = torch.tensor(list(known.values()), dtype=torch.float64)
        save_file({"log_probabilities": values}, temporary, metadata={"keys": json.dumps(list(known))})


def load_reference(path: Path) -> Known | None:
    """What ``save_reference`` wrote; None where there is no file."""
    import json

    from safetensors import safe_open

    if not path.exists():
        return None
    with safe_open(path, "pt") as stream:
        keys = json.loads(stream.metadata()["keys"])
        values = stream.get_tensor("log_probabilities").tolist()
    return {key: (chosen, rejected) for key, (chosen, rejected) in zip(keys, values, strict=True)}
