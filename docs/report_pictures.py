"""Pictures of pages, as they look on a wide screen and on a phone, in light and dark.

python docs/report_pictures.py report=runs/mine/report.html analysis=analysis/fsdd/report.html

writes ``pictures/report.webp`` and ``pictures/report-phone.webp``, and so on. Needs Chromium, Playwright and Pillow.
"""

import shutil
import sys
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

OUT = Path(__file__).parent / "pictures"
# By suffix: width of the window, height of what is shown of the page, and scale of the picture.
SCREENS = {"": (1280, 1900, 0.55), "-phone": (390, 1900, 0.8)}
GAP = 12


def main() -> None:
    """Write them."""
    with sync_playwright() as playwright:
        flags = ("--no-sandbox", "--disable-gpu")
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=flags)
        for word in sys.argv[1:]:
            name, _, page = word.partition("=")
            for suffix, screen in SCREENS.items():
                beside(browser, Path(page), *screen).save(OUT / f"{name}{suffix}.webp", quality=70, method=6)


def beside(browser: Browser, page: Path, width: int, height: int, scale: float) -> Image.Image:
    """Return the top of a page in light and in dark, side by side."""
    both = Image.new("RGB", (2 * width + GAP, height), "white")
    for place, scheme in enumerate(("light", "dark")):
        tab = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
        tab.goto(page.resolve().as_uri())
        tab.wait_for_timeout(500)
        both.paste(Image.open(BytesIO(tab.screenshot())), (place * (width + GAP), 0))
        tab.close()
    return both.resize((round(both.width * scale), round(both.height * scale)), Image.Resampling.LANCZOS)


if __name__ == "__main__":
    main()
