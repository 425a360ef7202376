"""A driven Chromium (Debian's packages chromium and chromium-driver), as the tests of pages use it."""

import json
import shutil
from pathlib import Path
from typing import Any

from selenium import webdriver

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--hide-scrollbars"),
)
DESKTOP, PHONE = (1440, 900), (390, 844)


class Browser:
    """A driven Chromium that remembers what it was asked to load and what its console said."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver
        self.loaded: list[str] = []

    def open(self, folder: Path, fragment: str = "", size: tuple[int, int] = DESKTOP, dark: bool = False) -> None:
        """Open a results folder's gallery in a window of that size, and wait until all rows are there."""
        self.window(size, dark)
        self.driver.get("about:blank")  # or another fragment of the same page would not load it anew
        self.driver.get((folder / "gallery" / "index.html").as_uri() + fragment)
        self.until("unicedit.complete && document.getElementById('count').textContent.endsWith('rows')")

    def window(self, size: tuple[int, int] = DESKTOP, dark: bool = False) -> None:
        """The window's size (narrow ones are a phone's), and what the reader's system asks for."""
        phone = size[0] < 600
        metrics = {"width": size[0], "height": size[1], "deviceScaleFactor": 2 if phone else 1, "mobile": phone}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        media = {"features": [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", media)

    def run(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(script, *arguments)

    def until(self, condition: str, seconds: float = 20) -> None:
        """Wait for a condition in the page; fails with what the page shows."""
        from selenium.common.exceptions import TimeoutException
        from selenium.webdriver.support.ui import WebDriverWait

        try:
            WebDriverWait(self.driver, seconds, poll_frequency=0.05).until(lambda driver: driver.execute_script(f"return {condition}"))
        except TimeoutException:
            raise AssertionError(f"never true: {condition}; shown: {self.text('body')[:500]!r}; console: {self.console()}") from None

    def settle(self) -> None:
        """Wait until what was asked for is drawn: two frames, for the page works in the next one."""
        self.driver.execute_async_script("const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(() => done()))")

    def text(self, selector: str) -> str:
        return str(self.run("return document.querySelector(arguments[0])?.innerText ?? ''", selector))

    def press(self, *keys: str) -> None:
        """Press keys, wherever the focus is."""
        from selenium.webdriver.common.action_chains import ActionChains

        ActionChains(self.driver).send_keys(*keys).perform()
        self.settle()

    def set(self, name: str, value: str) -> None:
        """Set a filter as its reader would: by its control."""
        self.run(
            "const one = document.querySelector(`#filters [name=${arguments[0]}]`); one.value = arguments[1];"
            "one.dispatchEvent(new Event('input', {bubbles: true}))",
            name,
            value,
        )
        self.settle()

    def shown(self) -> int:
        """How many rows the page says it shows."""
        return int(self.text("#count").split()[0].replace(",", ""))

    def console(self) -> list[str]:
        """What the console said since the last question, warnings and errors."""
        return [str(entry["message"]) for entry in self.driver.get_log("browser")]

    def requested(self) -> list[str]:
        """Every address that was loaded since the test began."""
        events = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        self.loaded += [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
        return self.loaded
