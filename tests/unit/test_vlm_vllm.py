"""The engine `vllm`: the process around vLLM, with a stand-in for vLLM itself (issue 5)."""

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from made_requests import picture
from unicedit.config.vllm import VllmSettings
from unicedit.map.compute import EngineError
from unicedit.map.stage import RowError
from unicedit.verify.reply import VerifyReply, parse_reply
from unicedit.vlm.ask import Answer, ask
from unicedit.vlm.port import VlmRequest
from unicedit.vlm.vllm import VllmEngine

TESTS = Path(__file__).parents[1]


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(TESTS / "standin"), str(TESTS)]))

    def opened(**settings: Any) -> VllmEngine:
        return VllmEngine(VllmSettings(**{"model": "lab/model", "revision": "abc", **settings}), tmp_path / "replies")

    return opened


def asked(engine: VllmEngine, *prompts: str) -> list[Answer[VerifyReply] | RowError]:
    schema = VerifyReply.model_json_schema()
    requests = [VlmRequest(f"k{number}", prompt, (picture(1), picture(2)), schema) for number, prompt in enumerate(prompts)]
    return ask(engine, requests, lambda _, text: parse_reply(text), 2)


def test_a_batch_is_answered_in_order_and_what_breaks_off_is_asked_again(engine: Any, capfd: pytest.CaptureFixture[str]) -> None:
    answers = asked(engine(), "one", "cut two", "three")
    assert all(isinstance(answer, Answer) for answer in answers)
    first = answers[0]
    assert isinstance(first, Answer) and first.reply.usage == {"in": 100, "cached": 40, "out": 7}
    assert first.reply.model.startswith("model@")
    told = capfd.readouterr()
    assert "vLLM prints" in told.err and not told.out


def test_the_request_that_is_refused_fails_alone(engine: Any) -> None:
    answers = asked(engine(), "one", "too long", "three")
    assert [isinstance(answer, Answer) for answer in answers] == [True, False, True]
    assert str(answers[1]).startswith("not accepted: ValueError: The decoder prompt")


def test_a_model_that_is_not_there_a_worker_that_dies_and_an_interpreter_that_is_none_stop_the_run(engine: Any) -> None:
    with pytest.raises(EngineError, match="vLLM cannot start with lab/missing: OSError"):
        engine(model="lab/missing")
    with pytest.raises(EngineError, match="ended with status 9"):
        asked(engine(), "die")
    with pytest.raises(EngineError, match=r"vllm\.python = '/no/python': cannot be run"):
        engine(python="/no/python")
    with pytest.raises(EngineError, match="needs its revision"):
        engine(revision=None)


def test_without_vllm_the_error_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTHONPATH", raising=False)
    with pytest.raises(EngineError, match="No module named 'vllm'"):
        VllmEngine(VllmSettings(model="lab/model", revision="abc", python=sys.executable), None)
