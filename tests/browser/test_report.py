"""The run report in a real browser: it opens without a network and shows what it holds."""

from checkout import SNAKEMAKE, Checkout
from chromium import Browser


def test_report_opens_and_shows_tables_and_pictures(chromium: Browser, run: Checkout) -> None:
    run.command("report", "--", *SNAKEMAKE, *run.overlay(), "--profile", "profiles/local", "--cores", "2")
    chromium.driver.get("about:blank")
    chromium.requested().clear()
    chromium.driver.get(run.path("results/report.html").as_uri())
    chromium.until("document.body.innerText.includes('UnicEdit pipeline')")
    assert {"Dataset", "Run", "Tables"} <= set(chromium.text("body").split())
    for name, kind in (
        ("results/report/tables/table3.html", "html"),
        ("results/report/record.html", "html"),
        ("results/tables/table3.png", "img"),
    ):
        chromium.run(
            "app.setView({content: arguments[1], contentPath: results[arguments[0]].data_uri, resultPath: arguments[0]})", name, kind
        )
        if kind == "img":
            chromium.until("[...document.images].some((image) => image.naturalWidth > 500)")
        else:
            chromium.until("document.querySelector('iframe') !== null")
            chromium.driver.switch_to.frame(0)
            chromium.until("document.querySelectorAll('tr').length > 5")
            chromium.driver.switch_to.default_content()
    assert [url for url in chromium.requested() if not url.startswith(("file://", "data:", "about:"))] == []
