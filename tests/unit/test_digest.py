"""Code digests change when logic does, and only then."""

import json
import sys
from pathlib import Path

import pytest

from unicedit import digest

ENGINE = '''"""Docstring."""
from unicedit.helper import double


def compute(value: int) -> int:
    """Compute."""
    from unicedit.late import add  # imported late

    return add(double(value))
'''


@pytest.fixture
def scripts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    package = tmp_path / "unicedit"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "engine.py").write_text(ENGINE)
    (package / "helper.py").write_text("def double(value):\n    return 2 * value\n")
    (package / "late.py").write_text("TEMPLATE = 'prompt.jinja'\n\n\ndef add(value):\n    return value + 1\n")
    (package / "prompt.jinja").write_text("Say {{ it }}.")
    (package / "other.py").write_text("X = 1\n")
    (tmp_path / "job.py").write_text("from unicedit.engine import compute\n\nprint(compute(1))\n")
    monkeypatch.setattr(digest, "SCRIPTS", tmp_path)
    forget()
    yield tmp_path
    forget()


def forget() -> None:
    for function in (digest._path_of, digest._syntax, digest._kept, digest.code_digest):
        function.cache_clear()
    digest._seen.clear()


def changed(scripts: Path, name: str, old: str, new: str) -> bool:
    before = digest.code_digest("job")
    path = scripts / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    forget()
    return digest.code_digest("job") != before


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("unicedit/engine.py", "# imported late", "# another comment"),
        ("unicedit/engine.py", '"""Compute."""', '"""Compute it well."""'),
        ("unicedit/engine.py", '"""Docstring."""', ""),
        ("unicedit/helper.py", "2 * value", "2  *  value  # twice"),
        ("unicedit/other.py", "X = 1", "X = 2"),
        ("job.py", "print(compute(1))", "print(\n    compute(1)\n)"),
    ],
)
def test_comment_docstring_layout_and_foreign_module_change_nothing(scripts: Path, name: str, old: str, new: str) -> None:
    assert not changed(scripts, name, old, new)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("job.py", "compute(1)", "compute(2)"),
        ("unicedit/engine.py", "add(double(value))", "double(add(value))"),
        ("unicedit/helper.py", "2 * value", "3 * value"),
        ("unicedit/late.py", "value + 1", "value + 2"),
        ("unicedit/prompt.jinja", "Say", "Tell"),
    ],
)
def test_logic_in_any_imported_module_changes_the_digest(scripts: Path, name: str, old: str, new: str) -> None:
    assert changed(scripts, name, old, new)


def test_closure_leaves_out_what_it_is_told_to(scripts: Path) -> None:
    assert list(digest.closure(["unicedit.engine"])) == ["unicedit.engine", "unicedit.helper", "unicedit.late"]
    assert list(digest.closure(["unicedit.engine"], without=["unicedit.helper"])) == ["unicedit.engine", "unicedit.late"]
    with pytest.raises(ValueError, match=r"unicedit\.absent"):
        digest.closure(["unicedit.absent"])


def test_kept_syntax_gives_the_same_digest_without_parsing(scripts, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    digest.keep_syntax()
    assert not digest.KEPT.exists()  # no run was ever here
    digest.KEPT.parent.mkdir()
    before = digest.code_digest("job")
    digest.keep_syntax()
    forget()
    with monkeypatch.context() as patched:
        patched.setattr(digest, "_parsed", lambda *_: pytest.fail("parsed again"))
        assert digest.code_digest("job") == before
    (scripts / "unicedit/prompt.jinja").write_text("Tell {{ it }}.")
    forget()
    assert digest.code_digest("job") != before  # templates are not kept


@pytest.mark.parametrize("text", ["", "{", "[]", '{"3": {}}', '{"VERSION": {"a": [1]}}', '{"VERSION": 3}'])
def test_spoilt_kept_syntax_is_made_again(scripts, tmp_path, monkeypatch, text):
    monkeypatch.chdir(tmp_path)
    before = digest.code_digest("job")
    digest.KEPT.parent.mkdir()
    digest.KEPT.write_text(text.replace("VERSION", json.dumps(sys.version)[1:-1]))
    forget()
    assert digest.code_digest("job") == before
    digest.keep_syntax()
    forget()
    assert digest._kept()
