"""Check methods of explanation, those of the program and Grad-CAM: python benchmarks/explanations.py MODEL --data fsdd

Grad-CAM: Selvaraju et al., "Grad-CAM: visual explanations from deep networks via gradient-based localization",
ICCV 2017.
"""

import argparse
import time
from collections.abc import Iterator

import numpy as np
import torch
from captum.attr import LayerAttribution, LayerGradCam
from torch import nn

from audiomnist.corpus import Corpus, scan
from audiomnist.corpus.places import locate
from audiomnist.evaluation.explanation import Explainer
from audiomnist.evaluation.relevance import METHODS
from audiomnist.inference.opening import weights_file
from audiomnist.inference.torch_recognizer import TorchRecognizer

BLOCKS_BEFORE_END = {"gradcam, last block": 1, "gradcam, a stage before": 3, "gradcam, two stages before": 5}


def gradcam(network: nn.Module, inputs: torch.Tensor, target: int, block: int) -> torch.Tensor:
    """Return the relevance of a layer's places, drawn out to those of the input."""
    found = LayerGradCam(network, network.blocks[-block]).attribute(inputs, target=target)
    return LayerAttribution.interpolate(found.detach(), inputs.shape[2:], "bilinear")


def chosen(corpus: Corpus, digit: int, n_clips: int) -> Iterator[int]:
    """Yield the first clip of a digit by one speaker, the second by another one, and so on."""
    speakers = sorted(set(corpus.speakers.tolist()))
    for number in range(n_clips):
        spoken = np.flatnonzero(
            (corpus.digits == digit) & (corpus.speakers == speakers[(digit + 2 * number) % len(speakers)])
        )
        yield int(spoken[np.argsort(corpus.repetitions[spoken], kind="stable")][number])


def main() -> None:
    """Print a line per method."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("--data", default="fsdd")
    parser.add_argument("--clips", type=int, default=3, help="of each digit")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    recognizer = TorchRecognizer.load(weights_file(arguments.model), torch.device("cpu"))
    for name, block in BLOCKS_BEFORE_END.items():
        METHODS[name] = lambda network, inputs, target, block=block: gradcam(network, inputs, target, block)
    corpus = scan(locate(arguments.data))
    clips = [clip for digit in range(10) for clip in chosen(corpus, digit, arguments.clips)]
    print(f"{len(clips)} clips; likeliest digit of each")
    print("| method | probability | relevant tenth hidden | another tenth | random weights | checks hold | s a clip |")
    print("|---|---|---|---|---|---|---|")
    for method in METHODS:
        explainer, started = Explainer(recognizer, method), time.process_time()
        found = [explainer.explain(corpus.file(clip)).explanations[0].checks for clip in clips]
        means = np.mean([list(vars(one).values()) for one in found], axis=0)
        seconds = (time.process_time() - started) / len(clips)
        numbers = " | ".join(f"{value:.3f}" for value in (*means, np.mean([one.hold for one in found])))
        print(f"| {method} | {numbers} | {seconds:.2f} |", flush=True)


if __name__ == "__main__":
    main()
