"""Editors behind image APIs, against a real server on the loopback interface, with faults of every kind (issue 5)."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageOps

from image_server import asked, served
from small_tables import key_of, picture, rows_of, run_stage, write_sources, write_table
from unicedit.config.edit import EditorSettings, EditSettings
from unicedit.edit.engines import editor_module, open_editor
from unicedit.edit.http import HttpEditor, _is_allowed
from unicedit.edit.port import EditRequest
from unicedit.edit.stage import EditStage
from unicedit.map.compute import EngineError
from unicedit.map.stage import RowError
from unicedit.provenance import Provenance
from unicedit.recipe import recipe_modules
from unicedit.schema import INSTRUCT
from unicedit.vlm.engines import VlmPlaces
from unicedit.vlm.spent import spent_in

APIS = ("openai", "gemini", "ark")


def requests(count: int) -> list[EditRequest]:
    place = Provenance("p", "photo", 64, 48, (0, 0, 64, 48), 64, 48)
    return [EditRequest(f"k{number}", picture(number), f"Mirror it, {number}.", "镜像", number << 32, place) for number in range(count)]


def settings_of(api: str, url: str, **settings: Any) -> EditorSettings:
    own = {"model": "a-model", "base_url": url, "longest_wait": 0.05, "timeout": 30.0, **settings}
    return EditorSettings.model_validate({"name": "far", "engine": api, api: own})


def editor_at(api: str, urls: dict[str, str], folder: Path, **settings: Any) -> HttpEditor:
    made = open_editor(settings_of(api, urls[api], **settings), VlmPlaces(folder / "edits", folder / "usage"))
    assert isinstance(made, HttpEditor)
    return made


@pytest.mark.parametrize("api", APIS)
def test_each_api_is_spoken_as_it_is_documented(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, api: str) -> None:
    monkeypatch.setenv({"openai": "OPENAI_API_KEY", "gemini": "GEMINI_API_KEY", "ark": "ARK_API_KEY"}[api], "the-key")
    extra = {"openai": {"input_fidelity": "high"}, "gemini": {"safetySettings": []}, "ark": {"guidance_scale": 5.5}}[api]
    more = {"size": "adaptive", "send_seed": True} if api == "ark" else {}
    with served(tmp_path / "log") as urls:
        edits = editor_at(api, urls, tmp_path, extra=extra, price={"input": 10.0, "output": 40.0, "picture": 0.5}, **more).edit(requests(3))
    for number, edit in enumerate(edits):
        assert isinstance(edit, Image.Image) and edit.tobytes() == ImageOps.mirror(picture(number)).tobytes()
    seen = sorted(asked(tmp_path / "log"), key=lambda record: str(record["fields"].get("prompt")))
    assert seen[2]["key"] == ("the-key" if api == "gemini" else "Bearer the-key")
    fields = seen[2]["fields"]
    if api == "gemini":
        assert seen[2]["path"] == "/v1beta/models/a-model:generateContent"
        assert fields["generationConfig"] == {"responseModalities": ["IMAGE"], "seed": (2 << 32) % (1 << 31)}
        assert fields["prompt"] == "Mirror it, 2." and fields["safetySettings"] == []
    elif api == "openai":
        expected = {"model": "a-model", "prompt": "Mirror it, 2.", "size": "auto", "quality": "auto", "input_fidelity": "high"}
        assert fields == expected
    else:
        expected = {"model": "a-model", "prompt": "Mirror it, 2.", "response_format": "b64_json", "watermark": False, "size": "adaptive"}
        assert fields == {**expected, "seed": 0, "guidance_scale": 5.5}
    spent = spent_in(tmp_path / "usage" / "edit-far")
    sent = 0 if api == "ark" else 1000
    assert (spent.sent, spent.answered, spent.tokens_in, spent.tokens_out) == (3, 3, 3 * sent, 300)
    assert spent.money == pytest.approx(3 * (sent * 10 / 1e6 + 100 * 40 / 1e6 + 0.5))


FAULTS = {"busy": 0.15, "broken": 0.1, "reset": 0.1, "cut": 0.05, "html": 0.05, "shape": 0.05}


@pytest.mark.parametrize("api", APIS)
def test_nothing_is_lost_among_faults_of_every_kind_and_nothing_paid_twice(tmp_path: Path, api: str) -> None:
    with served(tmp_path / "log", FAULTS) as urls:
        edits = editor_at(api, urls, tmp_path, tries=20).edit(requests(40))
        seen = asked(tmp_path / "log")
        again = editor_at(api, urls, tmp_path, tries=3, concurrency=2).edit(requests(40))
        assert len(asked(tmp_path / "log")) == len(seen), "what was given before is kept"
        other = editor_at(api, urls, tmp_path, tries=20, model="another").edit(requests(1))
        asked_before = len(asked(tmp_path / "log"))
        for path in (path for path in (tmp_path / "edits").rglob("*") if path.is_file()):
            path.write_bytes(path.read_bytes()[:20])
        mended = editor_at(api, urls, tmp_path, tries=20).edit(requests(2))
        assert len(asked(tmp_path / "log")) > asked_before and all(isinstance(edit, Image.Image) for edit in mended)
    assert all(isinstance(edit, Image.Image) for edit in [*edits, *other])
    assert [edit.tobytes() for edit in edits if isinstance(edit, Image.Image)] == [
        edit.tobytes() for edit in again if isinstance(edit, Image.Image)
    ]
    assert {record["fault"] for record in seen} == {*FAULTS, ""}
    assert len({record["name"] for record in seen if not record["fault"]}) == 40 == sum(not record["fault"] for record in seen)


@pytest.mark.parametrize(
    ("api", "fault", "reason"),
    [
        ("openai", "refused", "refused: HTTP 400: Your request was rejected by the safety system."),
        ("ark", "refused", "refused: HTTP 400: Your request was rejected by the safety system."),
        ("gemini", "refused", "refused: PROHIBITED_CONTENT"),
        ("gemini", "refused_after", "refused: IMAGE_SAFETY (Unable to show the image.)"),
        ("ark", "refused_after", "refused: OutputImageSensitiveContentDetected: The output may be sensitive."),
        ("gemini", "words", "no_picture: STOP (I can only talk.)"),
        ("openai", "size", "not accepted: HTTP 400: Invalid size"),
        ("openai", "broken", "no answer: HTTP 500: something broke (3 tries)"),
        ("gemini", "shape", "no answer: BrokenReplyError: no `candidates` in the reply: {'data': [], 'candidates': 'none'} (3 tries)"),
        ("ark", "slow", "no answer: no whole answer in time (3 tries)"),
        ("openai", "large", "too_large: the reply has more than 1 MB"),
        ("ark", "nopicture", "not_an_image: no known picture format"),
        ("gemini", "bomb", "too_many_pixels: 6000 x 6000 > 20 megapixels"),
        ("ark", "elsewhere", "not accepted: HTTP 302: the picture's address answers 302"),
    ],
)
def test_what_one_request_does_not_get_is_its_own_failure(tmp_path: Path, api: str, fault: str, reason: str) -> None:
    with served(tmp_path / "log", {fault: 1.0}) as urls:
        editor = editor_at(api, urls, tmp_path, tries=3, timeout=0.6 if fault == "slow" else 60.0, max_reply_mb=1.0, max_megapixels=20)
        (failed,) = editor.edit(requests(1))
    assert isinstance(failed, RowError) and str(failed) == reason
    assert not [path for path in (tmp_path / "edits").rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("api", "fault", "message"),
    [
        ("openai", "key", "editor far: the server refuses the key in OPENAI_API_KEY: HTTP 401"),
        ("gemini", "key", "editor far: the server refuses the key in GEMINI_API_KEY: HTTP 401: API key not valid"),
        ("ark", "unknown", "editor far: the server knows no model a-model"),
        ("openai", "credit", "editor far: the account has no credit left: HTTP 429"),
        ("gemini", "broken", "editor far: 8 requests got no answer in 2 tries each, and none did"),
    ],
)
def test_what_no_request_can_get_past_stops_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, api: str, fault: str, message: str
) -> None:
    caplog.set_level("DEBUG")
    for name in ("OPENAI_API_KEY", "GEMINI_API_KEY", "ARK_API_KEY"):
        monkeypatch.setenv(name, "sk-very-secret")
    with served(tmp_path / "log", {fault: 1.0}) as urls, pytest.raises(EngineError, match=message) as caught:
        editor_at(api, urls, tmp_path, tries=2).edit(requests(40))
    assert "secret" not in str(caught.value) + caplog.text
    assert len(asked(tmp_path / "log")) < 80, "it does not go on asking"


def test_without_a_key_nothing_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ARK_API_KEY", raising=False)
    with pytest.raises(EngineError, match="editor far: the environment variable ARK_API_KEY holds no key"):
        open_editor(EditorSettings.model_validate({"name": "far", "engine": "ark", "ark": {"model": "seededit"}}))


def test_a_server_is_given_the_time_it_asks_for(tmp_path: Path) -> None:
    with served(tmp_path / "log", {"exhausted_first": 1.0}) as urls:
        started = time.monotonic()
        (edit,) = editor_at("gemini", urls, tmp_path).edit(requests(1))
        assert time.monotonic() - started >= 0.7, "Gemini names the delay in the reply's text"
    assert isinstance(edit, Image.Image)


def test_a_budget_stops_cleanly_and_a_larger_one_goes_on(tmp_path: Path) -> None:
    price = {"picture": 1.0}
    with served(tmp_path / "log", latency=0.02) as urls:
        with pytest.raises(EngineError, match=r"editor far: the budget of 7\.00 is spent"):
            editor_at("ark", urls, tmp_path, price=price, budget={"money": 7.0}, concurrency=2).edit(requests(20))
        paid = len(asked(tmp_path / "log"))
        assert 7 <= paid <= 9
        edits = editor_at("ark", urls, tmp_path, price=price, budget={"money": 20.0}).edit(requests(20))
        assert all(isinstance(edit, Image.Image) for edit in edits)
        assert len(asked(tmp_path / "log")) == 20, "no edit was paid for twice"
        with pytest.raises(EngineError, match="the budget of 3 requests is spent"):
            editor_at("openai", urls, tmp_path / "other", budget={"requests": 3}, concurrency=1).edit(requests(9))
    with pytest.raises(ValueError, match=r"budget\.money needs price\.picture"):
        settings_of("ark", "https://ark.example.com", budget={"money": 5.0})


def test_a_picture_behind_an_address_is_fetched_and_only_the_fetching_tried_again(tmp_path: Path) -> None:
    with served(tmp_path / "log", {"url": 0.0, "flaky_address": 0.0}) as urls:
        (edit,) = editor_at("ark", urls, tmp_path, response_format="url").edit(requests(1))
    assert isinstance(edit, Image.Image) and edit.tobytes() == ImageOps.mirror(picture(0)).tobytes()
    first, *fetched = asked(tmp_path / "log")
    assert first["fields"]["response_format"] == "url" and len(fetched) == 2
    assert all(record["key"] is None for record in fetched), "the key goes to the API alone"


@pytest.mark.parametrize(
    ("url", "allowed", "at_loopback"),
    [
        ("https://ark-content.tos-cn-beijing.volces.com/a.jpeg?X-Tos-Signature=1", True, True),
        ("http://ark-content.tos-cn-beijing.volces.com/a.jpeg", False, False),
        ("http://127.0.0.1:8000/a.png", False, True),
        ("https://127.0.0.1/a.png", False, True),
        ("https://localhost/a.png", False, True),
        ("https://169.254.169.254/latest/meta-data", False, False),
        ("https://[::1]/a.png", False, True),
        ("https://10.0.0.3/a.png", False, False),
        ("https://intranet/a.png", False, False),
        ("https://user@example.com/a.png", False, False),
        ("file:///etc/passwd", False, False),
        ("https://example.com:port/a.png", False, False),
    ],
)
def test_pictures_are_fetched_from_public_servers_over_https_alone(url: str, allowed: bool, at_loopback: bool) -> None:
    assert _is_allowed(url, loopback=False) is allowed
    assert _is_allowed(url, loopback=True) is at_loopback


def test_what_was_paid_for_survives_a_kill(tmp_path: Path) -> None:
    program = (
        "import sys; sys.path[:0] = [{tests!r}, {unit!r}, {scripts!r}]\n"
        "from pathlib import Path\nfrom test_edit_http import editor_at, requests\n"
        "editor_at('openai', {{'openai': sys.argv[1]}}, Path(sys.argv[2]), concurrency=2).edit(requests(60))\n"
    )
    here = Path(__file__).resolve()
    places = {"tests": str(here.parents[1]), "unit": str(here.parent), "scripts": str(here.parents[2] / "workflow" / "scripts")}
    with served(tmp_path / "log", latency=0.1) as urls:
        process = subprocess.Popen([sys.executable, "-c", program.format(**places), urls["openai"], str(tmp_path)])
        deadline = time.monotonic() + 60
        while len(asked(tmp_path / "log")) < 10 and time.monotonic() < deadline:
            time.sleep(0.02)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        before = len(asked(tmp_path / "log"))
        edits = editor_at("openai", urls, tmp_path).edit(requests(60))
    assert all(isinstance(edit, Image.Image) for edit in edits) and 10 <= before < 60
    assert len(asked(tmp_path / "log")) <= 60 + 2, "none but those in flight is paid for again"


def test_recipes_hold_the_chosen_api_and_not_how_requests_get_there() -> None:
    modules = recipe_modules("edit", [editor_module(settings_of("gemini", "https://example.com"))])
    assert "unicedit.edit.gemini" in modules and "unicedit.edit.api" in modules and "unicedit.ingest.decode" in modules
    assert not {"unicedit.edit.http", "unicedit.edit.ark", "unicedit.edit.diffusers", "unicedit.vlm.calls"} & set(modules)
    assert settings_of("ark", "https://a.example.com").deciding() == settings_of("ark", "https://b.example.com", tries=2).deciding()
    assert settings_of("ark", "https://a.example.com").deciding() != settings_of("ark", "https://a.example.com", size="2K").deciding()


def test_batches_go_to_several_servers_at_once_and_each_edit_is_paid_for_once(tmp_path: Path) -> None:
    ingest, _ = write_sources(tmp_path, 12)
    instruct = tmp_path / "instruct" / "00000.parquet"
    rows = [{"key": f"{key_of(number)}-00", "image": key_of(number), "slot": 0, "subtask": "Style Transfer"} for number in range(12)]
    write_table(instruct, INSTRUCT, [{**row, "instruction_en": f"Mirror it, {row['key']}.", "instruction_cn": "镜像。"} for row in rows])
    with served(tmp_path / "log", FAULTS) as urls:
        editors = [
            {"name": api, "share": 0.5, "engine": api, api: {"model": "m", "base_url": urls[api], "longest_wait": 0.05, "tries": 20}}
            for api in ("openai", "ark")
        ]
        settings = EditSettings(editors=editors, batch_size=2)
        stage = EditStage(ingest, instruct, settings, {"openai": "a", "ark": "b"}, VlmPlaces(tmp_path / "edits", tmp_path / "usage"))
        assert stage.batches_at_once == 3, "one more than there are editors"
        made = rows_of(run_stage(stage, tmp_path))
        seen = asked(tmp_path / "log")
    assert len(made) == 12 and {row["status"] for row in made} == {"ok"} and {row["editor"] for row in made} == {"openai", "ark"}
    given = [record["name"] for record in seen if not record["fault"]]
    assert len(given) == len(set(given)) == 12
    assert sum(spent_in(tmp_path / "usage" / f"edit-{name}").answered for name in ("openai", "ark")) == 12


def test_an_editor_that_computes_itself_is_given_one_batch_at_a_time(tmp_path: Path) -> None:
    far = settings_of("ark", "http://127.0.0.1:1").model_copy(update={"share": 0.5})
    mixed = EditSettings(editors=(far, EditorSettings(name="near", share=0.5)))
    ingest, _ = write_sources(tmp_path, 1)
    assert EditStage(ingest, ingest, mixed, {"far": "a", "near": "b"}).batches_at_once == 1
