"""How far each stage is: jobs from Snakemake's output, rows from the progress records."""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from unicedit.monitor.output import Output
from unicedit.monitor.records import Place, Record
from unicedit.stages import MEASURING, ORDER

WINDOW_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class StageProgress:
    """One stage. ``share`` (0 to 1) counts rows where the stage has any, else jobs; ``eta`` is in seconds, None while it cannot be told."""

    stage: str
    jobs_done: int
    jobs: int
    rows: int
    rows_failed: int
    share: float
    rate: float  # rows a second, 0 for stages without rows
    eta: float | None


class Speed:
    """Progress a second over the last minute."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, float]] = deque()

    def add(self, now: float, amount: float) -> float:
        """Note the amount done at ``now`` (seconds of any steady clock); returns the speed, 0 until it is known."""
        self._seen.append((now, amount))
        while len(self._seen) > 2 and now - self._seen[1][0] >= WINDOW_SECONDS:
            self._seen.popleft()
        (first, start), (last, end) = self._seen[0], self._seen[-1]
        return max(0.0, (end - start) / (last - first)) if last > first else 0.0


def in_order(stages: Iterable[str]) -> list[str]:
    """Stages in the pipeline's order, others after them."""
    return sorted(stages, key=lambda stage: (ORDER.index(stage) if stage in ORDER else len(ORDER), stage))


class RunProgress:
    """The progress of one run. Records that lay there before it, and have not been written since, are an earlier run's."""

    def __init__(self, before: Mapping[Place, Record]) -> None:
        self._before = {place: record.version for place, record in before.items()}
        self._speeds: dict[tuple[str, str], Speed] = {}

    def own(self, records: Mapping[Place, Record]) -> list[Record]:
        """The records of this run."""
        return [record for place, record in records.items() if self._before.get(place) != record.version]

    def stages(self, output: Output, records: Mapping[Place, Record], now: float) -> list[StageProgress]:
        """Each stage that has jobs in this run, in the pipeline's order."""
        by_stage: dict[str, list[Record]] = {}
        for record in self.own(records):
            by_stage.setdefault(record.stage, []).append(record)
        return [
            self._stage(stage, output, by_stage.get(stage, []), now)
            for stage in in_order(stage for stage in output.planned if stage in ORDER or stage in MEASURING)
        ]

    def _stage(self, stage: str, output: Output, records: list[Record], now: float) -> StageProgress:
        jobs, jobs_done = output.planned[stage], output.finished[stage]
        job_speed = self._speeds.setdefault((stage, "jobs"), Speed()).add(now, jobs_done)
        rows = sum(record.done for record in records)
        failed = sum(record.failed for record in records)
        if not records:
            waiting = jobs - jobs_done
            eta = 0.0 if not waiting else waiting / job_speed if job_speed else None
            return StageProgress(stage, jobs_done, jobs, 0, 0, jobs_done / jobs, 0.0, eta)
        rate = self._speeds.setdefault((stage, "rows"), Speed()).add(now, sum(record.computed for record in records))
        known = sum(record.total for record in records)
        expected = known * max(jobs, len(records)) / len(records)  # shards that have not begun are taken to be of mean length
        left = max(0.0, expected - rows)
        share = 1.0 if jobs_done >= jobs else min(rows / expected, 0.999) if expected else jobs_done / jobs
        eta = (
            0.0 if jobs_done >= jobs else left / rate if rate else left / (job_speed * expected / jobs) if job_speed and expected else None
        )
        return StageProgress(stage, jobs_done, jobs, rows, failed, share, rate, eta)
