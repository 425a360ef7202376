"""A headless Chromium for the whole session, and the galleries it opens."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from chromium import CHROMIUM, DRIVER, FLAGS, Browser
from made_gallery import hostile_gallery, large_gallery


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    if not CHROMIUM or not DRIVER:
        pytest.skip("chromium is not installed: apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    yield Browser(driver)
    driver.quit()


@pytest.fixture
def browser(chromium: Browser) -> Iterator[Browser]:
    """The browser; afterwards nothing but files was loaded, and the console is empty."""
    chromium.driver.get("about:blank")
    chromium.console()
    chromium.requested().clear()
    yield chromium
    assert chromium.console() == []
    loaded = chromium.requested()
    assert [url for url in loaded if not url.startswith(("file://", "about:"))] == []
    assert any("gallery/index.html" in url for url in loaded)


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A results folder whose texts try to become markup, under a path of signs that addresses know."""
    results = tmp_path_factory.mktemp("hostile") / "it's 100% [mine] #1"
    hostile_gallery(results)
    return results


@pytest.fixture(scope="session")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A gallery of 10,000 rows."""
    results = tmp_path_factory.mktemp("large")
    large_gallery(results)
    return results
