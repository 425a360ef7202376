"""Editors and judges of one's own: what is called, what is refused before any job, and what fails a row and no more than that row."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from small_tables import key_of, picture, png, rows_of, run_stage, write_sources, write_table
from unicedit.benchmark.plan import BenchPlan
from unicedit.benchmark.recipes import judge_recipe
from unicedit.check_files import check_files
from unicedit.config.edit import EditSettings
from unicedit.config.judge import JudgeSettings
from unicedit.config.model import Config, parse
from unicedit.edit.check import check_editors
from unicedit.edit.stage import EditStage
from unicedit.errors import ConfigError
from unicedit.judge.engines import open_judge, prompts_of
from unicedit.judge.port import Question
from unicedit.map.compute import EngineError, UnexpectedError
from unicedit.pictures import decoded
from unicedit.program.find import with_digests
from unicedit.provenance import Provenance
from unicedit.recipe import recipe_modules
from unicedit.recipes import edit_recipes
from unicedit.schema import INSTRUCT
from unicedit.workflow import Pipeline

EDITOR = '''
import sys
from PIL import Image, ImageOps

BUILT = []


class Mine:
    """Does as it is told."""

    def __init__(self, strength=1.0):
        BUILT.append(strength)
        self.strength = strength
        self.canvas = Image.new("RGB", (64, 48))

    def __call__(self, image, instruction, seed):
        if "raise" in instruction:
            raise KeyError("no such\\nthing")
        if "exit" in instruction:
            sys.exit("enough")
        if "nothing" in instruction:
            return None
        if "array" in instruction:
            return [1, 2, 3]
        if "empty" in instruction:
            return Image.new("RGB", (0, 5))
        if "larger" in instruction:
            return image.resize((100, 80)).convert("RGBA")
        if "broken" in instruction:
            return Image.open(BROKEN)
        self.canvas.paste(ImageOps.solarize(image, round(255 * self.strength)))
        return self.canvas


def plain(image, instruction, seed, grey=0):
    return Image.new("RGB", image.size, (grey, seed % 256, len(instruction)))
'''
TEXTS = ["go", "raise it", "exit now", "nothing", "an array", "an empty one", "a larger one", "a broken one", "go on"]


def program(folder: Path, text: str = EDITOR, name: str = "mine.py") -> Path:
    path = folder / name
    path.write_text(text.replace("BROKEN", repr(str(folder / "broken.png"))))
    (folder / "broken.png").write_bytes(png(picture(1))[:-40])
    return path


def editors(path: Path, name: str = "Mine", **settings: Any) -> EditSettings:
    mine = {"name": "mine", "engine": "python", "python": {"file": str(path), "name": name, **settings}}
    config = with_digests(parse({"edit": {"editors": [mine, {"name": "other", "share": 1e-9}]}}))
    return config.edit


def made(folder: Path, edit: EditSettings, texts: list[str] = TEXTS, **settings: Any) -> list[dict[str, Any]]:
    """The rows of an instruction a picture."""
    ingest, _ = write_sources(folder, len(texts))
    instruct = folder / "instruct" / "00000.parquet"
    rows = [{"key": f"{key_of(n)}-00", "image": key_of(n), "slot": 0, "subtask": "Style Transfer"} for n in range(len(texts))]
    said = [{**row, "instruction_en": text, "instruction_cn": f"{text} 中"} for row, text in zip(rows, texts, strict=True)]
    write_table(instruct, INSTRUCT, said)
    return rows_of(run_stage(EditStage(ingest, instruct, edit, edit_recipes(edit)), folder, **settings))


@pytest.mark.parametrize("workers", [0, 1])
def test_each_row_has_its_picture_or_its_reason(tmp_path: Path, workers: int) -> None:
    rows = made(tmp_path, editors(program(tmp_path), arguments={"strength": 0.5}), workers=workers)
    found = [(row["status"], row["reason"]) for row in rows]
    assert found[:7] == [
        ("ok", None),
        ("failed", "error: KeyError: 'no such\\nthing' (mine.py, line 18)"),
        ("failed", "error: SystemExit: enough (mine.py, line 20)"),
        ("failed", "no_picture: Mine gave NoneType, and a PIL.Image.Image is wanted"),
        ("failed", "no_picture: Mine gave list, and a PIL.Image.Image is wanted"),
        ("failed", "no_picture: Mine gave 0 x 5 pixels"),
        ("ok", None),
    ]
    assert found[7][0] == "failed" and str(found[7][1]).startswith("no_picture: Mine gave one that cannot be read (image file is truncated")
    assert (rows[6]["edit_width"], rows[6]["edit_height"]) == (100, 80), "in the size that it has"
    for row in (rows[0], rows[8]):
        source = np.asarray(picture(int(row["image"], 16)))
        assert np.array_equal(np.asarray(decoded(row["edit_image"])), np.where(source < 128, source, 255 - source)), (
            "one canvas, two pictures"
        )


def test_it_is_built_once_and_a_function_is_called_with_its_arguments(tmp_path: Path) -> None:
    path = program(tmp_path)
    edit = editors(path, "plain", arguments={"grey": 7}, language="cn")
    rows = made(tmp_path, edit, ["go", "on"])
    assert [decoded(row["edit_image"]).getpixel((0, 0)) for row in rows] == [(7, row["seed"] % 256, len("go 中")) for row in rows]
    text = path.read_text().replace('if "raise" in instruction:', "if BUILT != [0.25]:")
    path.write_text(text)
    again = made(tmp_path, editors(path, arguments={"strength": 0.25}), ["go", "on", "and on"], retries=0)
    assert {row["status"] for row in again} == {"ok"}


@pytest.mark.parametrize(
    ("text", "settings", "line"),
    [
        (
            EDITOR,
            {"arguments": {"strenght": 1}},
            r"editor mine: Mine in .*mine\.py cannot be built: TypeError: .*unexpected keyword argument 'strenght'",
        ),
        (
            EDITOR.replace("BUILT.append", "missing.append"),
            {},
            r"cannot be built: NameError: name 'missing' is not defined \(mine\.py, line 12\)",
        ),
        (
            "import absent_package\nclass Mine: ...",
            {},
            r"cannot be built: ModuleNotFoundError: No module named 'absent_package' \(mine\.py, line 1\)",
        ),
        ("raise SystemExit(3)\nclass Mine: ...", {}, r"cannot be built: SystemExit: 3 \(mine\.py, line 1\)"),
        ("class Mine: ...", {}, r"its objects cannot be called; give the class a method __call__\(self, image, instruction, seed\)"),
        (
            "class Mine:\n    def __call__(self, image): ...",
            {},
            r"is called as \(image, instruction, seed\): too many positional arguments",
        ),
        (
            "def Mine(image, instruction, seed): ...",
            {"arguments": {"grey": 1}},
            r"is called as .*: got an unexpected keyword argument 'grey'",
        ),
        ("if False:\n    class Mine: ...", {}, r"has no Mine"),
    ],
)
def test_what_cannot_be_built_stops_the_job_in_one_line(tmp_path: Path, text: str, settings: dict[str, Any], line: str) -> None:
    with pytest.raises(EngineError, match=line) as caught:
        made(tmp_path, editors(program(tmp_path, text), **settings), ["go"])
    assert len(str(caught.value).splitlines()) == 1 and "mine.py" in str(caught.value)


def test_a_file_that_changed_since_the_run_began_is_not_run(tmp_path: Path) -> None:
    path = program(tmp_path)
    edit = editors(path)
    path.write_text(EDITOR + "\nX = 1\n")
    with pytest.raises(EngineError, match=r"mine\.py: holds [0-9a-f]{12}…, and the run began with [0-9a-f]{12}…; run again"):
        made(tmp_path, edit, ["go"])


def test_a_device_that_is_lost_stops_the_job(tmp_path: Path) -> None:
    text = "class AcceleratorError(RuntimeError): ...\ndef Mine(image, instruction, seed):\n    raise AcceleratorError('gone')\n"
    with pytest.raises(EngineError, match=r"the device is lost \(AcceleratorError: gone \(mine\.py, line 3\)\); run again"):
        made(tmp_path, editors(program(tmp_path, text)), ["go"])


def test_a_changed_file_makes_its_own_rows_again_and_no_other(tmp_path: Path) -> None:
    first, second = program(tmp_path), program(tmp_path, name="second.py")

    def inputs() -> dict[str, tuple[str, str]]:
        both = [
            {"name": name, "engine": "python", "python": {"file": str(path), "name": "Mine"}}
            for name, path in (("a", first), ("b", second))
        ]
        edit = with_digests(parse({"edit": {"editors": both}})).edit
        return {row["key"]: (row["inputs"], row["recipe"]) for row in made(tmp_path, edit, ["go"] * 12)}

    before = inputs()
    assert {key[-1] for key in before} == {"a", "b"}
    assert inputs() == before
    first.write_text(first.read_text() + "\n# changed\n")
    after = inputs()
    assert {key[-1] for key in after if after[key] != before[key]} == {"a"}
    assert all(after[key] != before[key] for key in after if key.endswith("a"))


def test_recipes_hold_the_engine_and_the_arguments(tmp_path: Path) -> None:
    path = program(tmp_path)
    assert edit_recipes(editors(path)) == edit_recipes(editors(program(tmp_path, name="elsewhere.py"))), (
        "where the file lies decides nothing"
    )
    assert edit_recipes(editors(path))["mine"] != edit_recipes(editors(path, arguments={"strength": 0.5}))["mine"]
    assert edit_recipes(editors(path))["mine"] != edit_recipes(editors(path, language="cn"))["mine"]
    with_engine = set(recipe_modules("edit", ["unicedit.edit.python"])) - set(recipe_modules("edit"))
    assert with_engine == {"unicedit.edit.python"}, "how a program is found and loaded decides no row"


def config(path: Path, name: str = "Mine", part: str = "editor", **settings: Any) -> Config:
    own = {"name": "mine", "engine": "python", "python": {"file": str(path), "name": name, **settings}}
    if part == "editor":
        return parse({"edit": {"editors": [own]}, "verify": {"engine": "ssim"}})
    if part == "model":
        return parse({"benchmark": {"models": [own], "judges": [{"name": "j", "engine": "openai", "openai": {"model": "m"}}]}})
    return parse({"benchmark": {"judges": [own]}})


KEYS = {"editor": "edit.editors.0", "model": "benchmark.models.0", "judge": "benchmark.judges.0"}


@pytest.mark.parametrize("part", KEYS)
def test_what_no_job_could_run_is_refused_before_any_and_nothing_is_executed(tmp_path: Path, part: str) -> None:
    path, proof = tmp_path / "mine.py", tmp_path / "executed"

    def refused(text: str, name: str = "Mine", **settings: Any) -> str:
        path.write_text(f"open({str(proof)!r}, 'w')\n{text}")
        with pytest.raises(ConfigError) as caught:
            check_files(config(path, name, part, **settings))
        (line,) = str(caught.value).splitlines()
        assert line.startswith(f"config: {KEYS[part]}.python.")
        return line

    assert f"name = 'Other': {path} has no class or function of that name; it has Mine, help" in refused(
        "class Mine: ...\ndef help(): ...\n", "Other"
    )
    assert "it has none" in refused("async def Mine(): ...\n")
    assert f"file = '{path}': is no Python that this Python can read (line 2: " in refused("class Mine\n")
    assert "is no Python that this Python can read (source code string cannot contain null bytes)" in refused("\0")
    assert "holds another content; look at it, then put its sha256 or null here" in refused("class Mine: ...\n", sha256="0" * 64)
    for text in ("class Mine: ...", "def Mine(): ...", "from x import Mine", "from x import *", "import y as Mine", "Mine = 3"):
        for around in (
            "{}",
            "try:\n    {}\nexcept ImportError:\n    pass",
            "try:\n    pass\nexcept ImportError:\n    {}",
            "if 1:\n    pass\nelse:\n    {}",
        ):
            if "*" not in text or around == "{}":
                path.write_text(around.format(text))
                check_files(config(path, part=part))
    path.unlink()
    with pytest.raises(ConfigError, match=rf"config: {KEYS[part]}\.python\.file = '.*mine\.py': no such file \(looked for at /"):
        check_files(config(path, part=part))
    assert not proof.exists()


def test_a_file_that_may_not_be_read_is_told_with_its_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = program(tmp_path)

    def denied(self: Path) -> bytes:  # who runs this may be root, who may read anything
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "read_bytes", denied)
    with pytest.raises(ConfigError, match=r"config: edit\.editors\.0\.python\.file = '.*mine\.py': .*cannot be read \(Permission denied\)"):
        check_editors(with_digests(config(path)))


def test_the_claim_on_viescore_needs_a_judge_that_can_tell(tmp_path: Path) -> None:
    settings = json.dumps(BenchPlan(config(program(tmp_path), part="judge")).claim_settings())
    script = Path(__file__).resolve().parents[2] / "workflow/scripts/nc_claim.py"
    files = ["--records", "r", "--edits", "e", "--judged", "j", "--seal", "s"]
    done = subprocess.run([sys.executable, str(script), *files, "--settings", settings], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1 and done.stderr.startswith("error: no judge of benchmark.judges can be asked for SC and PQ")


def test_settings_that_cannot_be_are_refused() -> None:
    for part, values in (
        ("edit", {"editors": [{"name": "a", "engine": "python"}]}),
        ("benchmark", {"judges": [{"name": "a", "engine": "python"}]}),
    ):
        with pytest.raises(ConfigError, match="engine `python` needs a section `python` beside it"):
            parse({part: values})
    for wrong in ({"file": "mine", "name": "Mine"}, {"file": "mine.py", "name": "os.system"}, {"file": "mine.py", "name": "a b"}):
        with pytest.raises(ConfigError, match=r"edit\.editors\.0\.python\.(file|name) = .* should match pattern"):
            parse({"edit": {"editors": [{"name": "a", "engine": "python", "python": wrong}]}})
    own = {"name": "mine", "engine": "python", "python": {"file": "mine.py", "name": "Mine"}}
    with pytest.raises(ConfigError, match="it knows simulated edits alone, and mine is a real editor"):
        check_editors(parse({"edit": {"editors": [own]}}))


def test_the_settings_of_stages_hold_the_digest(tmp_path: Path) -> None:
    path = program(tmp_path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    own = {"engine": "python", "python": {"file": str(path), "name": "Mine"}}
    values = {
        "edit": {"editors": [{"name": "a", **own}, {"name": "b"}]},
        "verify": {"engine": "ssim"},
        "benchmark": {"models": [{"name": "m", **own}, {"name": "n", "run": False, **own}], "judges": [{"name": "j", **own}]},
    }
    pipeline = Pipeline(values)
    assert json.loads(pipeline._settings("edit"))["edit"]["editors"][0]["python"]["sha256"] == digest
    assert json.loads(pipeline._unit_settings("bench_edit", "m-en"))["model"]["python"]["sha256"] == digest
    assert json.loads(pipeline._unit_settings("judge", "j@m-en"))["judge"]["python"]["sha256"] == digest
    assert pipeline.bench.units("expect") == [] and pipeline.bench.units("bench_viescore") == []
    path.unlink()
    assert json.loads(Pipeline(values)._settings("edit"))["edit"]["editors"][0]["python"]["sha256"] is None, (
        "told by the check, in one line"
    )
    assert with_digests(Config()) == Config()


JUDGE = """
import numpy


class Mine:
    def __init__(self, answer=None):
        self.answer = answer

    def __call__(self, source, edit, instruction, metric, reasoning_points):
        if instruction == "raise":
            raise RuntimeError("no")
        if instruction == "echo":
            return 1, f"{source.mode} {source.size} {edit.size} {metric} {reasoning_points}"
        return eval(instruction)
"""


PLACE = Provenance("", "", 64, 48, (0, 0, 64, 48), 64, 48)


def judge_of(path: Path, **settings: Any) -> JudgeSettings:
    own = {"name": "mine", "engine": "python", "python": {"file": str(path), "name": "Mine", **settings}}
    return with_digests(parse({"benchmark": {"judges": [own]}})).benchmark.judges[0]


def asked(judge: JudgeSettings, *instructions: str, metric: str = "NC", points: tuple[str, ...] = ()) -> list[Any]:
    questions = [
        Question(str(number), metric, 0, png(picture(1)), png(picture(2, (32, 32))), text, points, (), PLACE)
        for number, text in enumerate(instructions)
    ]
    return open_judge(judge, None).judge(questions)


def test_a_score_is_a_number_from_0_to_10_with_a_reason(tmp_path: Path) -> None:
    path = program(tmp_path, JUDGE)
    judge = judge_of(path)
    snapshot = f"Mine@{hashlib.sha256(path.read_bytes()).hexdigest()[:12]}"
    good = asked(judge, "(7, 'fine')", "[0, '']", "(10.0, 'a\\u202eb\\n c')", "(numpy.float32(2.5), 'x' * 2000)")
    assert [row["score"] for row in good] == [7.0, 0.0, 10.0, 2.5] and all(type(row["score"]) is float for row in good)
    assert [row["explanation"] for row in good] == ["fine", "", "ab c", "x" * 1000]
    assert {row["snapshot"] for row in good} == {snapshot}
    (echo,) = asked(judge, "echo", metric="RA", points=("the sun is low",))
    assert echo["explanation"] == "RGB (64, 48) (32, 32) RA ['the sun is low']"
    bad = asked(
        judge,
        "raise",
        "None",
        "7",
        "(7,)",
        "('7', '')",
        "(True, '')",
        "(10.1, '')",
        "(-1, '')",
        "(float('nan'), '')",
        "(float('inf'), '')",
        "(7, None)",
    )
    assert all(isinstance(row, UnexpectedError) for row in bad)
    assert [str(row) for row in bad] == [
        "error: RuntimeError: no (mine.py, line 11)",
        "no_score: Mine gave NoneType, and a pair (score, explanation) is wanted",
        "no_score: Mine gave int, and a pair (score, explanation) is wanted",
        "no_score: Mine gave tuple, and a pair (score, explanation) is wanted",
        "no_score: Mine gave str as score, and a number is wanted",
        "no_score: Mine gave bool as score, and a number is wanted",
        "no_score: Mine gave 10.1, and a score is from 0 to 10",
        "no_score: Mine gave -1, and a score is from 0 to 10",
        "no_score: Mine gave nan, and a score is from 0 to 10",
        "no_score: Mine gave inf, and a score is from 0 to 10",
        "no_score: Mine gave NoneType as explanation, and a text is wanted",
    ]


def test_a_judge_has_no_prompt_and_its_file_is_in_its_recipe(tmp_path: Path) -> None:
    path = program(tmp_path, JUDGE)
    judge = judge_of(path)
    assert prompts_of(judge) == {} and not judge.asks
    before = judge_recipe(judge)
    assert judge_recipe(judge) == judge_recipe(judge_of(program(tmp_path, JUDGE, "elsewhere.py")))
    assert judge_recipe(judge) != judge_recipe(judge_of(path, arguments={"answer": 1}))
    path.write_text(JUDGE + "\n")
    assert judge_recipe(judge_of(path)) != before
    assert judge_recipe(judge.model_copy(update={"python": judge.python.model_copy(update={"sha256": None})})) == judge_recipe(
        judge_of(path)
    )
    with pytest.raises(EngineError, match=r"judge mine: Mine in .* cannot be built: TypeError"):
        asked(judge_of(path, arguments={"b": 1}), "(1, '')")
