"""The engine `openai` against a real server on the loopback interface, with faults of every kind (issue 5)."""

import io
import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from made_requests import engine_at, requests, verdicts
from openai_server import MODEL, asked, served
from unicedit.config.openai import OpenAiSettings
from unicedit.map.compute import EngineError
from unicedit.map.stage import RowError
from unicedit.vlm.ask import Answer
from unicedit.vlm.cache import keys_of
from unicedit.vlm.openai import OpenAiEngine
from unicedit.vlm.port import Refused, VlmRequest
from unicedit.vlm.spent import spent_in

FAULTS = {"busy": 0.15, "broken": 0.1, "reset": 0.1, "cut": 0.05, "nojson": 0.05, "html": 0.05, "shape": 0.05, "prose": 0.1, "long": 0.05}

KEYS = [
    "8d51d7cc078212933ddd1499548b4fd9",
    "c3afb98e341cee8b5aa00c2df886ac72",
    "971ab36f21d178e9fcd4a0c41eaee571",
]  # of replies that lie in caches


def test_nothing_is_lost_and_nothing_counted_twice_among_faults_of_every_kind(tmp_path: Path) -> None:
    with served(tmp_path / "log", FAULTS) as url:
        answers = verdicts(engine_at(url, tmp_path, tries=20), 120, attempts=8)
    assert all(isinstance(answer, Answer) for answer in answers)
    seen = asked(tmp_path / "log")
    assert {record["fault"] for record in seen} == {*FAULTS, ""}
    spent = spent_in(tmp_path / "usage")
    replies = sum(record["fault"] in ("", "prose", "long") for record in seen)
    assert (spent.sent, spent.answered) == (len(seen), replies)
    assert (spent.tokens_in, spent.tokens_out, spent.tokens_cached) == (1000 * replies, 100 * replies, 200 * replies)
    lines = [json.loads(line) for path in (tmp_path / "replies").glob("*.jsonl") for line in path.read_text().splitlines()]
    assert len(lines) == len({line["key"] for line in lines}) == 120, "only replies that fit are kept"


def test_replies_that_are_known_are_not_asked_for_again(tmp_path: Path) -> None:
    with served(tmp_path / "log") as url:
        first = verdicts(engine_at(url, tmp_path), 30)
        engine = engine_at(url, tmp_path, concurrency=3, timeout=5.0)
        again = verdicts(engine, 30)
        assert len(asked(tmp_path / "log")) == 30, "how requests get there decides nothing"
        verdicts(engine_at(url, tmp_path, temperature=0.5), 30)
    assert [answer.value for answer in again if isinstance(answer, Answer)] == [
        answer.value for answer in first if isinstance(answer, Answer)
    ]
    assert engine.cache is not None and engine.cache.hits == spent_in(tmp_path / "usage").known == 30
    assert len(asked(tmp_path / "log")) == 60, "another temperature is another question"


def test_a_reply_that_does_not_fit_is_shown_to_the_model_with_the_fault(tmp_path: Path) -> None:
    with served(tmp_path / "log", {"prose": 1.0}) as url:
        (failed,) = verdicts(engine_at(url, tmp_path), 1)
    assert isinstance(failed, RowError) and str(failed) == "reply: no JSON in it (3 attempts)"
    assert failed.columns["raw"] == "I would rather talk about something else."
    assert [record["turns"] for record in asked(tmp_path / "log")] == [1, 3, 3]


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("refusal", "refused: the model declined to answer"),
        ("filtered", "refused: HTTP 400: The prompt was filtered."),
        ("flat", "not accepted: HTTP 400: The prompt is too long."),
        ("nested", 'not accepted: HTTP 400: {"error":[[['),
        ("broken", "no answer: HTTP 500: "),
        ("slow", "no answer: no whole answer in time (3 tries)"),
        ("reset", "no answer: "),
        ("long", "reply: cut off at the limit of tokens (3 attempts)"),
    ],
)
def test_what_one_request_does_not_get_is_its_own_failure(tmp_path: Path, fault: str, reason: str) -> None:
    with served(tmp_path / "log", {fault: 1.0}) as url:
        (failed,) = verdicts(engine_at(url, tmp_path, tries=3, timeout=0.5), 1)
    assert isinstance(failed, RowError) and str(failed).startswith(reason)
    assert not list((tmp_path / "replies").glob("*.jsonl"))


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("key", "the server refuses the key in OPENAI_API_KEY: HTTP 401"),
        ("unknown", f"the server knows no model {MODEL}"),
        ("credit", "the account has no credit left: HTTP 429"),
        ("moved", r"the server sends requests on \(HTTP 307\) to 'http://elsewhere\.invalid/v1/chat/completions'"),
        ("other", f"asked for the model {MODEL}, the server answers as another-model"),
        ("broken", "8 requests got no answer in 2 tries each, and none did"),
    ],
)
def test_what_no_request_can_get_past_stops_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str, message: str) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    with served(tmp_path / "log", {fault: 1.0}) as url, pytest.raises(EngineError, match=message) as caught:
        verdicts(engine_at(url, tmp_path, tries=2), 40)
    assert "secret" not in str(caught.value)
    assert len(asked(tmp_path / "log")) < 80, "it does not go on asking"


def test_the_key_comes_from_the_environment_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    with pytest.raises(EngineError, match="OPENAI_API_KEY holds no key"):
        OpenAiEngine(OpenAiSettings(model="m"), None, None)
    monkeypatch.setenv("LAB_KEY", "sk-lab")
    with served(tmp_path / "log") as url:
        verdicts(engine_at(url, tmp_path, key_variable="LAB_KEY"), 1)
    assert asked(tmp_path / "log")[0]["key"] == "Bearer sk-lab"


def test_requests_bear_what_the_environment_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"ORG_ID": "an-org", "PROJECT_ID": "a-project", "CUSTOM_HEADERS": "x-lab: 7\nuser-agent: lab"}.items():
        monkeypatch.setenv(f"OPENAI_{name}", value)
    with served(tmp_path / "log") as url:
        monkeypatch.setenv("OPENAI_BASE_URL", url)
        verdicts(OpenAiEngine(OpenAiSettings(model=MODEL), None, None), 1)
        monkeypatch.setenv("OPENAI_BASE_URL", "http://nowhere.invalid/v1")
        monkeypatch.setenv("http_proxy", url.removesuffix("/v1").replace("//", "//user:word@"))
        verdicts(OpenAiEngine(OpenAiSettings(model=MODEL), None, None), 1)
    direct, by_proxy = (record["headers"] for record in asked(tmp_path / "log"))
    assert (direct["content-type"], direct["accept"], direct["user-agent"]) == ("application/json", "application/json", "lab")
    assert (direct["openai-organization"], direct["openai-project"], direct["x-lab"]) == ("an-org", "a-project", "7")
    assert by_proxy["host"] == "nowhere.invalid" and by_proxy["proxy-authorization"].startswith("Basic ")


def test_a_proxy_of_another_kind_stops_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("all_proxy", "socks5://user:word@127.0.0.1:1080")
    with pytest.raises(EngineError, match="a proxy of the kind socks5") as caught:
        OpenAiEngine(OpenAiSettings(model="m", base_url="http://nowhere.invalid/v1"), None, None)
    assert "word" not in str(caught.value)


def test_a_reply_may_be_compressed(tmp_path: Path) -> None:
    with served(tmp_path / "log", {"zipped": 1.0}) as url:
        assert all(isinstance(answer, Answer) for answer in verdicts(engine_at(url, tmp_path), 3))


@pytest.mark.parametrize("fault", ["endless", "bomb"])
def test_a_reply_is_read_up_to_a_bound(tmp_path: Path, fault: str) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with served(tmp_path / "log", {fault: 1.0}) as url:
        (failed,) = verdicts(engine_at(url, tmp_path, tries=2, timeout=60.0), 1)
    assert isinstance(failed, RowError) and str(failed) == "no answer: BrokenReplyError: the reply has more than 16 MB (2 tries)"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000, "kB"


def test_a_large_body_is_sent_again_and_nothing_warns(tmp_path: Path) -> None:
    stream = io.BytesIO()
    Image.frombytes("RGB", (800, 800), random.Random(1).randbytes(800 * 800 * 3)).save(stream, "PNG")
    request = replace(requests(1)[0], images=(stream.getvalue(),) * 2)
    with served(tmp_path / "log", {"reset_first": 1.0}) as url, warnings.catch_warnings():
        warnings.simplefilter("error")
        (reply,) = engine_at(url, tmp_path, timeout=60.0).reply([request])
    first, second = asked(tmp_path / "log")
    assert not reply.failure and int(first["headers"]["content-length"]) > 5_000_000
    assert first["name"] == second["name"], "the same bytes"


def test_a_request_is_taken_when_there_is_room_for_it(tmp_path: Path) -> None:
    answered: set[int] = set()

    def one_by_one() -> Iterator[VlmRequest]:
        for number, request in enumerate(requests(20)):
            assert len(answered) >= number - 4
            yield request

    with served(tmp_path / "log") as url:
        replies = engine_at(url, tmp_path, concurrency=4).reply_taking(one_by_one(), lambda number, _: answered.add(number))
    assert len(replies) == 20 == len(answered)


def test_the_keys_of_replies_stay_what_they_were() -> None:
    first, second = requests(2)
    asked_again = replace(second, attempt=1, refused=Refused("no", "no JSON"), repeat=3)
    assert list(keys_of("identity", [first, second, asked_again])) == KEYS


def test_a_busy_server_is_given_the_time_it_asks_for(tmp_path: Path) -> None:
    with served(tmp_path / "log", {"busy": 0.5}) as url:
        answers = verdicts(engine_at(url, tmp_path, tries=30), 40)
    assert all(isinstance(answer, Answer) for answer in answers)
    assert spent_in(tmp_path / "usage").repeated == sum(record["fault"] == "busy" for record in asked(tmp_path / "log")) > 0


def test_a_budget_stops_cleanly_and_a_larger_one_goes_on(tmp_path: Path) -> None:
    price = {"input": 1.0, "cached_input": 0.5, "output": 4.0}
    with served(tmp_path / "log", latency=0.02) as url:
        with pytest.raises(EngineError, match=r"the budget of 25 requests is spent; what was answered is kept: raise budget\.requests"):
            verdicts(engine_at(url, tmp_path, budget={"requests": 25}, concurrency=4), 60)
        assert len(asked(tmp_path / "log")) == 25
        one = (800 * 1.0 + 200 * 0.5 + 100 * 4.0) / 1e6
        with pytest.raises(EngineError, match="is spent"):
            verdicts(engine_at(url, tmp_path, price=price, budget={"money": 10.5 * one}, concurrency=1), 60)
        assert len(asked(tmp_path / "log")) == 36, "the ones before cost nothing: they had no price"
        answers = verdicts(engine_at(url, tmp_path), 60)
    assert all(isinstance(answer, Answer) for answer in answers)
    assert len(asked(tmp_path / "log")) == 60, "what was paid for is not asked again"
    assert spent_in(tmp_path / "usage").money == pytest.approx(11 * one)


def test_limits_a_minute_are_kept(tmp_path: Path) -> None:
    with served(tmp_path / "log") as url:
        engine = engine_at(url, tmp_path, requests_per_minute=600)
        start = time.monotonic()
        verdicts(engine, 620)
        took = time.monotonic() - start
    assert took >= 1.5, "after the first 600, ten a second"


def test_hedging_asks_twice_and_takes_the_first_answer(tmp_path: Path) -> None:
    with served(tmp_path / "log", {"slow_first": 1.0}) as url:
        start = time.monotonic()
        answers = verdicts(engine_at(url, tmp_path, hedge=0.2, timeout=30.0, tries=3), 8)
        took = time.monotonic() - start
    assert all(isinstance(answer, Answer) for answer in answers) and took < 15
    assert len(asked(tmp_path / "log")) == spent_in(tmp_path / "usage").sent == 16


KILLED = """\
import sys
from pathlib import Path
sys.path[:0] = {path!r}
from made_requests import engine_at, verdicts
verdicts(engine_at({url!r}, Path({folder!r}), concurrency=4), 200)
"""


def test_cache_is_consistent_after_a_kill(tmp_path: Path) -> None:
    code = Path(__file__).parent
    with served(tmp_path / "log", latency=0.02) as url:
        for _ in range(3):
            script = KILLED.format(path=[str(code), str(code.parent), *sys.path], url=url, folder=str(tmp_path))
            child = subprocess.Popen([sys.executable, "-c", script])
            before = len(asked(tmp_path / "log"))
            while len(asked(tmp_path / "log")) < before + 20 and child.poll() is None:
                time.sleep(0.01)
            os.kill(child.pid, signal.SIGKILL)
            child.wait()
        answers = verdicts(engine_at(url, tmp_path), 200)
    assert all(isinstance(answer, Answer) for answer in answers)
    counts = Counter(record["name"] for record in asked(tmp_path / "log"))
    assert len(counts) == 200
    assert sum(counts.values()) <= 200 + 3 * 4, "only what was on its way was asked again"


def test_pictures_go_as_they_are_stored_unless_the_settings_say_otherwise(tmp_path: Path) -> None:
    from unicedit.config.openai import SentPicturesSettings
    from unicedit.vlm.pictures import sent

    stream = io.BytesIO()
    Image.linear_gradient("L").resize((300, 200)).convert("RGB").save(stream, "WEBP", lossless=True)
    stored = stream.getvalue()
    assert sent(stored, SentPicturesSettings()) == (stored, "image/webp")
    data, kind = sent(stored, SentPicturesSettings(format="png"))
    with Image.open(io.BytesIO(data)) as png, Image.open(io.BytesIO(stored)) as webp:
        assert kind == "image/png" and png.tobytes() == webp.convert("RGB").tobytes()
    data, kind = sent(stored, SentPicturesSettings(max_pixels=15_000))
    with Image.open(io.BytesIO(data)) as small:
        assert (kind, small.size) == ("image/png", (150, 100))
    assert sent(stored, SentPicturesSettings(format="jpeg"))[1] == "image/jpeg"
