"""Energy of this machine's processors and memory while a run is watched, from the counters that Linux shows (powercap, "RAPL"; Intel's and AMD's processors)."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from unicedit.files import write_json

POWERCAP = Path("/sys/class/powercap")
FOLDER = "energy"  # of a results folder


@dataclass(slots=True)
class _Counter:
    """One domain: microjoules that start anew at ``span``."""

    path: Path
    name: str
    span: int
    last: int
    total: int = 0

    def look(self) -> None:
        now = _number(self.path)
        if now is not None:
            self.total += (now - self.last) % self.span
            self.last = now


@dataclass(slots=True)
class Rapl:
    """What was used since it was made. ``look`` at least once in the minutes that a counter takes to start anew (half an hour at 150 W).

    Without domains where the kernel shows none, or to root alone, as most do since 2020 (CVE-2020-8694).
    """

    root: Path = POWERCAP
    counters: Sequence[_Counter] = field(init=False)
    began: float = field(default_factory=time.time)

    def __post_init__(self) -> None:
        self.counters = [one for path in sorted(self.root.glob("intel-rapl:*")) if (one := _counter(path)) is not None]

    def look(self) -> None:
        """Take in what the counters say."""
        for one in self.counters:
            one.look()

    @property
    def joules(self) -> float:
        return sum(one.total for one in self.counters) / 1e6

    def keep(self, results: Path) -> None:
        """Leave a record in the results folder, where anything was measured."""
        if self.joules > 0:
            names = sorted({one.name.partition("-")[0] for one in self.counters})
            record = {"joules": self.joules, "seconds": time.time() - self.began, "began": self.began, "domains": names}
            write_json(results / FOLDER / f"{self.began:.6f}.json", record)


def _counter(folder: Path) -> _Counter | None:
    """Packages, and memory where it is counted apart. Cores lie within a package, and ``psys`` counts packages again."""
    try:
        name = (folder / "name").read_text().strip()
    except OSError:
        return None
    span, last = _number(folder / "max_energy_range_uj"), _number(folder / "energy_uj")
    if not (name.startswith("package") or name == "dram") or not span or last is None:
        return None
    return _Counter(folder / "energy_uj", name, span, last)


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None
