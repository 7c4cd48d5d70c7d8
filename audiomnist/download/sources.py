"""The public corpora: where each comes from, how its files are named, and what a complete one holds."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from audiomnist.errors import UsageError, count, did_you_mean

Say = Callable[[str], None]
"""Called with one line of text when a stage begins or something went wrong and is tried again."""


def is_recording(path: str | Path) -> bool:
    """Tell recordings from other files by the end of their name."""
    return str(path).lower().endswith((".wav", ".flac"))


@dataclass(frozen=True)
class Source:
    """A corpus that can be downloaded.

    Files are recognised by the end of their path wherever they lie, so an archive of the repository, of its
    inner folder, or of loose clips all give the same corpus.

    Attributes
    ----------
    name : str
        What the user calls it.
    url : str
        Address of the archive of one version.
    clip : re.Pattern
        Full match of a clip's path in an archive.
    clip_path, group : str
        Where a clip lies in the corpus folder, and with which others it is counted: the pattern's groups in braces.
    expected : mapping of str to int
        Clips of each group in a complete corpus.
    companions : mapping of re.Pattern to str
        Files that belong to the corpus beside its clips, and where they lie.
    archive_bytes, unpacked_bytes : int
        About how much disk the archive and the corpus need.
    sha256 : str
        Of the archive, where its bytes never change.
    passed_over : re.Pattern or None
        Clips of the corpus that are not wanted here.
    """

    name: str
    url: str
    clip: re.Pattern[str] = field(repr=False)
    clip_path: str
    group: str
    expected: Mapping[str, int] = field(repr=False)
    companions: Mapping[re.Pattern[str], str] = field(repr=False)
    archive_bytes: int
    unpacked_bytes: int
    sha256: str = ""
    passed_over: re.Pattern[str] | None = field(default=None, repr=False)

    def place(self, path: str) -> str | None:
        """Return where in the corpus folder a file of an archive or folder belongs; None if it does not belong there.

        Only digits, names and numbers that the patterns match enter the result: it never leads outside.
        """
        for pattern, place in {self.clip: self.clip_path, **self.companions}.items():
            if match := pattern.fullmatch(path):
                return place.format(**match.groupdict())
        return None

    def is_clip(self, path: str) -> bool:
        """Tell a clip from everything else by its name."""
        return self.clip.fullmatch(path) is not None

    def is_stray(self, path: str) -> bool:
        """Tell a recording that fits nowhere; macOS archives keep a shadow ``._NAME`` of every file, which is none."""
        is_known = self.place(path) or (self.passed_over and self.passed_over.fullmatch(path))
        return is_recording(path) and not path.rpartition("/")[2].startswith("._") and not is_known

    def deviations(self, paths: Iterable[str]) -> list[str]:
        """Return a line for every group of clips, and every further file, in which paths differ from a whole corpus."""
        present = set(paths)
        found = Counter(
            self.group.format(**clip.groupdict()) for clip in map(self.clip.fullmatch, present) if clip is not None
        )
        missing = [place for place in self.companions.values() if "{" not in place and place not in present]
        return [f"{place} is missing" for place in missing] + [
            f"{group}: {count(found[group], 'clip')} instead of {self.expected.get(group, 0):,}"
            for group in sorted({*self.expected, *found})
            if found[group] != self.expected.get(group, 0)
        ]


def _pattern(text: str, flags: re.RegexFlag = re.IGNORECASE) -> re.Pattern[str]:
    """Return a pattern that matches a path, or what is behind one of its slashes."""
    return re.compile(f"(?:.*/)?{text}", re.ASCII | re.DOTALL | flags)


def grid(speakers: Iterable[str], repetitions: int) -> dict[str, int]:
    """Return what is expected of a corpus in which each speaker says each digit equally often."""
    return {f"speaker {speaker}, digit {digit}": repetitions for speaker in speakers for digit in range(10)}


_REPETITION = r"(?P<repetition>0|[1-9]\d{0,3})"

AUDIOMNIST = Source(
    name="audiomnist",
    url="https://github.com/soerenab/AudioMNIST/archive/8faa3bfa4c5c33f1336b9df97d9e50b19a7102a8.zip",
    clip=_pattern(rf"(?P<digit>\d)_(?P<speaker>\d\d)_{_REPETITION}\.wav"),
    clip_path="data/{speaker}/{digit}_{speaker}_{repetition}.wav",
    group="speaker {speaker}, digit {digit}",
    expected=grid([f"{number:02d}" for number in range(1, 61)], 50),
    companions={_pattern(r"audioMNIST_meta\.txt"): "data/audioMNIST_meta.txt"},
    archive_bytes=1_000_000_000,
    unpacked_bytes=2_000_000_000,
)

FSDD = Source(
    name="fsdd",
    url="https://github.com/Jakobovski/free-spoken-digit-dataset/archive/v1.0.10.zip",
    clip=_pattern(rf"(?P<digit>\d)_(?P<speaker>[a-z][a-z0-9-]*)_{_REPETITION}\.wav"),
    clip_path="recordings/{digit}_{speaker}_{repetition}.wav",
    group="speaker {speaker}, digit {digit}",
    expected=grid(("george", "jackson", "lucas", "nicolas", "theo", "yweweler"), 50),
    companions={},
    archive_bytes=20_000_000,
    unpacked_bytes=40_000_000,
)

# Clips of each word in version 0.02: Warden, arXiv 1804.03209, table 1.
_DIGITS = "zero 4052, one 3890, two 3880, three 3727, four 3728, five 4052, six 3860, seven 3998, eight 3787, nine 3934"
_OTHER_WORDS = (
    "backward 1664, bed 2014, bird 2064, cat 2031, dog 2128, down 3917, follow 1579, forward 1557, go 3880, "
    "happy 2054, house 2113, learn 1575, left 3801, marvin 2100, no 3941, off 3745, on 3845, right 3778, "
    "sheila 2022, stop 3872, tree 1759, up 3723, visual 1592, wow 2123, yes 4044"
)


def _speech_commands(counts: str, *, unpacked_bytes: int) -> Source:
    words = {word: int(count) for word, count in (entry.split() for entry in counts.split(", "))}
    clip = r"(?P<word>{})/(?P<speaker>[0-9a-z]+)_nohash_(?P<repetition>\d{{1,4}})\.(?P<suffix>wav|flac)"
    beside = ("validation_list.txt", "testing_list.txt", "LICENSE", "README.md")
    return Source(
        name="speech-commands",
        url="http://download.tensorflow.org/data/speech_commands_v0.02.tar.gz",
        clip=_pattern(clip.format("|".join(words)), re.NOFLAG),
        clip_path="{word}/{speaker}_nohash_{repetition}.{suffix}",
        group="{word}",
        expected=words,
        companions={
            _pattern(r"_background_noise_/(?P<name>\w[\w .-]*\.(wav|flac|md))"): "_background_noise_/{name}",
            **{_pattern(re.escape(name), re.NOFLAG): name for name in beside},
        },
        archive_bytes=2_430_000_000,
        unpacked_bytes=unpacked_bytes,
        sha256="af14739ee7dc311471de98f5f9d2c9191b18aedfe957f4a6ff791c709868ff58",
        passed_over=_pattern(clip.format("[a-z]+"), re.NOFLAG),
    )


SPEECH_COMMANDS = _speech_commands(_DIGITS, unpacked_bytes=1_250_000_000)
ALL_SPEECH_COMMANDS = _speech_commands(f"{_DIGITS}, {_OTHER_WORDS}", unpacked_bytes=3_400_000_000)

SOURCES = {source.name: source for source in (AUDIOMNIST, FSDD, SPEECH_COMMANDS)}


def find_source(name: str, *, words: str = "digits") -> Source:
    """Return the corpus of that name.

    Raises UsageError if there is none, or it has no other words.

    Parameters
    ----------
    words : str
        ``digits``, or ``all`` for the other words of Speech Commands as well.
    """
    if name not in SOURCES:
        known = ", ".join(SOURCES)
        raise UsageError(
            f"no corpus named '{name}' can be downloaded", did_you_mean(name, SOURCES) or f"choose one of {known}"
        )
    if words not in ("digits", "all"):
        raise UsageError(f"--words {words}: no such choice", "give digits or all")
    if words == "digits":
        return SOURCES[name]
    if name != SPEECH_COMMANDS.name:
        raise UsageError(f"{name} has no words but digits", "leave out --words")
    return ALL_SPEECH_COMMANDS
