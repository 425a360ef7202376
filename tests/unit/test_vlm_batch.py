"""The engine `batch` against a real server on the loopback interface that speaks both providers' batch APIs (issue 5)."""

import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx2
import pytest
from pydantic import ValidationError

from batch_server import MODEL, batches_served, told
from made_requests import engine_at as single_engine_at
from made_requests import requests
from unicedit.config.batch import BatchSettings
from unicedit.config.instruct import InstructSettings
from unicedit.map.compute import EngineError, attempt
from unicedit.map.stage import Item, RowError
from unicedit.verify.reply import VerifyReply, parse_reply
from unicedit.vlm.ask import Answer, ask
from unicedit.vlm.batch.accounts import Accounts
from unicedit.vlm.batch.engine import BatchEngine
from unicedit.vlm.batch.gemini import GeminiBatches
from unicedit.vlm.batch.record import Record, plan, records
from unicedit.vlm.gemini import openapi
from unicedit.vlm.port import VlmReply
from unicedit.vlm.spent import Spent, spent_in

PROVIDERS = ("openai", "gemini")
both = pytest.mark.parametrize("provider", PROVIDERS)
PRICE = {"input": 1.0, "cached_input": 0.5, "output": 4.0}
EACH = (800 * 1.0 + 200 * 0.5 + 100 * 4.0) / 1e6


def engine_at(url: str, folder: Path, **settings: Any) -> BatchEngine:
    provider = "gemini" if "v1beta" in url else "openai"
    made = {"model": MODEL, "provider": provider, "base_url": url, "poll_seconds": 0.1, "timeout": 5.0, "price": PRICE, **settings}
    return BatchEngine(BatchSettings(**made), folder / "replies", folder / "usage")


def verdicts(engine: BatchEngine, count: int, attempts: int = 3) -> list[Answer[VerifyReply] | RowError]:
    return ask(engine, requests(count), lambda _, text: parse_reply(text), attempts)


def open_records(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "replies" / "batches").iterdir() if path.suffix != ".done")


@both
def test_all_requests_are_one_batch_and_cost_what_they_cost(tmp_path: Path, provider: str) -> None:
    with batches_served(tmp_path / "state", provider) as url:
        answers = verdicts(engine_at(url, tmp_path), 25)
        again = verdicts(engine_at(url, tmp_path), 25)
    assert all(isinstance(answer, Answer) and answer.reply.model == MODEL for answer in answers)
    assert [answer.value for answer in again if isinstance(answer, Answer)] == [
        answer.value for answer in answers if isinstance(answer, Answer)
    ]
    assert len(told(tmp_path / "state", "batch")) == 1 and len(told(tmp_path / "state", "request")) == 25, "the second time all is known"
    spent = spent_in(tmp_path / "usage")
    assert spent.money == pytest.approx(25 * EACH)
    assert spent == Spent(25, 25, 0, 25, 25_000, 5_000, 2_500, spent.money)
    assert open_records(tmp_path) == [], "what is settled leaves only its entry in the books"
    assert len(told(tmp_path / "state", "delete")) >= 2, "pictures and replies do not stay at the provider's"


def test_replies_of_batches_and_of_single_requests_are_the_same(tmp_path: Path) -> None:
    with batches_served(tmp_path / "state", "openai") as url:
        verdicts(engine_at(url, tmp_path), 5)
        single = single_engine_at("http://127.0.0.1:9/v1", tmp_path)  # nothing is there
        answers = ask(single, requests(5), lambda _, text: parse_reply(text), 1)
    assert all(isinstance(answer, Answer) for answer in answers)


FAULTS = dict.fromkeys(("expired", "broken", "busy", "missing", "malformed", "stranger", "twice", "prose"), 0.1) | {"refused": 0.05}


@both
def test_among_faults_of_every_kind_each_request_has_one_answer(tmp_path: Path, provider: str) -> None:
    with batches_served(tmp_path / "state", provider, FAULTS, seconds=0.1) as url:
        answers = verdicts(engine_at(url, tmp_path, tries=12), 80, attempts=6)
    failed = [str(answer) for answer in answers if isinstance(answer, RowError)]
    assert 0 < len(failed) < 25 and all(reason.startswith("refused: ") for reason in failed)
    lines = told(tmp_path / "state", "request")
    spent = spent_in(tmp_path / "usage")
    assert spent.sent == len(lines) > 100
    replies = sum(isinstance(answer, Answer) for answer in answers)
    kept = [json.loads(line) for path in (tmp_path / "replies").glob("*.jsonl") for line in path.read_text().splitlines()]
    assert len(kept) == len({line["key"] for line in kept}) == replies, "only replies that fit are kept"
    assert replies <= spent.answered < spent.sent
    assert open_records(tmp_path) == []


@both
def test_what_many_batches_leave_unanswered_fails_its_row_alone(tmp_path: Path, provider: str) -> None:
    with batches_served(tmp_path / "state", provider, {"broken": 0.6}, seconds=0.1) as url:
        answers = verdicts(engine_at(url, tmp_path, tries=2), 30)
        failed = [answer for answer in answers if isinstance(answer, RowError)]
        assert 2 <= len(failed) <= 22
        for answer in failed:
            assert str(answer).startswith("no answer: ") and str(answer).endswith("it was broken (2 batches)")
        assert [len(batch) for batch in by_batch(tmp_path)] == [30, spent_in(tmp_path / "usage").repeated]
        before = len(told(tmp_path / "state", "request"))
        verdicts(engine_at(url, tmp_path, tries=2), 30)
        assert len(told(tmp_path / "state", "request")) >= before + len(failed), "another run asks again what failed, and only that"


def by_batch(folder: Path) -> list[list[str]]:
    found: dict[str, list[str]] = {}
    for line in told(folder / "state", "request"):
        found.setdefault(line["batch"], []).append(line["key"])
    return list(found.values())


@both
def test_a_batch_that_expires_is_sent_again_for_what_it_left(tmp_path: Path, provider: str) -> None:
    with batches_served(tmp_path / "state", provider, {"batch": {"1": "expired"}}) as url:
        answers = verdicts(engine_at(url, tmp_path), 10)
    assert all(isinstance(answer, Answer) for answer in answers)
    first, second = by_batch(tmp_path)
    assert len(first) == 10 and len(second) == (5 if provider == "openai" else 10), "Gemini gives nothing of an expired batch"
    spent = spent_in(tmp_path / "usage")
    assert (spent.sent, spent.answered, spent.repeated) == (len(first) + len(second), 10, len(second))


@both
def test_no_answer_at_all_stops_the_run_and_fails_no_row(tmp_path: Path, provider: str) -> None:
    none = pytest.raises(EngineError, match=r"10 requests got no answer in 2 batches, and none did: .*it was broken")
    with batches_served(tmp_path / "state", provider, {"broken": 1.0}, seconds=0.1) as url, none:
        verdicts(engine_at(url, tmp_path, tries=2), 10)
    hopeless = pytest.raises(EngineError, match=r"no request of batch .* can be answered: .*it was unknown")
    with batches_served(tmp_path / "state", provider, {"unknown": 1.0}, seconds=0.1) as url, hopeless:
        verdicts(engine_at(url, tmp_path), 10)


KILLED = """\
import sys
from pathlib import Path
sys.path[:0] = {path!r}
from test_vlm_batch import engine_at, verdicts
verdicts(engine_at({url!r}, Path({folder!r})), 40)
"""


def killed(url: str, folder: Path, when: Any) -> None:
    """Ask in another process, and kill it as soon as ``when`` holds."""
    code = Path(__file__).parent
    script = KILLED.format(path=[str(code), str(code.parent), *sys.path], url=url, folder=str(folder))
    child = subprocess.Popen([sys.executable, "-c", script])
    deadline = time.monotonic() + 60
    while not when() and child.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    os.kill(child.pid, signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL, "it was still at work"


@both
def test_a_job_that_is_killed_while_it_waits_finds_its_batch_again(tmp_path: Path, provider: str) -> None:
    state = tmp_path / "state"
    with batches_served(state, provider, {"prose": 0.3}, seconds=4.0) as url:
        for _ in range(3):
            killed(url, tmp_path, lambda: told(state, "batch"))
            assert Record(next((tmp_path / "replies/batches").glob("*.record"))).keys
        answers = verdicts(engine_at(url, tmp_path), 40, attempts=8)
    assert all(isinstance(answer, Answer) for answer in answers)
    lines = Counter(line["key"] for line in told(state, "request"))
    assert set(lines.values()) == {1} and len(by_batch(tmp_path)[0]) == 40, "nothing was sent twice"
    spent = spent_in(tmp_path / "usage")
    assert spent.sent == spent.answered == len(lines) > 40
    assert spent.money == pytest.approx(len(lines) * EACH), "and nothing counted twice"
    assert open_records(tmp_path) == []


@both
@pytest.mark.parametrize("moment", ["results", "usage", "ended", "settled"])
def test_a_kill_at_any_moment_after_the_results_pays_for_nothing_twice(
    tmp_path: Path, provider: str, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a kill leaves behind is made by raising what nothing catches, right after a step."""

    class Kill(BaseException):
        pass

    def raising(*_: Any, **__: Any) -> None:
        raise Kill

    place = {
        "results": "unicedit.vlm.batch.accounts.Accounts.ended",
        "usage": "unicedit.vlm.batch.record.Record.add",
        "ended": "unicedit.vlm.cache.ReplyCache.put",
        "settled": "unicedit.vlm.batch.record.Record.close",
    }[moment]
    add = Record.add

    def ends_no_more(record: Record, event: str, **values: Any) -> None:
        if event == "ended":
            raise Kill
        add(record, event, **values)

    with batches_served(tmp_path / "state", provider, {"prose": 0.3}) as url:
        with monkeypatch.context() as patched:
            patched.setattr(place, ends_no_more if moment == "usage" else raising)
            with pytest.raises(Kill):
                verdicts(engine_at(url, tmp_path), 20, attempts=8)
        answers = verdicts(engine_at(url, tmp_path), 20, attempts=8)
    assert all(isinstance(answer, Answer) for answer in answers)
    lines = Counter(line["key"] for line in told(tmp_path / "state", "request"))
    assert set(lines.values()) == {1}
    spent = spent_in(tmp_path / "usage")
    assert spent.sent == spent.answered == len(lines) and spent.money == pytest.approx(len(lines) * EACH)


@both
def test_a_batch_whose_making_was_not_heard_of_is_found_and_not_made_again(tmp_path: Path, provider: str) -> None:
    with batches_served(tmp_path / "state", provider, {"batch": {"1": "cut", "2": "dies"}}) as url:
        answers = verdicts(engine_at(url, tmp_path), 10)
        assert len(told(tmp_path / "state", "batch")) == 1
        more = verdicts(engine_at(url, tmp_path, temperature=0.3), 10)
    assert all(isinstance(answer, Answer) for answer in [*answers, *more])
    assert [line["fate"] for line in told(tmp_path / "state", "batch")] == ["cut", "dies", ""], "one that was never made is made again"
    spent = spent_in(tmp_path / "usage")
    assert (spent.sent, spent.answered) == (20, 20)


@both
def test_a_provider_that_is_busy_is_tried_again_and_one_that_refuses_stops_the_run(tmp_path: Path, provider: str) -> None:
    with batches_served(tmp_path / "state", provider, {"batch": {"1": "busy", "2": "busy", "4": "refused"}}, seconds=0.1) as url:
        answers = verdicts(engine_at(url, tmp_path), 10)
        assert all(isinstance(answer, Answer) for answer in answers)
        spent = spent_in(tmp_path / "usage")
        assert (spent.sent, spent.answered, spent.repeated) == (10, 10, 0), "what was never begun costs nothing"
        with pytest.raises(EngineError, match=r"the provider did not begin batch .*it was not begun"):
            verdicts(engine_at(url, tmp_path, temperature=0.3), 10)
        verdicts(engine_at(url, tmp_path, temperature=0.3), 10)
    assert len(told(tmp_path / "state", "batch")) == 5


@both
def test_files_keep_the_limits_and_a_request_above_them_is_a_failed_row(tmp_path: Path, provider: str) -> None:
    with batches_served(tmp_path / "state", provider) as url:
        engine = engine_at(url, tmp_path, max_requests=7, max_request_mb=0.01, max_file_mb=0.01)
        answers = verdicts(engine, 20)
        assert all(isinstance(answer, Answer) for answer in answers)
        assert all(len(batch) <= 7 for batch in by_batch(tmp_path)) and all(
            line["bytes"] <= 10_000 for line in told(tmp_path / "state", "batch")
        )
        assert len(by_batch(tmp_path)) >= 3
        (line,) = {len(engine._carrier._provider.line("k" * 32, request)) for request in requests(9)}
        tight = engine_at(url, tmp_path, temperature=0.1, max_request_mb=(line - 1) / 1e6)
        failed = verdicts(tight, 2)
    assert {str(one) for one in failed} == {f"not accepted: the request has 0.0 MB, batch.max_request_mb allows {(line - 1) / 1e6:g}"}
    assert all(isinstance(one, RowError) for one in failed)
    assert sum(map(len, by_batch(tmp_path))) == 20


@both
def test_a_budget_stops_cleanly_and_a_larger_one_goes_on(tmp_path: Path, provider: str) -> None:
    with batches_served(tmp_path / "state", provider, seconds=0.1) as url:
        with pytest.raises(EngineError, match=r"the budget ends here \(25 requests sent, .*raise budget\.requests"):
            verdicts(engine_at(url, tmp_path, budget={"requests": 25}), 60)
        assert len(told(tmp_path / "state", "request")) == 25
        with pytest.raises(EngineError, match="the budget ends here"):
            verdicts(engine_at(url, tmp_path, budget={"money": 40.5 * EACH}, max_requests=5), 60)
        assert len(told(tmp_path / "state", "request")) == 40, "a request is charged what requests have cost"
        answers = verdicts(engine_at(url, tmp_path), 60)
    assert all(isinstance(answer, Answer) for answer in answers)
    lines = Counter(line["key"] for line in told(tmp_path / "state", "request"))
    assert set(lines.values()) == {1} and len(lines) == 60


@both
def test_what_a_request_costs_is_learned_from_a_small_batch(tmp_path: Path, provider: str) -> None:
    with batches_served(tmp_path / "state", provider, seconds=0.1) as url:
        answers = verdicts(engine_at(url, tmp_path, budget={"money": 100 * EACH}), 60)
    assert all(isinstance(answer, Answer) for answer in answers)
    most = (3000 * 1.0 + 4096 * 4.0) / 1e6
    assert [len(batch) for batch in by_batch(tmp_path)] == [int(100 * EACH / most), 60 - int(100 * EACH / most)]
    assert spent_in(tmp_path / "usage").waiting == 0


def test_jobs_that_begin_together_do_not_spend_a_budget_twice(tmp_path: Path) -> None:
    settings = BatchSettings(model="m", price=PRICE, budget={"money": 100 * EACH})
    one, other = (Accounts(tmp_path / "usage", settings) for _ in range(2))
    (tmp_path / "batches").mkdir()
    room = one.room()
    assert room is not None and room > 1
    record = plan(tmp_path / "batches", "openai here", [str(number) for number in range(room)], 0)
    one.sent(record)
    assert other.room() == 0 and other.waits()
    usage = {"in": 1000, "cached": 200, "out": 100}
    one.ended(record, [VlmReply("", "m", usage)] * room)
    assert other.room() == 100 - room and not other.waits()


@both
@pytest.mark.parametrize("closes", [True, False])
def test_jobs_that_ask_the_same_wait_for_one_batch_and_whoever_sent_it_pays(
    tmp_path: Path, provider: str, closes: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second asks more, and finds the batch of the first ended, with its results or closed."""
    if not closes:
        monkeypatch.setattr(BatchEngine, "settled", lambda _: None)
    found: dict[str, list[Answer[VerifyReply] | RowError]] = {}

    def job(name: str, count: int, url: str, **settings: Any) -> None:
        made = {"model": MODEL, "provider": provider, "base_url": url, "price": PRICE, **settings}
        engine = BatchEngine(BatchSettings(**made), tmp_path / "replies", tmp_path / name)
        found[name] = verdicts(engine, count)

    with batches_served(tmp_path / "state", provider, seconds=1.0) as url:
        first = threading.Thread(target=job, args=("first", 10, url), kwargs={"poll_seconds": 0.05})
        first.start()
        while not told(tmp_path / "state", "batch"):
            time.sleep(0.01)
        job("second", 14, url, poll_seconds=0.7)
        first.join()
    assert [len(found[name]) for name in ("first", "second")] == [10, 14]
    assert all(isinstance(answer, Answer) for answers in found.values() for answer in answers)
    assert [len(batch) for batch in by_batch(tmp_path)] == [10, 4], "nothing is sent twice"
    spent = {name: spent_in(tmp_path / name) for name in found}
    assert [(one.sent, one.waiting) for one in spent.values()] == [(10, 0), (4, 0)]
    assert [one.money for one in spent.values()] == pytest.approx([10 * EACH, 4 * EACH])


def test_whoever_takes_a_batch_writes_it_into_the_accounts_of_whoever_sent_it(tmp_path: Path) -> None:
    settings = BatchSettings(model="m", price=PRICE)
    for name in ("batches", "first", "second"):
        (tmp_path / name).mkdir()
    one, other = (Accounts(tmp_path / name, settings) for name in ("first", "second"))
    record = plan(tmp_path / "batches", "openai here", ["a", "b"], 0, one.folder)
    one.sent(record)
    (seen,) = records(tmp_path / "batches", "openai here")
    other.ended(seen, [VlmReply("", "m", {"in": 1000, "cached": 200, "out": 100})] * 2)
    assert (spent_in(tmp_path / "first").money, spent_in(tmp_path / "second").sent) == (pytest.approx(2 * EACH), 0)


def test_what_another_process_may_just_be_sending_is_not_given_up(tmp_path: Path) -> None:
    record = plan(tmp_path, "openai here", ["a"], 0)
    assert not record.may_be_sent_now, "this process knows what it sends"
    record.process = os.getppid()
    assert record.may_be_sent_now
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    record.process = ended.pid
    assert not record.may_be_sent_now
    record.host = "another"
    assert record.may_be_sent_now


def test_pictures_go_to_no_other_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    provider = GeminiBatches(BatchSettings(provider="gemini", model="m", base_url="https://example.org/v1beta"), "key")
    answer = httpx2.Response(200, headers={"x-goog-upload-url": "https://example.com/upload"})
    monkeypatch.setattr(provider, "_call", lambda *_, **__: answer)
    with pytest.raises(EngineError, match="would have the requests uploaded to another host"):
        provider.upload("name", io.BytesIO(b"{}"))


@both
def test_what_stops_the_run_is_said_in_one_line(tmp_path: Path, provider: str, monkeypatch: pytest.MonkeyPatch) -> None:
    variable = {"openai": "OPENAI_API_KEY", "gemini": "GEMINI_API_KEY"}[provider]
    monkeypatch.delenv(variable, raising=False)
    with pytest.raises(EngineError, match=f"{variable} holds no key"):
        BatchEngine(BatchSettings(provider=provider, model="m"), tmp_path / "replies", None)
    with batches_served(tmp_path / "state", provider, {"other": 1.0}) as url:
        monkeypatch.setenv("LAB_KEY", "wrong")
        with pytest.raises(EngineError, match="the provider refuses the key in LAB_KEY"):
            verdicts(engine_at(url, tmp_path, key_variable="LAB_KEY"), 2)
        with pytest.raises(EngineError, match=f"asked for the model {MODEL}, the provider answers as another-model"):
            verdicts(engine_at(url, tmp_path), 2)
        assert len(verdicts(engine_at(url, tmp_path, answers_as="another-model"), 2)) == 2
        assert len(told(tmp_path / "state", "batch")) == 1, "the replies were paid for, and are used once it is said that they may be"
    monkeypatch.setattr("unicedit.vlm.batch.openai.PATIENCE", 0)
    with pytest.raises(EngineError, match="the provider took none of 2 batches"):
        verdicts(engine_at(url, tmp_path, tries=2, temperature=0.5), 2)


@both
def test_waiting_ends_and_another_run_goes_on(tmp_path: Path, provider: str) -> None:
    with batches_served(tmp_path / "state", provider, seconds=1.0) as url:
        with pytest.raises(EngineError, match="it runs on: run again to go on waiting"):
            verdicts(engine_at(url, tmp_path, max_wait_hours=0.2 / 3600), 4)
        answers = verdicts(engine_at(url, tmp_path), 4)
    assert all(isinstance(answer, Answer) for answer in answers)
    assert len(told(tmp_path / "state", "batch")) == 1


def test_rows_are_never_tried_alone_whatever_breaks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with batches_served(tmp_path / "state", "openai") as url:
        engine = engine_at(url, tmp_path)
        monkeypatch.setattr(engine._carrier._accounts, "ended", lambda *_: 1 / 0)
        batch = [(Item(str(number), "", ""), None) for number in range(5)]
        with pytest.raises(EngineError, match=r"a batch cannot be handled \(ZeroDivisionError"):
            attempt(lambda items: [[{}] for _ in ask(engine, requests(len(items)), lambda _, text: parse_reply(text), 1)], batch, 1)
    assert len(told(tmp_path / "state", "batch")) == 1


def test_a_record_survives_a_line_that_was_cut_off(tmp_path: Path) -> None:
    record = plan(tmp_path, "openai here", ["a", "b"], 1)
    with record.path.open("a") as stream:
        stream.write('\n{"event": "crea')
    record = Record(record.path)
    record.add("created", batch="batch-1")
    record.settle({"a"})
    (found,) = records(tmp_path, "openai here")
    assert (found.keys, found.batch, found.settled, found.again, found.state) == (("a", "b"), "batch-1", {"a"}, 1, "")
    assert records(tmp_path, "openai elsewhere") == []


def test_gemini_gets_the_subset_of_schemas_that_it_takes() -> None:
    made = openapi(VerifyReply.model_json_schema())
    assert made["type"] == "OBJECT" and made["propertyOrdering"][0] == "source_caption"
    assert made["properties"]["differences"] == {"type": "ARRAY", "items": {"type": "STRING"}, "maxItems": 100}
    assert made["properties"]["is_changed"] == {"type": "BOOLEAN"}
    assert "additionalProperties" not in json.dumps(made) and "title" not in json.dumps(made)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"engine": "batch"}, "engine `batch` needs batch.model"),
        ({"engine": "batch", "keep_replies": False, "batch": {"model": "m"}}, "engine `batch` needs keep_replies: true"),
        ({"batch": {"max_file_mb": 500}}, "max_file_mb is 500, and openai takes files of at most 200 MB"),
        ({"batch": {"max_file_mb": 10}}, "max_request_mb is 20 and a file has at most 10 MB"),
        ({"batch": {"budget": {"money": 5}}}, "budget.money needs price.input and price.output"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        InstructSettings(**settings)
