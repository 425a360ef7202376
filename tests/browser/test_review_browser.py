"""The review page in a real browser: decisions by key and by hand, on the disk, resumed."""

import io
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from checkout import REPOSITORY
from chromium import DESKTOP, PHONE, Browser
from made_samples import gathered, samples
from made_tables import write
from unicedit.benchmark.review import RecordReview
from unicedit.review.decision import read_reviews
from unicedit.review.journal import opened
from unicedit.training.review import Review

EVIL = """</script><script>window.taken = 1</script><img src=x onerror="window.taken = 2">"""
Serve = Callable[..., str]


def png(number: int) -> bytes:
    stored = io.BytesIO()
    Image.linear_gradient("L").resize((300, 200)).point(lambda value: (value + number * 37) % 256).convert("RGB").save(stored, "PNG")
    return stored.getvalue()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a run's training samples, of which every text tries to become markup."""
    rows = samples(48)
    for number, row in enumerate(rows):
        if row["status"] == "ok":
            row |= {"source_image": png(number), "edit_image": png(number + 2), "given_en": f"{row['given_en']} {EVIL}", "source": EVIL * 9}
    gathered(tmp_path / "results", rows)
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "config.yaml").write_text("{}\n")
    return tmp_path


@pytest.fixture
def serve(folder: Path) -> Iterator[Serve]:
    """Start ``review.py serve`` for a reviewer, in place of the one before; returns the page's address."""
    started: list[subprocess.Popen[str]] = []

    def stop() -> None:
        for process in started:
            process.kill()
            process.wait()

    def start(*arguments: str, agree: str = "1", what: str = "samples") -> str:
        stop()
        script = REPOSITORY / "workflow/scripts/review.py"
        words = [sys.executable, script, "--results", "results", "--what", what, "--agree", agree]
        process = subprocess.Popen([*words, "serve", "--port", "0", *arguments], cwd=folder, stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout is not None
        return process.stdout.readline().split()[-1]

    yield start
    stop()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Browser]:
    """The browser; afterwards the console is empty, and nothing but the page's own server was asked."""
    chromium.driver.get("about:blank")
    chromium.console()
    chromium.requested().clear()
    yield chromium
    assert chromium.console() == []
    assert [url for url in chromium.requested() if not url.startswith(("http://127.0.0.1:", "about:", "data:,"))] == []
    chromium.driver.get("about:blank")


def opened_at(page: Browser, address: str, size: tuple[int, int] = DESKTOP, dark: bool = False) -> None:
    page.window(size, dark)
    page.driver.get(address)
    drawn(page)


def drawn(page: Browser, number: int | None = None) -> None:
    """Wait until a row (any, or one of a number from 1) is there with its pictures."""
    page.until("document.images.length === 2 && [...document.images].every((one) => one.complete && one.naturalWidth === 300)")
    if number is not None:
        page.until(f"document.getElementById('count').textContent.startsWith('{number} of ')")
        page.until("!document.body.classList.contains('busy')")


def decisions(folder: Path, reviewer: str = "anna") -> list[Review]:
    return read_reviews(folder / "reviews/samples/decisions" / f"{reviewer}.jsonl", Review)


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_page_fits_the_window_and_texts_stay_text(page: Browser, folder: Path, serve: Serve, size: tuple[int, int], dark: bool) -> None:
    opened_at(page, serve("--reviewer", "anna"), size, dark)
    for key in ("", "e"):
        if key:
            page.press(key)
        width = page.run("return Math.max(document.documentElement.scrollWidth, document.getElementById('detail').scrollWidth)")
        assert width <= size[0], "nothing sticks out"
        boxes = page.run("return [...document.querySelectorAll('footer button')].map((one) => [one.clientWidth, one.scrollWidth])")
        assert all(inner <= outer for outer, inner in boxes), "each button holds its word"
        assert page.run("return document.querySelector('footer').getBoundingClientRect().bottom <= innerHeight")
    assert EVIL in page.run("return document.querySelector('textarea').value")
    page.press(Keys.ESCAPE)
    assert page.run("return document.querySelectorAll('textarea').length") > 5, "one key throws nothing away"
    page.press(Keys.ESCAPE)
    assert EVIL in page.text("#detail .value") and page.run("return window.taken") is None
    assert page.run("return document.querySelectorAll('main script, [onerror]').length") == 0
    red, green, blue = page.run("return getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
    assert (red + green + blue < 200) == dark
    assert page.run("return document.querySelector('.frame').dataset.mode") == ("slider" if size == PHONE else "sides")


def test_decisions_by_key_are_on_the_disk_and_a_restart_goes_on(page: Browser, folder: Path, serve: Serve) -> None:
    opened_at(page, serve("--reviewer", "anna"))
    assert page.text("#count") == "1 of 22 · 0 decided"
    page.press("a")
    drawn(page, 2)
    assert [one.decision for one in decisions(folder)] == ["accept"]
    page.press("n")
    drawn(page, 3)
    page.press("m")
    page.press(*"are a and r")
    assert len(decisions(folder)) == 1, "letters of a reason decide nothing"
    page.press(Keys.ESCAPE, "r")
    drawn(page, 4)
    assert (decisions(folder)[1].decision, decisions(folder)[1].reason) == ("reject", "are a and r")

    page.press("e")
    field = page.driver.find_element(By.NAME, "given_en")
    field.clear()
    field.send_keys("Paint it green, a red one.")
    page.driver.find_element(By.NAME, "given_cn").clear()
    page.driver.find_element(By.NAME, "given_cn").send_keys("涂成绿色。")
    ActionChains(page.driver).key_down(Keys.CONTROL).send_keys(Keys.ENTER).key_up(Keys.CONTROL).perform()
    drawn(page, 5)
    assert decisions(folder)[2].texts == {"given_en": "Paint it green, a red one.", "given_cn": "涂成绿色。"}

    page.press("u")
    drawn(page, 4)
    assert page.text(".state").startswith("rewritten") and page.text(".corrected") == "Paint it green, a red one."
    page.press("a")
    drawn(page, 5)
    assert [one.decision for one in decisions(folder)] == ["accept", "reject", "correct", "accept"], "nothing is overwritten"
    assert decisions(folder)[3].key == decisions(folder)[2].key

    opened_at(page, serve("--reviewer", "anna"))
    assert page.text("#count") == "5 of 22 · 3 decided", "the next row after the last decision"
    page.press(Keys.ARROW_LEFT)
    drawn(page, 4)
    page.press("?")
    assert "rewrite the texts that are wrong" in page.text("#help")
    page.press("a", Keys.ESCAPE)
    assert len(decisions(folder)) == 4, "the help is open: the key decides nothing"


def test_what_is_refused_is_said_and_what_was_written_stays(page: Browser, folder: Path, serve: Serve) -> None:
    opened_at(page, serve("--reviewer", "anna"), PHONE)
    page.driver.find_element(By.CSS_SELECTOR, "[data-does=rewrite]").click()
    page.settle()
    field = page.driver.find_element(By.NAME, "given_cn")
    field.clear()
    field.send_keys("Make it red.")
    page.driver.find_element(By.CSS_SELECTOR, "[data-does=save]").click()
    page.until("document.getElementById('said').textContent.includes('given_cn holds no Chinese text')")
    assert page.run("return document.querySelector('[name=given_cn]').value") == "Make it red.", "and can be mended"
    assert any("422" in line for line in page.console())
    field.clear()
    field.send_keys("变红。")
    page.driver.find_element(By.CSS_SELECTOR, "[data-does=save]").click()
    drawn(page, 2)
    assert decisions(folder)[0].texts == {"given_cn": "变红。"}


def test_a_server_that_is_gone_is_said(page: Browser, folder: Path, serve: Serve) -> None:
    opened_at(page, serve("--reviewer", "anna"))
    serve("--reviewer", "bob")
    page.press("a")
    page.until("document.getElementById('said').textContent.includes('The server does not answer. Run `make review` again')")
    assert page.text("#count").startswith("1 of") and decisions(folder) == []
    assert any("ERR_CONNECTION_REFUSED" in line for line in page.console())


def test_the_last_row_says_that_all_are_decided(page: Browser, folder: Path, serve: Serve) -> None:
    opened_at(page, serve("--reviewer", "anna", "--limit", "2"))
    page.press("a")
    drawn(page, 2)
    page.press("a")
    page.until("document.getElementById('said').textContent === 'Every row has a decision.'")
    assert page.text("#count") == "2 of 2 · 2 decided"
    assert page.run("return document.querySelector('[data-does=skip]').disabled && document.querySelector('[data-does=on]').disabled")


def test_disagreements_are_shown_with_what_was_said_and_settled(page: Browser, folder: Path, serve: Serve) -> None:
    opened_at(page, serve("--reviewer", "anna"))
    page.press("r")
    drawn(page, 2)
    page.press("a")
    drawn(page, 3)
    first, second = decisions(folder)
    with opened(folder / "reviews/samples/decisions", "bob", Review) as journal:
        journal.add(first.key, first.shown, "correct", texts={"given_cn": "染红它。"}, reason="")
        journal.add(second.key, second.shown, "accept")
    opened_at(page, serve("--reviewer", "carl", "--disagreements", agree="2"))
    assert page.text("h1") == "Settle" and page.text("#count") == "1 of 1 · 0 decided"
    assert page.text(".other.reject") == "anna: rejected" and "染红它。" in page.text(".other.correct")
    page.driver.find_element(By.CSS_SELECTOR, ".other button").click()
    page.settle()
    assert page.run("return document.querySelector('[name=given_cn]').value") == "染红它。"
    page.driver.find_element(By.CSS_SELECTOR, "[data-does=save]").click()
    page.until("document.getElementById('said').textContent === 'Every row has a decision.'")
    (settled,) = decisions(folder, "carl")
    assert settled.settles and settled.texts == {"given_cn": "染红它。"}


def test_a_record_of_the_benchmark_is_shown_with_its_one_picture(page: Browser, folder: Path, serve: Serve) -> None:
    from unicedit.benchmark.schema import RECORDS

    record = {
        "key": "r",
        "task": "Reasoning Editing",
        "subtask": "Spatial Reasoning",
        "en": EVIL,
        "cn": "移走最大的猫。",
        "source": "cat.png",
    }
    record |= {
        "reasoning_points": ["The largest cat is gone."],
        "picture": "p",
        "note": "",
        "sources": 1,
        "others": [],
        "image_digest": "d",
        "image": png(3),
    }
    sizes = dict.fromkeys(("width", "height", "crop_left", "crop_top", "crop_right", "crop_bottom", "image_width", "image_height"), 9)
    write(folder / "results/benchmark/records.parquet", RECORDS, [record | sizes], "records", "all")
    page.window(PHONE)
    page.driver.get(serve("--reviewer", "anna", what="benchmark"))
    page.until("document.images.length === 1 && document.images[0].naturalWidth === 300")
    assert "The largest cat is gone." in page.text("#detail") and page.run("return window.taken") is None
    assert page.run("return document.documentElement.scrollWidth") <= PHONE[0]
    page.press("e")
    field = page.driver.find_element(By.NAME, "reasoning_points")
    field.send_keys(Keys.ENTER, "The others stay.")
    page.driver.find_element(By.CSS_SELECTOR, "[data-does=save]").click()
    page.until("document.getElementById('said').textContent === 'Every row has a decision.'")
    (one,) = read_reviews(folder / "reviews/benchmark/decisions/anna.jsonl", RecordReview)
    assert one.texts == {"reasoning_points": ["The largest cat is gone.", "The others stay."]}
