"""The gallery, in a real browser and from the file system."""

import io
from pathlib import Path
from urllib.parse import urlencode

import pytest
from PIL import Image
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from chromium import DESKTOP, PHONE, Browser
from made_gallery import HOSTILE, rows_of


def pair(results: Path) -> dict:
    """A row with both pictures."""
    return next(row for row in rows_of(results) if "before" in row and "after" in row)


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_page_shows_all_rows_and_fits_the_window(browser: Browser, hostile: Path, size: tuple[int, int], dark: bool) -> None:
    browser.open(hostile, size=size, dark=dark)
    assert browser.shown() == len(rows_of(hostile)) > 100
    assert "Simulated: edits" in browser.text("#note")
    for opened in (False, True):
        if opened:
            browser.driver.find_element(By.CSS_SELECTOR, ".row").click()
            browser.settle()
        width = browser.run("return Math.max(document.documentElement.scrollWidth, document.getElementById('detail').scrollWidth)")
        assert width <= size[0], "nothing sticks out"
        assert browser.run("return document.elementFromPoint(innerWidth - 60, innerHeight / 2).closest('#detail') !== null") == (
            opened or size == DESKTOP
        )
    red, green, blue = browser.run("return getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
    assert (red + green + blue < 200) == dark


def test_hostile_texts_stay_text(browser: Browser, hostile: Path) -> None:
    row = pair(hostile)
    assert HOSTILE in row["instruction_en"]
    browser.open(hostile, "#" + urlencode({"row": row["id"]}))
    # the texts of every row go through the list and through the page of one row
    for number in range(min(40, len(rows_of(hostile)))):
        browser.run("document.getElementById('list').scrollTop = arguments[0] * 92", number)
        browser.press("j")
    browser.open(hostile, "#" + urlencode({"row": row["id"]}))
    shown = browser.run("return document.querySelector('#detail .instruction dd').textContent")
    assert shown == row["instruction_en"], "as it was written, letter by letter"
    assert browser.run("return window.taken") is None
    assert browser.run("return document.querySelectorAll('main script, main b, [onerror]').length") == 0
    assert browser.run("return [...document.images].every((image) => image.src.includes('/data/pictures/'))")
    raw = "".join(path.read_text() for path in (hostile / "gallery" / "data" / "rows").glob("*.js"))
    assert "<" not in raw and ">" not in raw and raw.isascii()


def test_filters_say_and_show_what_the_tables_hold(browser: Browser, hostile: Path) -> None:
    rows = rows_of(hostile)
    verdicts = {"valid": True, "invalid": False, "none": None}
    cases = [
        (name, value)
        for name in ("task", "subtask", "editor", "status", "kind", "stage")
        for value in {row.get(name) for row in rows} - {None, ""}
    ]
    browser.open(hostile)
    for name, value in cases:
        browser.set(name, value)
        assert browser.shown() == sum(row.get(name) == value for row in rows) > 0, (name, value)
        offered = browser.run(f"return document.querySelector('#filters [name={name}]').selectedOptions[0].textContent")
        assert offered.endswith(f"({browser.shown()})")
        browser.set(name, "")
    for value, changed in verdicts.items():
        browser.set("verdict", value)
        assert browser.shown() == sum(row.get("is_changed") is changed for row in rows) > 0, value
    browser.set("status", "ok")  # of those without a verdict: none
    assert browser.shown() == 0
    assert "No row fits" in browser.text("#empty")
    browser.driver.find_element(By.ID, "clear").click()
    browser.settle()
    assert browser.shown() == len(rows)


def test_score_range_and_order(browser: Browser, hostile: Path) -> None:
    rows = rows_of(hostile)
    browser.open(hostile)
    browser.set("score", "quality")
    browser.set("min", "6")
    browser.set("max", "7")
    assert browser.shown() == sum(6 <= row.get("quality", 0) <= 7 for row in rows) > 0
    browser.driver.find_element(By.ID, "clear").click()
    browser.set("sort", "quality-")
    order = browser.run("return list.rows.map((row) => row.quality ?? null)")
    known = [one for one in order if one is not None]
    assert known == sorted(known, reverse=True) and order[len(known) :] == [None] * (len(rows) - len(known))


def test_search_needs_every_word_in_any_text(browser: Browser, hostile: Path) -> None:
    rows = rows_of(hostile)
    browser.open(hostile)
    field = browser.driver.find_element(By.ID, "search")
    field.send_keys("THING after")
    browser.settle()
    wanted = [row for row in rows if "thing" in row.get("instruction_en", "") and row.get("edit_caption") == "after"]
    assert len(rows) > browser.shown() == len(wanted) > 0
    field.clear()
    field.send_keys("改变物体0")
    browser.settle()
    assert (
        browser.shown() == sum("改变物体0" in row.get("instruction_cn", "") or "改变物体0" in row.get("prompt_cn", "") for row in rows) > 0
    )
    field.clear()
    field.send_keys("<script> no such")
    browser.settle()
    assert browser.shown() == 0


def test_slider_follows_mouse_and_keys(browser: Browser, hostile: Path) -> None:
    browser.open(hostile, "#" + urlencode({"row": pair(hostile)["id"]}))
    browser.until("document.querySelector('.frame .after img')?.complete && document.querySelector('.frame .after img').naturalWidth > 0")
    frame = browser.driver.find_element(By.CSS_SELECTOR, ".frame")

    def cut() -> float:
        return float(browser.run("return getComputedStyle(document.querySelector('.frame .after')).clipPath.match(/([\\d.]+)%/)[1]"))

    assert cut() == 50
    width = frame.size["width"]
    ActionChains(browser.driver).move_to_element(frame).click_and_hold().move_by_offset(int(width * 0.3), 0).release().perform()
    assert cut() == pytest.approx(80, abs=3)
    browser.run("document.activeElement.blur()")
    browser.press(Keys.ARROW_LEFT, Keys.ARROW_LEFT)
    assert cut() == pytest.approx(70, abs=3)
    seen = Image.open(io.BytesIO(frame.screenshot_as_png)).convert("RGB")
    left, right = seen.getpixel((int(seen.width * 0.3), seen.height // 4)), seen.getpixel((int(seen.width * 0.9), seen.height // 4))
    before, after = colours(hostile, pair(hostile))
    assert close(left, before) and close(right, after), "left of the line is before, right of it after"


def colours(results: Path, row: dict) -> list[tuple[int, ...]]:
    """The colour of each picture of a row, which are of one colour each."""
    found = []
    for name in ("before", "after"):
        with Image.open(results / "gallery" / "data" / "pictures" / row[name]) as image:
            found.append(image.convert("RGB").getpixel((12, 8)))
    return found


def close(one: tuple[int, ...], other: tuple[int, ...], within: int = 8) -> bool:
    return all(abs(a - b) <= within for a, b in zip(one, other, strict=True))


def test_difference_view_shows_the_difference_amplified(browser: Browser, hostile: Path) -> None:
    row = pair(hostile)
    browser.open(hostile, "#" + urlencode({"row": row["id"]}))
    browser.until(
        "document.querySelector('.frame .after img')?.naturalWidth > 0 && document.querySelector('.frame .before img').naturalWidth > 0"
    )
    browser.press("d")
    assert browser.run("return document.querySelector('.toolbar [aria-pressed=true]').textContent") == "Difference"
    seen = Image.open(io.BytesIO(browser.driver.find_element(By.CSS_SELECTOR, ".frame").screenshot_as_png)).convert("RGB")
    before, after = colours(hostile, row)
    amplified = tuple(min(255, 4 * abs(a - b)) for a, b in zip(before, after, strict=True))
    assert close(seen.getpixel((seen.width // 2, seen.height // 2)), amplified, within=16), (before, after)
    browser.press("b")
    places = browser.run("return ['before', 'after'].map((name) => document.querySelector(`.frame .${name}`).getBoundingClientRect().left)")
    assert places[1] - places[0] > 100, "side by side"
    browser.press("s")
    assert browser.run("return document.querySelector('.frame').dataset.mode") == "slider"


def test_permalink_holds_row_and_filters(browser: Browser, hostile: Path) -> None:
    rejected = [row for row in rows_of(hostile) if row["status"] == "rejected" and row["stage"] == "verify"]
    browser.open(hostile, "#" + urlencode({"row": rejected[3]["id"], "status": "rejected", "stage": "verify", "q": "before"}))
    assert browser.shown() == len(rejected)
    assert browser.run("return document.querySelector('#filters [name=status]').value") == "rejected"
    assert browser.run("return document.getElementById('search').value") == "before"
    assert browser.text("#detail dd:last-of-type") and rejected[3]["key"] in browser.run(
        "return document.getElementById('detail').textContent"
    )
    selected = browser.run("return document.querySelector('.row[aria-selected=true] .headline').textContent")
    assert selected == (rejected[3].get("prompt_en") or rejected[3]["instruction_en"])
    browser.press("j")
    moved = browser.run("return Object.fromEntries(new URLSearchParams(location.hash.slice(1)))")
    assert moved == {"row": rejected[4]["id"], "status": "rejected", "stage": "verify", "q": "before"}
    browser.open(hostile, "#row=nowhere")
    assert "This row is not here" in browser.text("#detail")


def test_keyboard(browser: Browser, hostile: Path) -> None:
    browser.open(hostile)

    def chosen() -> int:
        return int(browser.run("return document.querySelector('.row[aria-selected=true]').id.slice(4)"))

    browser.press("j", "j", Keys.ARROW_DOWN, "k")
    assert chosen() == 2
    for _ in range(30):
        browser.press("j")
    assert chosen() == 32
    box = "document.querySelector('.row[aria-selected=true]').getBoundingClientRect()"
    assert browser.run(f"return {box}.top >= 0 && {box}.bottom <= innerHeight + 1"), "the list follows"
    browser.press("/", "jjj")
    assert browser.run("return [document.activeElement.id, document.activeElement.value]") == ["search", "jjj"]
    browser.press(Keys.ESCAPE)
    assert browser.run("return document.activeElement.id") != "search"
    browser.press("?")
    assert "next, previous row" in browser.text("#help")
    browser.press(Keys.ESCAPE)
    assert browser.run("return document.getElementById('help').open") is False
    browser.press("f")
    assert browser.run("return document.activeElement.name") == "task"


def test_phone_opens_a_row_over_the_list_and_goes_back(browser: Browser, hostile: Path) -> None:
    browser.open(hostile, size=PHONE)
    assert browser.run("return getComputedStyle(document.getElementById('detail')).display") == "none"
    browser.driver.find_elements(By.CSS_SELECTOR, ".row")[1].click()
    browser.settle()
    assert "row=" in browser.run("return location.hash")
    browser.driver.back()
    browser.until("getComputedStyle(document.getElementById('detail')).display === 'none'")
    browser.driver.find_elements(By.CSS_SELECTOR, ".row")[1].click()
    browser.driver.find_element(By.CSS_SELECTOR, ".back").click()
    browser.until("getComputedStyle(document.getElementById('detail')).display === 'none'")
    button = browser.driver.find_element(By.ID, "filters-button")
    button.click()
    assert browser.run("return getComputedStyle(document.getElementById('filters')).display") == "grid"
    browser.set("status", "failed")
    assert button.text == "Filters (1)"
    button.click()
    assert browser.run("return getComputedStyle(document.getElementById('filters')).display") == "none"


def test_ten_thousand_rows_stay_fluid(browser: Browser, large: Path) -> None:
    browser.open(large)
    assert browser.shown() == 10_000
    assert "10,000 of 22,368,563 rows" in browser.text("#note")
    loaded = [url for url in browser.requested() if url.endswith(".webp")]
    assert 0 < len(loaded) < 60, "only thumbnails near the view are loaded"

    # thread time, so that what else runs on the machine does not count
    browser.driver.execute_cdp_cmd("Performance.enable", {"timeDomain": "threadTicks"})

    def busy() -> float:
        metrics = {one["name"]: one["value"] for one in browser.driver.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]}
        return 1000 * float(metrics["TaskDuration"])

    before = busy()
    frames, most = browser.driver.execute_async_script(
        """
        const done = arguments[0], view = document.getElementById("list");
        let frame = 0, most = 0;
        function step() {
          most = Math.max(most, view.querySelectorAll(".row").length);
          if (frame === 150) return done([frame, most]);
          frame++;
          view.scrollTop = frame % 10 === 0 ? (frame * 7919 % 9000) * 92 : view.scrollTop + 460;
          requestAnimationFrame(step);
        }
        requestAnimationFrame(step);
        """
    )
    scroll = (busy() - before) / frames
    assert most < 60, "only rows near the view are in the document"
    before = busy()
    for query in ("9", "99", "999", "9999", "999", ""):
        browser.run("search.value = arguments[0]; search.dispatchEvent(new Event('input'))", query)
        browser.settle()
    search = (busy() - before) / 6
    print(f"main thread: {scroll:.1f} ms a frame of scrolling, {search:.1f} ms a search of 10,000 rows")
    assert scroll < 16, "sixty frames a second"
    assert search < 100, "a search is done before its next letter"

    browser.run("const view = document.getElementById('list'); view.scrollTop = view.scrollHeight")
    browser.settle()
    assert "Number 9999 was made larger." in browser.text("#list")
    browser.run(
        "document.getElementById('search').value = 'number 7777 '; document.getElementById('search').dispatchEvent(new Event('input'))"
    )
    browser.settle()
    assert browser.shown() == 1 and "Number 7777 " in browser.text("#list")


def test_missing_chunk_is_said(chromium: Browser, hostile: Path, tmp_path: Path) -> None:
    import shutil

    copied = tmp_path / "copied"
    shutil.copytree(hostile / "gallery", copied / "gallery")
    (copied / "gallery" / "data" / "rows" / "0000.js").unlink()
    chromium.driver.get((copied / "gallery" / "index.html").as_uri())
    chromium.until("document.getElementById('count').textContent.includes('0000.js cannot be read')")
    assert any("ERR_FILE_NOT_FOUND" in said for said in chromium.console())
