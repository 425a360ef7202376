"""Code digests change when logic does, and only then."""

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
    for function in (digest._path_of, digest._syntax, digest.code_digest):
        function.cache_clear()


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
