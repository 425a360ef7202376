"""The GPUs that a job may use, by the names that ``CUDA_VISIBLE_DEVICES`` takes. Nothing is imported or started to find out."""

import os
import re
from collections.abc import Mapping
from pathlib import Path


def visible_devices(environment: Mapping[str, str] = os.environ, devices: Path = Path("/dev")) -> list[str]:
    """What ``CUDA_VISIBLE_DEVICES`` names; where it is not set, every NVIDIA device of the machine."""
    named = environment.get("CUDA_VISIBLE_DEVICES")
    if named is not None:
        return [name.strip() for name in named.split(",") if name.strip() and name.strip() != "-1"]
    # CUDA counts the devices that there are from 0, whatever their files' numbers
    return [str(number) for number in range(sum(re.fullmatch(r"nvidia\d+", path.name) is not None for path in devices.glob("nvidia*")))]
