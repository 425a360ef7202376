"""What is not read of a stranger's dataset."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Larger files are not read, and pictures with more pixels not decoded."""

    max_file_mb: float = 100
    max_megapixels: float = 100
