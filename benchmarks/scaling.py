"""Time and memory of every stage against the number of clips: python benchmarks/scaling.py

Up to 30,000 clips are synthetic ones; 300,000 are hard links to them under further speakers. Every stage runs in a
process of its own, which may hold 3 GB of its own memory. Linux only.
"""

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from audiomnist.corpus import scan
from audiomnist.reports.drawing import FIRST, INK, SECOND, SOFT, drawn, new_figure, save_figure
from audiomnist.synthesis.synthesize import synthesize
from suite import stages
from suite.measuring import Usage, machine, run_child
from suite.reporting import write

if TYPE_CHECKING:
    from matplotlib.figure import Figure

OUT = Path(__file__).parent / "out"
PICTURE = Path(__file__).parents[1] / "docs" / "pictures" / "scaling.png"
REPETITIONS = 50
SHOWN = ("scan", "prep", "train", "test")
_MEMORY_MB = (300, 1_000, 3_000, 10_000)
NAMES = {"train": "an epoch of v2", "test": "evaluation, v2"}


@dataclass(frozen=True)
class Measured:
    """A stage over so many clips; ``seconds`` are those of the stage, ``usage`` is of the whole process."""

    stage: str
    clips: int
    seconds: float
    usage: Usage


def linked_corpus(base: Path, root: Path, n_clips: int) -> Path:
    """Make a corpus of hard links: some of the clips of ``base``, or all of them several times, as other speakers."""
    corpus = scan(base)
    files = [corpus.file(clip).resolve() for clip in range(len(corpus))]
    folders: set[Path] = set()
    for number in range(n_clips):
        copy, clip = divmod(number, len(corpus)) if n_clips > len(corpus) else (0, number * len(corpus) // n_clips)
        speaker = f"{corpus.speakers[clip]}x{copy}"
        folder = root / speaker
        if folder not in folders:
            folder.mkdir(parents=True)
            folders.add(folder)
        name = f"{corpus.digits[clip]}_{speaker}_{corpus.repetitions[clip]}.wav"
        (folder / name).hardlink_to(files[clip])
    return root


def measure(base: Path, n_clips: int) -> list[Measured]:
    """Run every stage over a corpus of so many clips."""
    with tempfile.TemporaryDirectory(dir=OUT) as folder:
        root = linked_corpus(base, Path(folder, "clips"), n_clips)
        measured = []
        for stage in stages.STAGES:
            if stage == "prep again":
                next(root.glob("*/*.wav")).unlink()  # what is known of the others is copied
            usage, printed = run_child(stages.__file__, stage, str(root), environment={"AUDIOMNIST_HOME": folder})
            measured.append(Measured(stage, n_clips, float(printed), usage))
            print(
                f"{n_clips:,} clips, {stage}: {measured[-1].seconds:.2f} s, "
                f"{usage.own_mb:,.0f} MB of its own, {usage.mapped_mb:,.0f} MB of files",
                flush=True,
            )
    return measured


@drawn
def scaling_figure(measured: Sequence[Measured]) -> "Figure":
    """Draw seconds and the memory of a stage's own against clips; of training the pages of mapped files as well."""
    figure = new_figure(3.3, 6.4)
    times, memory = figure.subplots(1, 2)
    colours = dict(zip(SHOWN, (SOFT, SECOND, FIRST, INK), strict=True))
    for stage in SHOWN:
        of_stage = [one for one in measured if one.stage == stage]
        clips = [one.clips for one in of_stage]
        style = {"color": colours[stage], "markersize": 4}
        times.plot(clips, [one.seconds for one in of_stage], "o-", label=NAMES.get(stage, stage), **style)
        memory.plot(clips, [one.usage.own_mb for one in of_stage], "o-", **style)
    trained = [one for one in measured if one.stage == "train"]
    memory.plot(
        [one.clips for one in trained],
        [one.usage.mapped_mb for one in trained],
        "o:",
        color=colours["train"],
        markersize=3,
        label="the epoch's mapped files",
    )
    bare = min(one.usage.own_mb for one in measured if one.stage == "imports")
    memory.axhline(bare, color=SOFT, linestyle="--", linewidth=1, label="imports alone, own")
    sizes = sorted({one.clips for one in measured})
    for axes, quantity in ((times, "seconds"), (memory, "memory of its own, MB")):
        axes.set(xscale="log", yscale="log", xlabel="clips", title=quantity)
        axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
        axes.set_xticks([], minor=True)
        axes.grid(alpha=0.6)
    memory.set_ylim(200, 12_000)
    memory.set_yticks(_MEMORY_MB, [f"{megabytes:,}" for megabytes in _MEMORY_MB])
    memory.set_yticks([], minor=True)
    figure.legend(loc="outside lower center", ncols=3, fontsize=8.5)
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, nargs="+", default=[3_000, 30_000, 300_000])
    parser.add_argument("--picture", type=Path, default=PICTURE)
    parser.add_argument("--json", type=Path, default=OUT / "scaling.json", help="where to write the figures")
    options = parser.parse_args()
    base = OUT / f"synthetic-60x{REPETITIONS}"
    if not base.exists():
        synthesize(base, speakers=60, repetitions=REPETITIONS)
    measured = [one for n_clips in sorted(options.clips) for one in measure(base, n_clips)]
    write(options.json, {"machine": machine(), "stages": [asdict(one) for one in measured]})
    save_figure(scaling_figure(measured), options.picture)


if __name__ == "__main__":
    main()
