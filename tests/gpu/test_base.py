"""The base model's training on a GPU: every stage runs there with lessons made by worker processes, goes on from its checkpoint, and says how fast it is."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from unicedit.base.card import write_card
from unicedit.base.training import Machine, begin, feed_of, resume, teach_saying, teach_seeing
from unicedit.verifier import cpu_speed

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")]


@pytest.fixture(autouse=True)
def fast() -> Iterator[None]:
    cpu_speed.enable()
    yield
    cpu_speed.disable()


def test_every_stage_runs_and_goes_on(tmp_path: Path) -> None:
    machine = Machine(torch.device("cuda"), scenes=16, workers=2)
    feed = feed_of(tmp_path / "pictures", "train", 60, workers=2)
    trainee = begin(1, 60)
    trainee.to(machine)
    teach_seeing(trainee, feed, 0.1, tmp_path / "kept", machine)
    teach_saying(trainee, feed, 0.1, tmp_path / "kept", machine, frozen=True)
    teach_saying(trainee, feed, 0.2, tmp_path / "kept", machine, frozen=False)
    assert set(trainee.log.steps) == {"see", "say, tower frozen", "say"} and min(trainee.log.steps.values()) > 0
    again = resume(tmp_path / "kept")
    assert again.log.device == torch.cuda.get_device_name()
    for name, weight in trainee.model.state_dict().items():
        assert torch.equal(weight.cpu(), again.model.state_dict()[name]), name
    trainee.publish(tmp_path / "published")
    found = write_card(trainee, {"validation": feed_of(tmp_path / "pictures", "validation", 1)}, tmp_path / "published")
    assert found["validation"]
    for stage, minutes in trainee.log.minutes.items():
        print(f"{stage}: {trainee.log.steps[stage] / (60 * minutes):.1f} steps a second of {machine.scenes} scenes")
