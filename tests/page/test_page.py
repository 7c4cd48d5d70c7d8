"""The page in use: what is said into the microphone or opened, and what a person is told."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from audiomnist.inference.opening import weights_file
from audiomnist.page.export import export_html
from audiomnist.page.server import PageServer
from audiomnist.synthesis.espeak import SAMPLE_RATE_HZ, utter
from audiomnist.synthesis.voices import cast
from audiomnist.training.checkpoint import load_model
from tests.page.conftest import CPU, QUIET_BROWSER, RATE, Made, chromium_path, clip

DEVICE_RATE = 48_000
FAKE_DEVICE = "--use-fake-device-for-media-stream"


def pause(seconds: float, rate: int = RATE) -> Any:
    return np.random.default_rng(0).normal(0, 1e-4, int(seconds * rate)).astype(np.float32)


@pytest.fixture(scope="module")
def served(made: Made) -> Iterator[PageServer]:
    with PageServer(made.path.read_text(encoding="utf-8"), "127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(scope="module")
def hearing_chromium(driver: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A browser whose microphone hears a seven again and again."""
    path = tmp_path_factory.mktemp("microphone") / "seven.wav"
    seven = clip(7, 7, sample_rate=DEVICE_RATE)
    heard = np.concatenate([pause(0.4, DEVICE_RATE), seven, pause(0.8, DEVICE_RATE)])
    soundfile.write(path, heard, DEVICE_RATE)
    flags = [*QUIET_BROWSER, FAKE_DEVICE, f"--use-file-for-fake-audio-capture={path}"]
    browser = driver.chromium.launch(executable_path=chromium_path(), args=flags)
    yield browser
    browser.close()


@pytest.fixture
def open_page(served: PageServer) -> Iterator[Any]:
    """Open the page, and fail the test if it asks for anything, or if a script fails."""
    contexts, faults = [], []

    def note_request(request: Any) -> None:
        if request.url != served.url and not request.url.startswith(("data:", f"blob:{served.url}")):
            faults.append(f"request for {request.url}")

    def opened(browser: Any, *, may_listen: bool = False) -> Any:
        context = browser.new_context()
        if may_listen:
            context.grant_permissions(["microphone"])
        page = context.new_page()
        page.on("request", note_request)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
        page.goto(served.url)
        contexts.append(context)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert faults == []


def wait_for(page: Any, place: str, text: str) -> None:
    from playwright.sync_api import expect

    expect(page.locator(place)).to_contain_text(text, timeout=20_000)


def open_sound(page: Any, path: Path, samples: Any, rate: int = RATE) -> None:
    soundfile.write(path, samples, rate)
    page.set_input_files("#file", path)


@pytest.mark.parametrize("kind", ["wav", "flac"])
def test_opened_file(kind: str, chromium: Any, open_page: Any, tmp_path: Path) -> None:
    page = open_page(chromium)
    open_sound(page, tmp_path / f"four.{kind}", clip(4))
    wait_for(page, "#said", "Four, ")
    assert page.inner_text("#digit") == "4"
    assert page.inner_text("#chances .best b") == "4"
    assert " ms" in page.inner_text("#latency")
    assert page.locator("#answers li").count() == 1


def test_a_lossy_file_is_recognised(chromium: Any, tmp_path: Path) -> None:
    """By the model that ships, as the small one knows nothing but the tones it was trained on."""
    export_html(load_model(weights_file("digits"), CPU), tmp_path / "digits.html")
    voice = cast(7)[0]
    four = utter("four", voice.variant, voice.accent, pitch=50, pitch_range=50, rate_wpm=140, noise_seed=0)
    page = chromium.new_page()
    page.goto((tmp_path / "digits.html").as_uri())
    open_sound(page, tmp_path / "four.ogg", four, SAMPLE_RATE_HZ)
    wait_for(page, "#said", "Four, ")
    assert page.inner_text("#digit") == "4"
    assert page.locator("#answers li").count() == 1
    page.close()


def test_opened_number(chromium: Any, open_page: Any, tmp_path: Path) -> None:
    page = open_page(chromium)
    said = [part for digit in (4, 0, 7, 1) for part in (clip(digit), pause(0.4))]
    open_sound(page, tmp_path / "number.wav", np.concatenate([pause(0.5), *said]))
    wait_for(page, "#digit", "4 0 7 1")


def test_files_that_hold_no_sound(chromium: Any, open_page: Any, tmp_path: Path) -> None:
    page = open_page(chromium)
    text, empty = tmp_path / "notes.txt", tmp_path / "empty.wav"
    text.write_text("seven", encoding="utf-8")
    empty.touch()
    page.set_input_files("#file", text)
    wait_for(page, "#problem", "notes.txt is not a sound file that this browser can read.")
    page.set_input_files("#file", empty)
    wait_for(page, "#problem", "empty.wav is empty.")
    open_sound(page, tmp_path / "none.wav", np.zeros(0))
    wait_for(page, "#problem", "none.wav holds no sound.")
    open_sound(page, tmp_path / "silent.wav", np.full(8_000, 1e-3))
    wait_for(page, "#problem", "almost silent")
    assert page.inner_text("#said") == "No digit was heard."
    open_sound(page, tmp_path / "two.wav", clip(2))
    wait_for(page, "#said", "Two, ")
    assert page.inner_text("#problem") == ""


def test_space_bar_held(hearing_chromium: Any, open_page: Any) -> None:
    page = open_page(hearing_chromium, may_listen=True)
    page.keyboard.down("Space")
    wait_for(page, "#chances .best", "7")
    page.wait_for_timeout(400)
    page.keyboard.up("Space")
    wait_for(page, "#said", "Seven")
    assert page.get_attribute("#talk", "aria-pressed") == "false"


def test_button_tapped(hearing_chromium: Any, open_page: Any) -> None:
    page = open_page(hearing_chromium, may_listen=True)
    page.focus("#talk")
    page.keyboard.press("Enter")
    wait_for(page, "#said", "Seven")


def test_listening_on(hearing_chromium: Any, open_page: Any) -> None:
    page = open_page(hearing_chromium, may_listen=True)
    page.get_by_role("button", name="Keep listening").click()
    wait_for(page, "#digit", "7 7")
    page.get_by_role("button", name="Stop listening").click()
    said = page.inner_text("#digit")
    page.wait_for_timeout(1_500)
    assert page.inner_text("#digit") == said


def test_microphone_refused(hearing_chromium: Any, open_page: Any) -> None:
    page = open_page(hearing_chromium)
    page.keyboard.press("Space")
    wait_for(page, "#problem", "The microphone was refused.")


def test_no_microphone(chromium: Any, open_page: Any) -> None:
    page = open_page(chromium, may_listen=True)
    page.keyboard.press("Space")
    wait_for(page, "#problem", "There is no microphone.")


def test_every_control_has_a_name(chromium: Any, open_page: Any) -> None:
    page = open_page(chromium)
    for role, name in [
        *(("button", "Hold and speak"), ("button", "Keep listening"), ("img", "Waveform of the last recording")),
        *(("heading", "Say a digit"), ("region", "Answer"), ("img", "Mel spectrogram of the last recording")),
    ]:
        assert page.get_by_role(role, name=name, exact=True).count() == 1, name
    assert page.get_by_label("Open a sound file").count() == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out(scheme: Any, chromium: Any, made: Made) -> None:
    page = chromium.new_page(color_scheme=scheme)
    page.goto(made.url)
    for place in ("h1", "header p", "#said", "#talk", "#listen", ".note", "#chances output", "#answers"):
        assert page.evaluate(CONTRAST, place) >= 4.5, place
    page.close()


CONTRAST = """
place => {
  const brightness = colour => {
    const [r, g, b] = colour.match(/[\\d.]+/g).map(value => value / 255)
      .map(value => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  let behind = document.querySelector(place);
  const ink = brightness(getComputedStyle(behind).color);
  while (getComputedStyle(behind).backgroundColor === "rgba(0, 0, 0, 0)") behind = behind.parentElement;
  const paper = brightness(getComputedStyle(behind).backgroundColor);
  return (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
}
"""


def test_no_sideways_scrolling_on_a_phone(chromium: Any, made: Made) -> None:
    page = chromium.new_page(viewport={"width": 390, "height": 844})
    page.goto(made.url)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.close()
