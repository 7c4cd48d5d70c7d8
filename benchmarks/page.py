"""Whether the browser page answers as PyTorch and ONNX Runtime do, and how fast.

python benchmarks/page.py MODEL --data fsdd --clips 300     (needs Chromium and Playwright)
"""

import argparse
import io
import shutil
import tempfile
import time
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import torch
from numpy.typing import NDArray
from playwright.sync_api import sync_playwright

from audiomnist.audio import read, resample
from audiomnist.corpus import scan
from audiomnist.corpus.places import locate
from audiomnist.inference.export import export
from audiomnist.inference.onnx_recognizer import OnnxRecognizer
from audiomnist.inference.opening import weights_file
from audiomnist.inference.recognizer import Recognizer
from audiomnist.inference.torch_recognizer import TorchRecognizer
from audiomnist.page.export import export_html
from audiomnist.training.checkpoint import load_model

FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking")
ANSWER = """
async coded => {
  const bytes = Uint8Array.from(atob(coded), letter => letter.charCodeAt(0));
  const {samples, rate} = await readFile(new File([bytes], "clip.wav"));
  const started = performance.now();
  const {probabilities} = recognizer.answer(resample(samples, rate, recognizer.rate));
  return [probabilities, performance.now() - started];
}
"""
Answer = Callable[[Any], tuple[NDArray[np.float64], float]]


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--data", required=True)
    parser.add_argument("--clips", type=int, default=300)
    options = parser.parse_args()
    torch.set_num_threads(1)
    model = load_model(weights_file(options.model), torch.device("cpu"))
    rate = model.config.features.sample_rate
    corpus = scan(locate(options.data))
    chosen = np.linspace(0, len(corpus.paths) - 1, min(options.clips, len(corpus.paths))).astype(int)
    paths = [corpus.root / corpus.paths[number] for number in chosen]
    waveforms = [resample(*read(path), rate) for path in paths]
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        export(model, Path(folder, "model.onnx"), "onnx")
        export_html(model, Path(folder, "page.html"))
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page = browser.new_page()
        page.goto(Path(folder, "page.html").as_uri())
        in_page: Answer = lambda coded: tuple(page.evaluate(ANSWER, coded))  # noqa: E731
        reference = answers(by(TorchRecognizer(model, torch.device("cpu"))), waveforms)
        print(f"{len(paths)} clips of {options.data}, one at a time, one thread")
        print(f"{'':34}  largest difference  other digits  median ms  95 % below, ms")
        report("PyTorch", reference, reference)
        report("ONNX Runtime", answers(by(OnnxRecognizer(Path(folder, "model.onnx"))), waveforms), reference)
        report("page, clips at the model's rate", answers(in_page, [wav(one, rate) for one in waveforms]), reference)
        raw = [b64encode(path.read_bytes()).decode() for path in paths]
        report("page, the files, its own resampling", answers(in_page, raw), reference)
        browser.close()


def by(recognizer: Recognizer) -> Answer:
    """Return how a recogniser answers, and the time it takes in ms."""

    def answer(samples: NDArray[np.float32]) -> tuple[NDArray[np.float64], float]:
        started = time.perf_counter()
        (found,) = recognizer.answers([(samples, recognizer.answering.sample_rate)])
        return np.array(list(found.probabilities.values())), 1000 * (time.perf_counter() - started)

    return answer


def answers(answer: Answer, clips: list[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the probabilities of clips, and times in ms, after one that does not count."""
    answer(clips[0])
    probabilities, milliseconds = zip(*map(answer, clips), strict=True)
    return np.array(probabilities), np.array(milliseconds)


def report(name: str, found: tuple[NDArray[Any], NDArray[Any]], reference: tuple[NDArray[Any], NDArray[Any]]) -> None:
    """Print a row."""
    probabilities, milliseconds = found
    difference = np.abs(probabilities - reference[0]).max()
    others = int((probabilities.argmax(1) != reference[0].argmax(1)).sum())
    median, high = np.quantile(milliseconds, [0.5, 0.95])
    print(f"{name:34}  {difference:18.1e}  {others:12}  {median:9.1f}  {high:15.1f}")


def wav(samples: NDArray[np.float32], rate: int) -> str:
    """Return a recording as a file in base64, without rounding."""
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format="WAV", subtype="FLOAT")
    return b64encode(file.getvalue()).decode()


if __name__ == "__main__":
    main()
