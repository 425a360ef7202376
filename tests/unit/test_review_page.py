"""The review page: who may ask, what is shown and escaped, and decisions that no kill loses."""

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientError, ClientResponse, ClientSession
from aiohttp.test_utils import TestClient, TestServer

from checkout import REPOSITORY
from made_samples import gathered, png, samples
from unicedit.errors import PipelineError
from unicedit.review.decision import ReviewError, read_reviews
from unicedit.review.journal import opened, read_folder, reviewer_name
from unicedit.review.server import MAX_BODY, application, serve
from unicedit.review.session import Session
from unicedit.training.queue import Choice, SampleQueue
from unicedit.training.review import Review
from unicedit.training.schema import D2PO, FILES, HALLUCINATION, KINDS, NO_EDIT

EVIL = """</script><script>window.taken = 1</script><img src=x onerror="window.taken=2"> "quoted" & '{{ 7 * 7 }}'"""
ALL = Choice(FILES, KINDS, 1000)
TOKEN = "secret"


@contextmanager
def session_of(folder: Path, choice: Choice = ALL, reviewer: str = "anna") -> Iterator[Session]:
    queue = SampleQueue(folder, choice)
    with opened(folder / "decisions", reviewer, Review) as journal:
        yield Session(queue, queue.keys(), journal)


def said(session: Session, number: int, decision: str = "accept", **more: Any) -> bytes:
    return json.dumps({"shown": session.row(number)["shown"], "decision": decision, **more}).encode()


def lines(folder: Path, reviewer: str = "anna") -> list[Review]:
    return read_reviews(folder / "decisions" / f"{reviewer}.jsonl", Review)


# the queue and the session


def test_every_reviewer_is_shown_the_same_rows_and_a_larger_limit_adds_to_them(tmp_path: Path) -> None:
    gathered(tmp_path, samples(48))
    few, more = (SampleQueue(tmp_path, Choice(FILES, KINDS, limit)).keys() for limit in (10, 40))
    assert len(few) == 10 and len(more) == 40 and list(more[:10]) == list(few)
    assert {"sample-0005", "sample-0006"}.isdisjoint(SampleQueue(tmp_path, ALL).keys()), "failed and rejected samples are not for review"
    only = SampleQueue(tmp_path, Choice((D2PO,), (HALLUCINATION,), 100))
    only_keys = only.keys()
    assert {dict(only.item(key).facts)["kind"] for key in only_keys} == {HALLUCINATION}
    with pytest.raises(KeyError):
        only.item("nothing")
    with pytest.raises(PipelineError, match="no training data yet"):
        SampleQueue(tmp_path / "empty", ALL)


def test_a_row_holds_all_that_a_decision_is_about(tmp_path: Path) -> None:
    rows = samples(8)
    gathered(tmp_path, rows)
    with session_of(tmp_path, Choice(FILES, (NO_EDIT,), 10)) as session:
        row = session.row(0)
        sample = next(one for one in rows if one["key"] == row["key"])
        by_name = {text["name"]: text for text in row["texts"]}
        assert (by_name["given_en"]["value"], by_name["given_cn"]["language"]) == (sample["given_en"], "zh")
        assert by_name["true_en"]["value"] is None and by_name["true_en"]["absent"] == "nothing valid"
        assert row["claim"].startswith("No valid edit took place")
        assert {"kind", "used for", "subtask", "source", "writer", "key"} <= dict(row["facts"]).keys()
        assert (row["image_width"], row["image_height"], row["number"], row["of"], row["decided"]) == (24, 16, 0, len(session.keys), 0)
        assert session.picture(0, "after") == (sample["edit_image"], "image/png")
        for wrong in ("source_image", "../before", "key"):
            with pytest.raises(KeyError):
                session.picture(0, wrong)
        for number in (-1, len(session.keys)):
            with pytest.raises(IndexError):
                session.row(number)


def test_decisions_are_appended_resumed_skipped_and_undone_by_later_ones(tmp_path: Path) -> None:
    gathered(tmp_path, samples(16))
    with session_of(tmp_path) as session:
        assert session.start() == 0 and session.row(0)["undo"] is None
        assert session.decide(0, said(session, 0))["next"] == 1
        assert session.decide(3, said(session, 3, "reject", reason="crooked"))["next"] == 4, "rows 1 and 2 were skipped"
        before = (tmp_path / "decisions" / "anna.jsonl").read_bytes()
    with session_of(tmp_path) as session:
        assert (session.start(), session.decided) == (4, 2)
        assert session.row(3)["mine"]["reason"] == "crooked" and session.row(4)["undo"] == 3
        session.decide(3, said(session, 3))
        assert (session.decided, session.row(3)["mine"]["decision"]) == (2, "accept")
        for number in range(4, len(session.keys)):
            answer = session.decide(number, said(session, number))
        assert answer["next"] == 1, "skipped rows come at the end"
        session.decide(1, said(session, 1))
        assert session.decide(2, said(session, 2))["next"] is None
        assert session.start() == len(session.keys) - 1
    assert (tmp_path / "decisions" / "anna.jsonl").read_bytes().startswith(before), "the file only grows"
    found = lines(tmp_path)
    assert [one.when for one in found] == sorted({one.when for one in found}), "each later than the one before"
    assert {one.reviewer for one in found} == {"anna"} and not any(one.settles for one in found)


def test_a_later_line_wins_where_the_clock_was_set_back(tmp_path: Path) -> None:
    folder = tmp_path / "decisions"
    with opened(folder, "anna", Review) as journal:
        first = journal.add("a", "0" * 32, "accept")
    ahead = first.model_copy(update={"time": "2999-01-01T00:00:00.000007Z", "decision": "reject"})
    (folder / "anna.jsonl").write_bytes(first.line() + ahead.line())
    with opened(folder, "anna", Review) as journal:
        assert journal.add("a", "0" * 32, "accept").time == "2999-01-01T00:00:00.000008Z"


def test_rewriting_keeps_what_was_changed_and_refuses_what_cannot_be(tmp_path: Path) -> None:
    gathered(tmp_path, samples(16))
    with session_of(tmp_path, Choice(FILES, (HALLUCINATION,), 10)) as session:
        texts = {text["name"]: text["value"] for text in session.row(0)["texts"]}
        changed = texts | {"true_en": "Paint it  red.", "differences": "It is red.\n\nSo is that.", "given_cn": f" {texts['given_cn']}\n"}
        session.decide(0, said(session, 0, "correct", texts=changed))
        assert lines(tmp_path)[0].texts == {"true_en": "Paint it red.", "differences": ["It is red.", "So is that."]}
        assert session.row(0)["mine"]["texts"]["differences"] == "It is red.\nSo is that."
        for sent, fault in (
            (texts, "no text was changed"),
            (texts | {"true_en": " "}, "was emptied"),
            (texts | {"true_cn": "Red."}, "true_cn holds no Chinese text"),
            (texts | {"kind": "normal"}, "kind is no text of this row"),
            (texts | {"true_en": "x" * 5001}, "5001 characters"),
        ):
            with pytest.raises(ReviewError, match=fault):
                session.decide(0, said(session, 0, "correct", texts=sent))
        for body, fault in (
            (b"{", "Invalid JSON"),
            (said(session, 0, "perhaps"), "decision: Input should be"),
            (said(session, 0, colour="red"), "colour: Extra inputs"),
            (json.dumps({"shown": "0" * 32, "decision": "accept"}).encode(), "has changed since it was shown"),
        ):
            with pytest.raises(ReviewError, match=fault):
                session.decide(0, body)
        assert len(lines(tmp_path)) == 1, "what was refused is not in the file"
    with (
        session_of(tmp_path, Choice(FILES, (NO_EDIT,), 10), "bob") as session,
        pytest.raises(ReviewError, match="true_en is no text of this row; reject it instead"),
    ):
        session.decide(0, said(session, 0, "correct", texts={"true_en": "Make it red."}))


def test_a_decision_on_an_older_version_of_a_sample_counts_no_more(tmp_path: Path) -> None:
    rows = samples(16)
    gathered(tmp_path, rows)
    with session_of(tmp_path) as session:
        for number in range(3):
            session.decide(number, said(session, number))
        key = session.keys[1]
    changed = [row | {"edit_image": png(99)} if row["key"] == key else row for row in rows]
    gathered(tmp_path, changed)
    with session_of(tmp_path) as session:
        assert (session.stale, session.decided, session.row(1)["mine"]) == (1, 2, None)
        assert session.start() == 3 and session.next_after(len(session.keys) - 1) == 1, "it is shown again"


def test_a_row_whose_picture_is_none_can_be_rejected(tmp_path: Path) -> None:
    gathered(tmp_path, [row | {"edit_image": b"<svg onload='alert(1)'/>"} for row in samples(8)])
    with session_of(tmp_path) as session:
        row = session.row(0)
        assert "before" in row and "after" not in row and (row["image_width"], row["edit_width"]) == (24, None)
        with pytest.raises(KeyError):
            session.picture(0, "after")
        session.decide(0, said(session, 0, "reject"))
        assert session.decided == 1


# the file


def test_a_last_line_that_was_cut_off_is_set_aside_and_reported(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    gathered(tmp_path, samples(16))
    with session_of(tmp_path) as session:
        for number in range(3):
            session.decide(number, said(session, number))
    path = tmp_path / "decisions" / "anna.jsonl"
    whole = path.read_bytes()
    for cut in (1, 40, 150):
        path.write_bytes(whole[:-cut])
        caplog.clear()
        assert len(read_folder(path.parent, Review)) == 2
        assert "the last line was cut off" in caplog.text
        assert path.read_bytes() == whole[:-cut], "reading changes nothing"
    torn = whole[:-150].split(b"\n")[-1]
    with session_of(tmp_path) as session:
        assert (session.decided, session.start()) == (2, 2)
        session.decide(2, said(session, 2, "reject"))
    assert [one.decision for one in lines(tmp_path)] == ["accept", "accept", "reject"]
    assert (tmp_path / "decisions" / "anna.torn").read_bytes() == torn + b"\n", "nothing is thrown away"


def test_a_full_disk_leaves_no_half_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(tmp_path, "anna", Review) as journal:
        journal.add("a", "0" * 32, "accept")
        whole = journal.path.read_bytes()
        write = os.write
        monkeypatch.setattr(os, "write", lambda file, line: write(file, line[:20]))
        with pytest.raises(OSError, match="could not be written whole"):
            journal.add("b", "0" * 32, "accept")
        monkeypatch.undo()
        assert journal.path.read_bytes() == whole
        journal.add("b", "0" * 32, "reject")
    assert [one.key for one in read_reviews(tmp_path / "anna.jsonl", Review)] == ["a", "b"]


def test_each_reviewer_has_a_file_and_each_file_one_writer(tmp_path: Path) -> None:
    with opened(tmp_path, "anna", Review) as journal:
        journal.add("a", "0" * 32, "accept")
        with pytest.raises(ReviewError, match=r"anna\.jsonl: anna is reviewing in another window"), opened(tmp_path, "anna", Review):
            pass
        with opened(tmp_path, "bob", Review) as other:
            other.add("a", "0" * 32, "reject")
    assert [(one.reviewer, one.decision) for one in read_folder(tmp_path, Review)] == [("anna", "accept"), ("bob", "reject")]
    (tmp_path / "anna.jsonl").rename(tmp_path / "carl.jsonl")
    with pytest.raises(ReviewError, match="holds decisions of anna"), opened(tmp_path, "carl", Review):
        pass
    for name in ("", "anna smith", "../anna", ".hidden", "anna@example.org", "x" * 61, "安娜", "anna\n"):
        with pytest.raises(ReviewError, match="give a pseudonym"):
            reviewer_name(name)
    assert reviewer_name("Anna-2.b_c") == "Anna-2.b_c"


# the server


def asked(folder: Path, ask: Callable[[TestClient, Session], Awaitable[None]]) -> None:
    async def go(session: Session) -> None:
        async with TestClient(TestServer(application(session, TOKEN), host="127.0.0.1")) as client:
            await ask(client, session)

    with session_of(folder) as session:
        asyncio.run(go(session))


def origin(client: TestClient) -> str:
    return f"http://{client.host}:{client.port}"


def test_only_this_machine_the_right_address_and_the_page_itself_are_answered(tmp_path: Path) -> None:
    gathered(tmp_path, samples(16))

    async def ask(client: TestClient, session: Session) -> None:
        ours = {"Origin": origin(client), "Content-Type": "application/json"}

        async def status(method: str, path: str, headers: dict[str, str], data: bytes | None = None) -> int:
            async with client.request(method, path, headers=headers, data=data) as answer:
                check_headers(answer)
                return answer.status

        assert await status("GET", f"/{TOKEN}/", {}) == 200
        for host in (
            "evil.example",
            f"evil.example:{client.port}",
            "127.0.0.1.evil.example",
            "127.0.0.2",
            "[::1]:80",
            "localhost.evil",
            "",
        ):
            assert await status("GET", f"/{TOKEN}/", {"Host": host}) == 403, host
        for host in ("localhost", f"localhost:{client.port}", "127.0.0.1:9000"):
            assert await status("GET", f"/{TOKEN}/", {"Host": host}) == 200, host
        for path in ("/", "/wrong/", "/wrong/rows/0", "/rows/0", f"/{TOKEN}x/", "/%F0%9F%98%80/"):
            assert await status("GET", path, {}) == 404, path
        for path in (
            "rows/16000",
            "rows/-1",
            "rows/x",
            "app/server.py",
            "app/..%2Fserver.py",
            "data/pictures/0/key",
            "data/pictures/0/..%2f1",
            "data/",
        ):
            assert await status("GET", f"/{TOKEN}/{path}", {}) == 404, path
        body = said(session, 0)
        foreign: list[dict[str, str]] = [
            {"Content-Type": "application/json"},
            ours | {"Origin": "http://evil.example"},
            ours | {"Origin": "null"},
            ours | {"Origin": f"http://127.0.0.1:{int(client.port or 0) + 1}"},
            ours | {"Content-Type": "text/plain"},
            {"Origin": origin(client), "Content-Type": "application/x-www-form-urlencoded"},
        ]
        for headers in foreign:
            assert await status("POST", f"/{TOKEN}/rows/0", headers, body) == 403, headers
        assert await status("POST", "/wrong/rows/0", ours, body) == 404
        assert await status("PUT", f"/{TOKEN}/rows/0", ours, body) == 404
        assert await status("POST", f"/{TOKEN}/rows/0", ours, body[:-1] + b" " * MAX_BODY + b"}") == 413
        assert session.decided == 0 and lines(tmp_path) == []
        assert await status("POST", f"/{TOKEN}/rows/0", ours, b"{}") == 422
        assert await status("POST", f"/{TOKEN}/rows/0", ours, said(session, 1)) == 409
        assert await status("POST", f"/{TOKEN}/rows/0", ours, body) == 200
        assert [one.key for one in lines(tmp_path)] == [session.keys[0]]

    asked(tmp_path, ask)


def check_headers(answer: ClientResponse) -> None:
    policy = answer.headers["Content-Security-Policy"]
    assert (
        "default-src 'none'" in policy and "script-src 'self'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
    )
    assert (answer.headers["X-Content-Type-Options"], answer.headers["Cache-Control"]) == ("nosniff", "no-store")
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_texts_that_are_markup_stay_text(tmp_path: Path) -> None:
    rows = [row | {"given_en": EVIL, "source": EVIL, "edit_caption": EVIL} for row in samples(8)]
    gathered(tmp_path, rows)

    async def ask(client: TestClient, session: Session) -> None:
        async with client.get(f"/{TOKEN}/") as answer:
            assert answer.content_type == "text/html" and "taken" not in await answer.text(), "no text of a row is in the markup"
        async with client.get(f"/{TOKEN}/rows/0") as answer:
            assert answer.content_type == "application/json"
            assert {text["name"]: text["value"] for text in (await answer.json())["texts"]}["given_en"] == EVIL
        async with client.get(f"/{TOKEN}/data/pictures/0/before") as answer:
            assert (answer.content_type, await answer.read()) == ("image/png", session.picture(0, "before")[0])

    asked(tmp_path, ask)
    script = (REPOSITORY / "workflow/scripts/unicedit/review/review.js").read_text()
    assert not any(word in script for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("))


def test_a_disk_that_is_full_is_said_and_the_decision_not_answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gathered(tmp_path, samples(8))

    async def ask(client: TestClient, session: Session) -> None:
        def full(_: int) -> None:
            raise OSError(28, "No space left on device")

        body = said(session, 0)
        monkeypatch.setattr(os, "fsync", full)
        headers = {"Origin": origin(client), "Content-Type": "application/json"}
        async with client.post(f"/{TOKEN}/rows/0", headers=headers, data=body) as answer:
            assert answer.status == 507 and "the disk does not take it: [Errno 28] No space left" in await answer.text()
        assert session.decided == 0 and lines(tmp_path) == []

    asked(tmp_path, ask)


def test_a_taken_port_is_said(tmp_path: Path) -> None:
    import socket

    gathered(tmp_path, samples(8))
    refused = pytest.raises(PipelineError, match=r"port \d+ of 127\.0\.0\.1: .*choose another one")
    with socket.create_server(("127.0.0.1", 0)) as taken, session_of(tmp_path) as session, refused:
        serve(session, taken.getsockname()[1])


# kill -9


@contextmanager
def command(folder: Path, *more: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """``review.py serve`` as a process of its own, and its address."""
    script = REPOSITORY / "workflow/scripts/review.py"
    words = [sys.executable, script, "--results", "results", "serve", "--reviewer", "anna", "--port", "0", "--file", *FILES, *more]
    process = subprocess.Popen(words, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout is not None
        yield process, process.stdout.readline().split()[-1]
    finally:
        process.kill()
        process.wait()


def test_no_decision_that_was_answered_is_lost_to_a_kill(tmp_path: Path) -> None:
    gathered(tmp_path / "results", samples(48))
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "config.yaml").write_text("{}\n")
    chance = random.Random(7)
    answered: list[tuple[str, str]] = []
    rounds = 40 if os.environ.get("UNICEDIT_LONG") == "1" else 4
    for _ in range(rounds):
        with command(tmp_path) as (process, address):
            asyncio.run(_decide_until_killed(process, address, chance, answered))
        found = iter([(one.key, one.decision) for one in read_folder(tmp_path / "reviews/samples/decisions", Review)])
        assert all(one in found for one in answered), "every one that was answered is in the file, in their order"
    assert len(answered) >= 3 * rounds
    with command(tmp_path) as (_, address), urllib.request.urlopen(address) as page:
        assert page.status == 200, "and it goes on, whatever the last kill left"


async def _decide_until_killed(
    process: subprocess.Popen[str], address: str, chance: random.Random, answered: list[tuple[str, str]]
) -> None:
    """Decide row after row, and kill the server at any moment after a few answers."""
    host, few = address.rsplit("/", 2)[0], len(answered) + chance.randrange(3, 12)
    async with ClientSession() as client:
        while True:
            if len(answered) == few:
                asyncio.get_running_loop().call_later(chance.random() * 0.02, process.send_signal, signal.SIGKILL)
            decision = chance.choice(("accept", "reject"))
            try:
                async with client.get(f"{address}rows/{len(answered) % 40}") as answer:
                    row = await answer.json()
                body = {"shown": row["shown"], "decision": decision}
                async with client.post(f"{address}rows/{row['number']}", headers={"Origin": host}, json=body) as answer:
                    assert answer.status == 200, await answer.text()
                    await answer.json()
            except (OSError, ClientError):
                assert process.wait() == -signal.SIGKILL
                return
            answered.append((row["key"], decision))


def test_the_command_listens_on_this_machine_alone(tmp_path: Path) -> None:
    import psutil

    gathered(tmp_path / "results", samples(8))
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "config.yaml").write_text("{}\n")
    with command(tmp_path) as (process, address):
        listening = [one.laddr.ip for one in psutil.Process(process.pid).net_connections() if one.status == "LISTEN"]
        assert listening == ["127.0.0.1"]
        with urllib.request.urlopen(address) as page:
            assert page.status == 200
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(address.rsplit("/", 2)[0] + "/")
