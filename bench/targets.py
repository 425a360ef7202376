"""What a benchmark wants to reach: each figure is printed beside its target, and a missed one ends the benchmark with the line that names it."""

import sys


class Targets:
    """Figures of one benchmark."""

    def __init__(self) -> None:
        self.missed: list[str] = []

    def show(
        self, what: str, value: float, unit: str = "", *, at_least: float | None = None, at_most: float | None = None, digits: int = 2
    ) -> None:
        """Print a figure and what is wanted of it."""
        wanted = [f"at least {at_least:g}"] if at_least is not None else []
        wanted += [f"at most {at_most:g}"] if at_most is not None else []
        line = f"{what}: {value:.{digits}f}{unit and ' ' + unit} (wanted: {' and '.join(wanted)})"
        print(line, flush=True)
        if (at_least is not None and value < at_least) or (at_most is not None and value > at_most):
            self.missed.append(line)

    def end(self) -> None:
        """Leave with 1 when a target was missed, naming it."""
        if self.missed:
            sys.exit("\n".join(f"MISSED {line}" for line in self.missed))
