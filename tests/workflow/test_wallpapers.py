"""Whoever reads only the README gets a gallery of a folder of photographs: those of a Debian package of wallpapers, which are nobody's test data."""

import csv
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from PIL import Image

from checkout import Checkout

pytestmark = pytest.mark.workflow

PACKAGE = "mate-backgrounds"  # 46 MB; photographs in nature/, up to 2560 x 1600
PHOTOGRAPHS = "usr/share/backgrounds/mate/nature"
ENOUGH = 6
SECONDS = 240


@pytest.fixture(scope="module")
def wallpapers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photographs of the package, as installed, or fetched by apt into a folder of the test."""
    installed = Path("/") / PHOTOGRAPHS
    if installed.is_dir():
        return installed
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        pytest.skip(f"there is no apt-get here to fetch {PACKAGE} with, and it is not installed")
    folder = tmp_path_factory.mktemp("package")
    try:
        done = subprocess.run(["apt-get", "download", PACKAGE], cwd=folder, capture_output=True, text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        pytest.skip(f"apt-get did not fetch {PACKAGE} within {SECONDS} s")
    packages = list(folder.glob("*.deb"))
    if done.returncode != 0 or not packages:
        pytest.skip(f"apt-get cannot fetch {PACKAGE} here: {(done.stderr.strip() or 'no package').splitlines()[-1]}")
    subprocess.run(["dpkg-deb", "--extract", packages[0].name, "."], cwd=folder, check=True)
    return folder / PHOTOGRAPHS


def test_the_readmes_one_line_makes_a_gallery_of_a_folder_of_photographs(wallpapers: Path, tmp_path: Path) -> None:
    run = Checkout.fresh(tmp_path / "checkout")
    pictures = tmp_path / "My Pictures"
    pictures.mkdir()
    chosen = sorted(wallpapers.glob("*.jpg"))[:ENOUGH]
    assert len(chosen) == ENOUGH
    for path in chosen:
        shutil.copy(path, pictures)
    (line,) = re.findall(r"^    (make photos PHOTOS=\S+)$", run.path("README.md").read_text(encoding="utf-8"), flags=re.M)
    typed = line.replace("/path/to/your/pictures", shlex.quote(str(pictures)))
    assert typed != line
    # without the installation, in the environment of the tests
    done = subprocess.run(
        ["bash", "-c", f"{typed} -o install BIN={shlex.quote(str(Path(sys.executable).parent))}"],
        cwd=run.folder,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    assert "results-photos/gallery/index.html" in "".join(done.stdout.split()), "the last words say where to look"
    gallery = run.path("results-photos/gallery")
    assert "<script" in (gallery / "index.html").read_text(encoding="utf-8")
    shown = "".join(path.read_text(encoding="utf-8") for path in sorted((gallery / "data/rows").iterdir()))
    for path in chosen:
        assert path.name in shown, "each photograph is there to be looked at"
    leaves = sorted((gallery / "data/pictures").rglob("*.webp"))
    with Image.open(leaves[0]) as picture:
        assert min(picture.size) > 100
    edits = [
        row
        for path in sorted(run.folder.glob("results-photos/edit/*.parquet"))
        for row in pq.read_table(path, columns=["status"]).to_pylist()
    ]
    with run.path("results-photos/dataset/census.csv").open() as stream:
        kept = sum(int(row["n"]) for row in csv.DictReader(stream) if (row["stage"], row["dimension"]) == ("dataset", "all"))
    assert len(edits) >= kept >= ENOUGH
