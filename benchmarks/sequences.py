"""Digit error rate of ``predict --segment`` on sequences of FSDD's test clips, in silence and in noise.

    python benchmarks/sequences.py MODEL --fsdd FOLDER --noise FOLDER
    python benchmarks/sequences.py MODEL --fsdd FOLDER --noise FOLDER --voices theo    a voice the model never heard

A sequence is twelve clips of one voice (indices 0-4) with pauses of 0.15-0.6 s. Noise is a stretch of one recording;
the ratio is of the mean power of the clips to that of the noise. Errors are insertions, deletions and substitutions,
over the digits spoken.
"""

import argparse
import time
from pathlib import Path

import numpy as np

from audiomnist.audio import read, resample
from audiomnist.inference.opening import open_model

N_DIGITS = 12
RATE_HZ = 8_000


def errors(said: str, heard: str) -> int:
    """Return the edit distance."""
    row = list(range(len(heard) + 1))
    for place, digit in enumerate(said, 1):
        before, row[0] = row[0], place
        for other, guess in enumerate(heard, 1):
            before, row[other] = row[other], min(row[other] + 1, row[other - 1] + 1, before + (digit != guess))
    return row[-1]


def sequence(clips: dict[tuple[int, str, int], np.ndarray], voice: str, draw: np.random.Generator):
    said, parts, power = "", [], []
    for _ in range(N_DIGITS):
        digit, index = int(draw.integers(10)), int(draw.integers(5))
        clip = clips[digit, voice, index]
        said += str(digit)
        power.append(clip)
        parts += [np.zeros(int(draw.uniform(0.15, 0.6) * RATE_HZ), np.float32), clip]
    parts.append(np.zeros(int(draw.uniform(0.15, 0.6) * RATE_HZ), np.float32))
    return said, np.concatenate(parts), float(np.mean(np.concatenate(power) ** 2))


def noisy(samples, power, noises, snr_db, draw):
    noise = noises[int(draw.integers(len(noises)))]
    start = int(draw.integers(len(noise) - len(samples)))
    noise = noise[start : start + len(samples)]
    return samples + noise * np.float32(np.sqrt(power / np.mean(noise**2) * 10 ** (-snr_db / 10)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--fsdd", type=Path, required=True)
    parser.add_argument("--noise", type=Path, required=True)
    parser.add_argument("--voices", nargs="+", help="all by default")
    parser.add_argument("--sequences", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--show", action="store_true", help="print what was said and heard where they differ")
    options = parser.parse_args()
    recognizer = open_model(options.model)
    clips = {}
    for file in sorted(options.fsdd.glob("*_[0-4].wav")):
        digit, voice, index = file.stem.split("_")
        clips[int(digit), voice, int(index)] = np.asarray(read(file)[0])
    voices = options.voices or sorted({voice for _, voice, _ in clips})
    noises = [np.asarray(resample(*read(file), RATE_HZ)) for file in sorted(options.noise.glob("*.flac"))]
    noises += [np.asarray(resample(*read(file), RATE_HZ)) for file in sorted(options.noise.glob("*.wav"))]
    print(f"{options.sequences} sequences of {N_DIGITS} digits, {', '.join(voices)}, {recognizer.name}")
    for name, snr_db in (("silence", None), ("noise 20 dB", 20), ("noise 10 dB", 10)):
        draw = np.random.default_rng([options.seed, snr_db or 0])
        wrong = total = 0
        kinds = {"too many": 0, "too few": 0}
        seconds = taken = 0.0
        for number in range(options.sequences):
            said, samples, power = sequence(clips, voices[number % len(voices)], draw)
            if snr_db is not None:
                samples = noisy(samples, power, noises, snr_db, draw)
            started = time.perf_counter()
            heard = recognizer.segment(samples, RATE_HZ).digits
            taken += time.perf_counter() - started
            seconds += len(samples) / RATE_HZ
            wrong += errors(said, heard)
            total += len(said)
            kinds["too many"] += max(0, len(heard) - len(said))
            kinds["too few"] += max(0, len(said) - len(heard))
            if options.show and said != heard:
                print(f"  said {said}  heard {heard}")
        print(
            f"{name:12} digit error rate {wrong / total:.3f}  ({kinds['too many']} too many, {kinds['too few']} too "
            f"few of {total}; {seconds / taken:,.0f} times real time)"
        )


if __name__ == "__main__":
    main()
