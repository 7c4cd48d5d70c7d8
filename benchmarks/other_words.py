"""Have synthetic voices say words that are no digits: python benchmarks/other_words.py --out FOLDER [--held-out]

The words to train "no digit" on, by the voices that 'audiomnist synth' has with both engines; or, held out, other
words by other voices to test it with. None is a digit or sounds the same; many rhyme with one. Needs flite.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from audiomnist.synthesis.synthesize import speak_word
from audiomnist.synthesis.voices import SAMPLE_RATE_HZ, cast

LETTERS = "A B C D E F G H I J K L M N P Q R S T U V W X Y Z"
NUMBERS = (
    "ten eleven twelve thirteen fifteen sixteen seventeen nineteen twenty thirty fifty sixty seventy ninety hundred "
    "thousand million first second third last"
)
WORDS = (
    "yes no on off stop go left right up down back forward follow learn cat dog bird bed house happy wow visual "
    "please thanks hello goodbye sorry okay open close start end play pause next previous again help cancel enter "
    "delete call number name phone mail home work school city street water coffee bread apple orange lemon sugar "
    "butter milk cheese salt soup table chair window door floor wall room kitchen garden tree-house bottle glass "
    "paper pencil book letter story music song film picture colour red green blue yellow black white brown purple "
    "mother father sister brother baby child woman man people friend doctor teacher police monday tuesday "
    "wednesday saturday sunday january march april june august october december morning evening night today "
    "tomorrow summer winter spring minute hour week month year sun moon star rain snow wind storm river lake sea "
    "mountain forest flower grass leaf stone fire car bus train plane boat bicycle road bridge station airport "
    "ticket big small long short fast slow high low hot cold warm new old good bad young hard soft light heavy "
    "eat drink sleep walk run jump sit stand talk speak listen read write look find give take make come see know "
    "think the and that this with from have what when where who why how all some more many other about into over "
    "under fine line nice like time side life wife knife ice eye my by sky buy try key tea free me he we be piece "
    "seat do you zoo food cool soon rule fun done much luck gun sick fix mix ship fish fill kick miss him late "
    "gate wait game day say face place store sport fork force corn horse ball saw law heaven seventh-day "
    "send said head dead hero zebra arrow narrow echo potato radio"
)
HELD_OUT = (
    "backward marvin sheila chicken dollar eagle engine feather finger ginger hammer island jacket kitten ladder "
    "market needle ocean paint quick rabbit salad tiger uncle valley whisper yesterday zipper basket camera "
    "dinner elephant football guitar hospital insect jungle kettle language machine nothing office parrot "
    "question river-bank sandwich telephone umbrella village weather family because before every never always "
    "tea-time pie guy tie cry dry wide mile smile dime lime vine she knee bee feet deep sheep true few shoe son "
    "ton cup love nut sticks tricks bricks fit tip lip rate state cake pay may pour shore core north fall kevin "
    "devil medal sense sparrow pillow meadow"
)
TRAINED_ON = f"{LETTERS} {NUMBERS} {WORDS}"
N_WORDS_A_VOICE = 40
N_PHRASES_A_VOICE = 5
N_WORDS_A_PHRASE = 5


def recordings(*, held_out: bool) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Yield a name and a clip at 48 kHz, float32 array [L]: for every voice some words, and phrases of them."""
    words = (HELD_OUT if held_out else TRAINED_ON).split()
    stream = np.random.default_rng(int(held_out))
    for voice in cast(int(held_out), ("espeak", "flite")):
        said = stream.permutation(words)[:N_WORDS_A_VOICE].tolist()
        clips = [speak_word(voice, word.replace("-", " "), stream) for word in said]
        for number in range(N_PHRASES_A_VOICE):
            chosen = stream.choice(len(clips), N_WORDS_A_PHRASE).tolist()
            yield f"phrase{number}-{voice.speaker:02d}", np.concatenate([clips[place] for place in chosen])
        for word, clip in zip(said, clips, strict=True):
            yield f"{word}-{voice.speaker:02d}", clip


def main() -> None:
    """Write WAV files."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--held-out", action="store_true")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name, clip in recordings(held_out=arguments.held_out):
        soundfile.write(arguments.out / f"{name}.wav", clip, SAMPLE_RATE_HZ, subtype="PCM_16")


if __name__ == "__main__":
    main()
