"""Pictures of the browser page in use: python docs/page_pictures.py MODEL FOLDER_OF_FSDD.

The browser's microphone plays recordings of FSDD. Needs Chromium, Playwright and Pillow.
"""

import shutil
import sys
import tempfile
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import torch
from PIL import Image
from playwright.sync_api import sync_playwright

from audiomnist.inference.opening import weights_file
from audiomnist.page.export import export_html
from audiomnist.training.checkpoint import load_model

OUT = Path(__file__).parent / "pictures"
SAID = "4021"
RATE = 8_000
FLAGS = ("--no-sandbox", "--disable-gpu", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")


def main() -> None:
    """Write them."""
    model, corpus = sys.argv[1], Path(sys.argv[2])
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        export_html(load_model(weights_file(model), torch.device("cpu")), Path(folder, "page.html"))
        number, one = Path(folder, "number.wav"), Path(folder, "one.wav")
        say(corpus, SAID, number, pause_s=0.45)
        say(corpus, SAID[0], one, pause_s=0.8)
        url = Path(folder, "page.html").as_uri()

        def opened(heard: Path, width: int, height: int, scheme: Any) -> Any:
            flags = [*FLAGS, f"--use-file-for-fake-audio-capture={heard}"]
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=flags)
            page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
            page.goto(url)
            page.wait_for_timeout(3_000)
            return page

        page = opened(number, 1040, 860, "light")
        frames = [picture(page)]
        page.get_by_role("button", name="Keep listening").click()
        for _ in range(9):
            page.wait_for_timeout(350)
            frames.append(picture(page))
        save(picture(page, full_page=True), "page.png", 96)
        page.context.browser.close()
        first, *others = [frame.resize((693, 573), Image.Resampling.LANCZOS) for frame in frames]
        first.save(OUT / "page.webp", save_all=True, append_images=others, duration=700, loop=0, quality=70, method=6)

        phones = []
        for scheme in ("light", "dark"):
            page = opened(one, 390, 1180, scheme)
            page.keyboard.down("Space")
            page.locator("#chances .best").wait_for()
            page.wait_for_timeout(500)
            if scheme == "dark":
                page.keyboard.up("Space")
                page.wait_for_timeout(900)
            phones.append(picture(page))
            page.context.browser.close()
        both = Image.new("RGB", (800, phones[0].height), "white")
        both.paste(phones[0], (0, 0))
        both.paste(phones[1], (410, 0))
        save(both, "page-phone.png", 96)


def say(corpus: Path, digits: str, path: Path, *, pause_s: float) -> None:
    """Write a recording of digits by one speaker, with pauses."""
    pause = np.zeros(int(pause_s * RATE))
    words = [soundfile.read(corpus / f"{digit}_theo_5.wav")[0] for digit in digits]
    soundfile.write(path, np.concatenate([pause, *(part for word in words for part in (word, pause))]), RATE)


def picture(page: Any, *, full_page: bool = False) -> Image.Image:
    """Return what the page looks like."""
    return Image.open(BytesIO(page.screenshot(full_page=full_page))).convert("RGB")


def save(image: Image.Image, name: str, n_colours: int) -> None:
    """Write a small file."""
    image.quantize(n_colours).save(OUT / name, optimize=True)


if __name__ == "__main__":
    main()
