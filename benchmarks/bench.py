"""Measure the program against the limits of the machine it runs on, all in one run.

    make bench                                                   3,000 synthetic clips
    python benchmarks/bench.py --repetitions 50                  30,000 clips, AudioMNIST's shape
    python benchmarks/bench.py --compare benchmarks/out/old.json

Every figure stands beside a limit measured in the same run: machines differ and are noisy, so the ratio is what counts.
"""

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table
from torch.nn import functional

from audiomnist.config import Config, load, version_path
from audiomnist.corpus import Corpus, scan, split
from audiomnist.corpus.synthesis import synthesize
from audiomnist.device import autocast
from audiomnist.features import FeatureStore, prepare
from audiomnist.features.audio import import_torchaudio, read, resample
from audiomnist.training.dataset import with_window
from audiomnist.training.trainer import Trainer, predict_logits

OUT = Path(__file__).parent / "out"
ROUNDS = 3
CPU = torch.device("cpu")


@dataclass(frozen=True)
class Figure:
    """A measured rate and the rate it is held against."""

    name: str
    value: float
    unit: str
    against: str
    limit: float

    @property
    def ratio(self) -> float:
        return self.value / self.limit


def paired_rates(count: int, work: Callable[[], object], limit: Callable[[], object]) -> tuple[float, float]:
    """Return the median rates of two ways through ``count`` items, timed in turn after a warm-up of each."""
    seconds: dict[Callable[[], object], list[float]] = {work: [], limit: []}
    for attempt in range(ROUNDS + 1):
        for timed, taken in seconds.items():
            started = time.perf_counter()
            timed()
            if attempt:
                taken.append(time.perf_counter() - started)
    return count / statistics.median(seconds[work]), count / statistics.median(seconds[limit])


def bench_prep(corpus: Corpus, config: Config) -> Figure:
    """Time prep on all cores against one process that calls soundfile and torchaudio clip by clip."""
    some = corpus.select(range(0, len(corpus), max(1, len(corpus) // 3000)))
    features = config.features
    mel = import_torchaudio().transforms.MelSpectrogram(
        features.sample_rate,
        n_fft=features.n_fft,
        hop_length=features.hop_length,
        n_mels=features.n_mels,
        pad_mode="constant",
    )

    def ours() -> None:
        with tempfile.TemporaryDirectory() as folder:
            prepare(some, features, folder=Path(folder))

    def clip_by_clip() -> None:
        for clip in range(len(some)):
            mel(resample(*read(some.file(clip)), features.sample_rate))

    ours_rate, plain_rate = paired_rates(len(some), ours, clip_by_clip)
    return Figure("prep", ours_rate, "clips/s", "soundfile + torchaudio, clip by clip", plain_rate)


def bench_training(version: str, corpus: Corpus) -> list[Figure]:
    """Time the whole loop, and what makes its batches, against the bare step on one ready batch."""
    config = load(version_path(version))
    store = prepare(corpus, config.features, folder=OUT / "stores")
    parts = split(corpus, config.split, config.seed)
    trainer = Trainer(with_window(config, store, parts.train), corpus, store, parts, CPU)
    n_clips = len(trainer.train_clips)
    batches = list(trainer._batches())
    clips, draws = batches[0]
    inputs, labels = trainer.front_end.train(clips, draws).contiguous(), trainer.labels[clips]
    optimizer = torch.optim.AdamW(trainer.model.parameters(), lr=1e-6, fused=True)
    trainer.scheduler.step = lambda: None

    def bare_step() -> None:
        trainer.model.train()
        for _ in batches:
            with autocast(trainer.device):
                logits = trainer.model(inputs).float()
            loss = functional.cross_entropy(logits, labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    def make_batches() -> None:
        for clips, draws in batches:
            trainer.front_end.train(clips, draws)

    loop, step = paired_rates(n_clips, trainer._train_epoch, bare_step)
    ready, step_again = paired_rates(n_clips, make_batches, bare_step)
    against = f"bare step, batch {config.optim.batch_size}"
    return [
        Figure(f"training loop, {version}", loop, "clips/s", against, step),
        Figure(f"batches alone, {version}", ready, "clips/s", against, step_again),
    ]


def bench_evaluation(corpus: Corpus, store: FeatureStore) -> Figure:
    """Time testing every clip against the network alone on a ready batch."""
    config = load(version_path("v2"))
    trainer = Trainer(config, corpus, store, split(corpus, config.split, config.seed), CPU)
    clips = torch.arange(len(store))
    inputs = trainer.front_end.test(clips[:256]).contiguous()

    @torch.inference_mode()
    def network_alone() -> None:
        trainer.model.eval()
        for start in range(0, len(store), 256):
            trainer.model(inputs[: len(store) - start])

    whole, network = paired_rates(
        len(store), lambda: predict_logits(trainer.model, trainer.front_end, clips), network_alone
    )
    return Figure("evaluation, v2", whole, "clips/s", "bare network, batch 256", network)


def bench_start_up() -> tuple[Figure, list[str]]:
    """Time ``audiomnist --help`` against ``import torch``; also return which heavy packages it imported."""
    program = (
        "import sys; from typer.testing import CliRunner; from audiomnist.cli.app import app;"
        "CliRunner().invoke(app, ['--help']);"
        "print([name for name in ('torch', 'torchaudio', 'sklearn', 'scipy', 'matplotlib') if name in sys.modules])"
    )
    imported = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout

    def run(*arguments: str) -> Callable[[], object]:
        return lambda: subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=True)

    ours, torch_alone = paired_rates(1, run("-m", "audiomnist", "--help"), run("-c", "import torch"))
    return Figure("audiomnist --help", 1 / ours, "s", "import torch", 1 / torch_alone), json.loads(
        imported.replace("'", '"')
    )


def report(figures: list[Figure], compared: dict[str, float]) -> Table:
    """Return the figures as a table, beside those of an earlier run."""
    table = Table("what", "figure", "unit", "limit", "of", "ratio", *(["ratio before"] if compared else []))
    for figure in figures:
        digits = 2 if figure.unit == "s" else 0
        row = [
            figure.name,
            f"{figure.value:,.{digits}f}",
            figure.unit,
            f"{figure.limit:,.{digits}f}",
            figure.against,
            f"{figure.ratio:.2f}",
        ]
        table.add_row(*row, *([f"{compared.get(figure.name, float('nan')):.2f}"] if compared else []))
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=5, help="clips of each digit by each of 60 voices")
    parser.add_argument("--json", type=Path, default=OUT / "bench.json", help="where to write the figures")
    parser.add_argument("--compare", type=Path, help="figures of an earlier run")
    options = parser.parse_args()
    compared = {}
    if options.compare:
        compared = {figure["name"]: figure["ratio"] for figure in json.loads(options.compare.read_text())["figures"]}

    root = OUT / f"synthetic-60x{options.repetitions}"
    if not root.exists():
        synthesize(root, speakers=60, repetitions=options.repetitions)
    corpus, config = scan(root), load(version_path("v2"))
    start_up, imported = bench_start_up()
    figures = [start_up, bench_prep(corpus, config)]
    store = prepare(corpus, config.features, folder=OUT / "stores")
    for version in ("v2", "v3", "v4"):
        figures += bench_training(version, corpus)
    figures.append(bench_evaluation(corpus, store))

    console = Console(highlight=False)
    console.print(report(figures, compared))
    console.print(f"audiomnist --help imports, of the heavy packages: {', '.join(imported) or 'none'}")
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    console.print(f"{len(corpus):,} clips, {os.cpu_count()} cores, torch {torch.__version__}, peak {peak_mb:,.0f} MB")
    document = {
        "machine": {"cpu": platform.processor() or platform.machine(), "cores": os.cpu_count()},
        "torch": torch.__version__,
        "clips": len(corpus),
        "peak_mb": peak_mb,
        "help_imports": imported,
        "figures": [{**asdict(figure), "ratio": figure.ratio} for figure in figures],
    }
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
