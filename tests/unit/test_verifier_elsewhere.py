"""The verifier on anyone's own pairs, and as a release: folders and tables, through the commands."""

import base64
import csv
import importlib.util
import io
import json
import os
import shlex
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from PIL import Image

from job_server import JOBS
from made_verifier import taught_verifier, tiny_verifier
from small_tables import picture, png
from unicedit.errors import PipelineError
from unicedit.map.stage import RowError
from unicedit.verifier.chat import question, reply_text
from unicedit.verifier.load import load_verifier, recorded, save_verifier
from unicedit.verifier.reader import Pair, Reader, pictures_of
from unicedit.verifier.release import Release, write_release
from unicedit.verify.pairs import load_pair, read_pairs

SCRIPTS = Path(__file__).resolve().parents[2] / "workflow" / "scripts"
BLUE, CAT = ("Make the ball blue.", "把球变成蓝色。"), ("Remove the cat.", "移除猫。")
YES, NO = reply_text(["The ball is blue."], True, BLUE), reply_text([], False)


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Path:
    lessons = [(Pair(f"p{number}", *shown(number), given), reply) for number in range(2) for given, reply in ((BLUE, YES), (CAT, NO))]
    return taught_verifier(tmp_path_factory.mktemp("taught") / "verifier", lessons, "image", steps=180)


def shown(number: int) -> tuple[bytes, bytes]:
    return png(picture(number, (28, 28))), png(picture(number + 1, (28, 28)))


def write_pair(folder: Path, name: str, number: int, *lines: str) -> None:
    folder.mkdir(exist_ok=True)
    source, edit = shown(number)
    (folder / f"{name}_source.png").write_bytes(source)
    (folder / f"{name}_edit.png").write_bytes(edit)
    (folder / f"{name}.txt").write_text("\n".join(lines), encoding="utf-8")


def command(name: str, *arguments: Any) -> subprocess.CompletedProcess[str]:
    line = [JOBS.python, str(SCRIPTS / f"{name}.py"), *map(str, arguments)]
    return subprocess.run(line, capture_output=True, text=True, timeout=300, check=False)


def test_a_folder_of_pairs(tmp_path: Path) -> None:
    folder = tmp_path / "pairs"
    write_pair(folder, "b_1", 1, *BLUE)
    write_pair(folder, "a", 2, "Remove\x00 the \u202ecat.")
    write_pair(folder, "c", 3)
    (folder / "d_source.png").write_bytes(b"GIF89a")
    (folder / "LICENCE.txt").write_text("free")
    entries = read_pairs(folder)
    assert [(entry.key, entry.instruction) for entry in entries] == [
        ("a", ("Remove the cat.", "")), ("b_1", BLUE), ("c", None), ("d", None),
    ]  # fmt: skip
    assert load_pair(entries[1]) == shown(1)
    with pytest.raises(RowError, match=r"^\w+: source picture"):
        load_pair(entries[3])


def rows() -> list[dict[str, Any]]:
    return [
        {"source": "a.png", "edit": "b.png", "instruction": BLUE[0], "instruction_cn": BLUE[1]},
        {"source": "a.png", "edit": "nowhere.png", "instruction": "x" * 5000, "instruction_cn": ""},
        {"source": "a.png", "edit": "../a\x00.png", "instruction": "", "instruction_cn": ""},
        {"source": "a.png", "edit": "", "instruction": 'a, "b"\nc', "instruction_cn": ""},
    ]


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_tables_of_pairs(tmp_path: Path, kind: str) -> None:
    (tmp_path / "a.png").write_bytes(shown(1)[0])
    (tmp_path / "b.png").write_bytes(shown(1)[1])
    table = tmp_path / f"pairs.{kind}"
    if kind == "csv":
        with table.open("w", encoding="utf-8-sig", newline="") as stream:
            out = csv.DictWriter(stream, list(rows()[0]))
            out.writeheader()
            out.writerows(rows())
    elif kind == "jsonl":
        table.write_text("\n".join(json.dumps(row) for row in rows()) + "\n\n")
    else:
        pq.write_table(pa.Table.from_pylist(rows()), table)
    entries = read_pairs(table)
    assert [entry.key for entry in entries] == [f"row-{number:06d}" for number in range(4)]
    assert load_pair(entries[0]) == shown(1) and entries[0].instruction == BLUE
    assert len(entries[1].instruction_en) == 2000 and entries[2].instruction is None and entries[3].instruction == ('a, "b" c', "")
    for entry in entries[1:]:
        with pytest.raises(RowError, match=r"^missing: "):
            load_pair(entry)
    assert entries[0].digest != entries[1].digest
    before = entries[0].digest
    (tmp_path / "b.png").write_bytes(shown(5)[1] + b" ")
    assert read_pairs(table)[0].digest != before


def test_parquet_with_pictures_in_it(tmp_path: Path) -> None:
    source, edit = shown(1)
    table = pa.table(
        {"source": [source, None], "edit": [{"bytes": edit, "path": None}, {"bytes": None, "path": "x.png"}], "key": ["a", "b"]}
    )
    pq.write_table(table, tmp_path / "pairs.parquet")
    entries = read_pairs(tmp_path / "pairs.parquet")
    assert load_pair(entries[0]) == (source, edit) and entries[0].key == "a" and entries[0].instruction is None
    assert entries[1].source is None and entries[1].edit == tmp_path / "x.png"


BAD = {
    "pairs.csv": "source,instruction\na,b\n",
    "empty.csv": "",
    "none.csv": "source,edit\n",
    "double.csv": "source,edit,key\na,b,1\nc,d,1\n",
    "list.jsonl": "[1, 2]\n",
    "cut.jsonl": '{"source": "a", "ed',
    "latin.csv": "source,edit\n\udce4.png,b.png\n",
    "pairs.parquet": "no parquet",
    "pairs.txt": "source,edit\n",
}


@pytest.mark.parametrize("name", BAD)
def test_a_table_that_cannot_be_used_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(BAD[name].encode("utf-8", "surrogateescape"))
    with pytest.raises(PipelineError, match=name) as raised:
        read_pairs(tmp_path / name)
    assert "\n" not in str(raised.value)


def test_own_pairs_through_the_command(taught: Path, tmp_path: Path) -> None:
    folder = tmp_path / "pairs"
    write_pair(folder, "blue", 1, *BLUE)
    write_pair(folder, "cat", 0, *CAT)
    write_pair(folder, "torn", 2, *BLUE)
    (folder / "torn_edit.png").write_bytes(b"not a picture")
    out = tmp_path / "verdicts.csv"
    given = ("--pairs", folder, "--model", taught, "--max-new-tokens", 90, "--batch-size", 2)
    done = command("verify_pairs", *given, "--out", out)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == f"{out}: 1 valid edits, 1 without one, 1 failed"
    with out.open(encoding="utf-8", newline="") as stream:
        found = {row["key"]: row for row in csv.DictReader(stream)}
    assert (found["blue"]["status"], found["blue"]["prompt_en"], found["blue"]["differences"]) == ("ok", BLUE[0], '["The ball is blue."]')
    assert (found["cat"]["status"], found["cat"]["instruction_cn"]) == ("rejected", CAT[1])
    assert found["torn"]["status"] == "failed" and found["torn"]["reason"].startswith("not_an_image: edit picture")
    # a further run reads only what is new; a threshold reads nothing
    write_pair(folder, "more", 1, *BLUE)
    again = command("verify_pairs", *given, "--out", out, "--threshold", 100)
    assert "0 valid edits, 3 without one, 1 failed" in again.stdout, again.stderr
    assert "computed 1, reused 3" in again.stderr


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("--model", "nowhere"), "nowhere: no such model folder"),
        (("--pairs", "nowhere"), "nowhere: no such folder of pairs"),
        (("--out", "verdicts.xlsx"), "--out verdicts.xlsx: the name must end in"),
        (("--batch-size", "0"), "--batch-size 0: "),
        (("--blind-weight", "0.3"), "names no model, and no base was given"),
    ],
)
def test_a_wrong_argument_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: tuple[str, str], said: str) -> None:
    import verify_pairs

    write_pair(tmp_path / "pairs", "a", 1, *BLUE)
    (tmp_path / "model").mkdir()
    given = {"--model": tmp_path / "model", "--pairs": tmp_path / "pairs", "--out": tmp_path / "verdicts.csv"}
    changed = {**given, change[0]: change[1]}
    monkeypatch.setattr(sys, "argv", ["verify_pairs.py", *[str(part) for one in changed.items() for part in one]])
    with pytest.raises(PipelineError) as raised:
        verify_pairs.main()
    assert said in str(raised.value) and "\n" not in str(raised.value)


@pytest.fixture(scope="module")
def release(taught: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("release")
    (folder / "table5.md").write_text("| model | Normal |\n| --- | --- |\n| +D2PO | 9.1 |\n")
    out = folder / "verifier"
    done = command("release_verifier", "--model", taught, "--out", out, "--name", "Tiny", "--table5", folder / "table5.md", "--simulated")
    assert done.returncode == 0, done.stderr
    return out


def commands_of(card: str) -> list[str]:
    return [line for block in card.split("```bash\n")[1:] for line in block.split("```")[0].strip().splitlines()]


def test_a_release_is_whole(release: Path, taught: Path) -> None:
    card = (release / "README.md").read_text(encoding="utf-8")
    front = yaml.safe_load(card.split("---\n")[1])
    assert front["license"] == "apache-2.0" and front["pipeline_tag"] == "image-text-to-text" and "simulated" in front["tags"]
    assert "| +D2PO | 9.1 |" in card and "# Tiny" in card and "simulated world" in card
    assert (release / "LICENSE").read_text().lstrip().startswith("Apache License")
    assert [shlex.split(line)[1] for line in commands_of(card)] == ["workflow/scripts/verify_pairs.py", "ask.py", "serve", "ask.py"]
    assert """--limit-mm-per-prompt '{"image": 3}'""" in card
    model, processor = load_verifier(str(release), differential="image")
    pair = Pair("a", *shown(1), BLUE)
    assert Reader(model, processor, "image", "short", 90).read([pair]) == [YES]
    assert not list(release.glob("*.bin")) and not list(release.glob("**/__pycache__"))


def test_the_cards_commands_run(release: Path, tmp_path: Path) -> None:
    card = (release / "README.md").read_text(encoding="utf-8")
    pairs_line, ask_line = commands_of(card)[:2]
    write_pair(tmp_path / "pairs", "a", 1, *BLUE)
    line = (
        pairs_line.replace("PAIRS", str(tmp_path / "pairs")).replace("MODEL", str(release)).replace("verdicts.csv", str(tmp_path / "v.csv"))
    )
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        shlex.split(line), cwd=SCRIPTS.parents[1], env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0 and "1 valid edits" in done.stdout, done.stderr
    # one pair, with nothing but the folder: the same reply as the pipeline's
    for name, data in zip(("source.png", "edit.png"), shown(1), strict=True):
        (release / name).write_bytes(data)
    environment.pop("PYTHONPATH", None)
    asked = [*shlex.split(ask_line), BLUE[1], "--max-new-tokens", "90"]
    done = subprocess.run(asked, cwd=release, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == json.loads(YES)


def test_a_server_is_asked_as_the_model_was_trained(
    release: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[dict[str, Any]] = []

    class Server(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._say({"data": [{"id": "tiny"}]})

        def do_POST(self) -> None:
            asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self._say({"choices": [{"message": {"content": YES}}]})

        def _say(self, value: Any) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(value).encode())

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Server)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        for name, data in zip(("source.png", "edit.png"), shown(1), strict=True):
            (release / name).write_bytes(data)
        monkeypatch.syspath_prepend(str(release))
        specification = importlib.util.spec_from_file_location("ask_released", release / "ask.py")
        assert specification is not None and specification.loader is not None
        ask = importlib.util.module_from_spec(specification)
        monkeypatch.setattr(sys, "dont_write_bytecode", True)
        specification.loader.exec_module(ask)
        pictures = [str(release / "source.png"), str(release / "edit.png")]
        for given, expected in ((list(BLUE), BLUE), ([], None)):
            monkeypatch.setattr(sys, "argv", ["ask.py", *pictures, *given, "--server", f"http://127.0.0.1:{server.server_port}/v1"])
            ask.main()
            assert json.loads(capsys.readouterr().out) == json.loads(YES)
            content = asked[-1]["messages"][0]["content"]
            assert asked[-1]["model"] == "tiny" and asked[-1]["temperature"] == 0
            assert content[-1] == {"type": "text", "text": question(expected, "short", 3)}
            sent = [Image.open(io.BytesIO(base64.b64decode(part["image_url"]["url"].partition(",")[2]))) for part in content[:-1]]
            wanted = pictures_of(Pair("a", *shown(1), expected), "image")
            assert [one.tobytes() for one in sent] == [one.tobytes() for one in wanted]
        monkeypatch.setattr(sys, "argv", ["ask.py", *pictures])
        for reply in ("full", "short"):
            for differential, count in (("none", 2), ("image", 3)):
                said = {"reply": reply, "differential": differential}
                assert ask.question(said, *BLUE) == question(BLUE, reply, count)  # type: ignore[arg-type]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_latent_release_says_that_stock_classes_drop_its_residual(tmp_path: Path) -> None:
    model, processor = load_verifier(str(tiny_verifier(tmp_path / "stock")), differential="latent", form="full")
    save_verifier(model, processor, tmp_path / "latent")
    licence = tmp_path / "LICENCE"
    licence.write_text("free")
    out = write_release(str(tmp_path / "latent"), tmp_path / "out", Release("L", "base", "mit", licence))
    card = (out / "README.md").read_text()
    assert not (out / "ask.py").exists() and "vllm serve" not in card and "unexpected" in card and "No measurements" in card
    assert recorded(str(out)) == ("latent", "full")
    with pytest.raises(PipelineError, match="not empty"):
        write_release(str(tmp_path / "latent"), out, Release("L", "base", "mit", licence))
    with pytest.raises(PipelineError, match="does not say what it was trained for"):
        write_release(str(tmp_path / "stock"), tmp_path / "other", Release("L", "base", "mit", licence))
    with pytest.raises(PipelineError, match="nowhere: no such file"):
        write_release(str(tmp_path / "latent"), tmp_path / "third", Release("L", "base", "mit", tmp_path / "nowhere"))
