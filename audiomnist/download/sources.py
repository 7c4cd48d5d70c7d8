"""The public corpora: where each comes from, how its files are named, and what a complete one holds."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from audiomnist.errors import UsageError, did_you_mean

Progress = Callable[[int, int | None], None]
"""Called with the bytes done and the bytes in all (None where unknown); starts again with each stage."""

Say = Callable[[str], None]
"""Called with one line of text when a stage begins or something went wrong and is tried again."""


@dataclass(frozen=True)
class Source:
    """A corpus that can be downloaded.

    Files are recognised by the end of their path wherever they lie, so an archive of the repository, of its
    inner folder, or of loose clips all give the same corpus.

    Attributes
    ----------
    name : str
        What the user calls it.
    url_template, ref : str
        Address of the archive, with ``{ref}`` for the commit, tag or version that was published.
    clip : re.Pattern
        Full match of a clip's path, or of its end behind a ``/``; a corpus in the making takes no other clips.
    clip_path : str
        Where a clip lies in the corpus folder, with the pattern's groups in braces.
    expected : mapping of str to frozenset of int, or of str to int
        What a complete corpus holds of each ``group``: the numbers of the clips, or how many there are.
    group : str
        Which clips are counted together, with the pattern's groups in braces.
    archive_bytes, unpacked_bytes : int
        About how much disk the archive and the corpus need.
    companions : mapping of re.Pattern to str
        Files that belong to the corpus beside its clips, and where they lie.
    sha256 : str or None
        Of the published archive, where its bytes never change.
    passed_over : re.Pattern or None
        Clips of the corpus that are not wanted here.
    """

    name: str
    url_template: str
    ref: str
    clip: re.Pattern[str] = field(repr=False)
    clip_path: str
    expected: Mapping[str, frozenset[int] | int] = field(repr=False)
    group: str
    archive_bytes: int
    unpacked_bytes: int
    companions: Mapping[re.Pattern[str], str] = field(default_factory=dict, repr=False)
    sha256: str | None = None
    passed_over: re.Pattern[str] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        """Address of the archive of the published version."""
        return self.url_template.format(ref=self.ref)

    def place(self, path: str) -> str | None:
        """Return where in the corpus folder a file of an archive or folder belongs; None if it does not belong there.

        Only digits, names and numbers that the patterns match enter the result: it never leads outside.
        """
        if clip := _at_end(self.clip, path):
            return self.clip_path.format(**clip.groupdict())
        for pattern, place in self.companions.items():
            if match := _at_end(pattern, path):
                return place.format(**match.groupdict())
        return None

    def is_clip(self, path: str) -> bool:
        """Tell a clip from everything else by its name."""
        return _at_end(self.clip, path) is not None

    def is_stray(self, path: str) -> bool:
        """Tell a recording that fits nowhere; macOS archives keep a shadow ``._NAME`` of every file, which is none."""
        name = path.rpartition("/")[2]
        is_known = self.place(path) or (self.passed_over and _at_end(self.passed_over, path))
        return name.lower().endswith((".wav", ".flac")) and not name.startswith("._") and not is_known

    def shape_deviations(self, paths: Iterable[str]) -> list[str]:
        """Return a line for every group of clips, and every further file, in which paths differ from a whole corpus."""
        present = set(paths)
        found: dict[str, set[int]] = defaultdict(set)
        counts: dict[str, int] = defaultdict(int)
        for path in present:
            if clip := _at_end(self.clip, path):
                group = self.group.format(**clip.groupdict())
                found[group].add(int(clip["repetition"]))
                counts[group] += 1
        lines = [
            f"{place} is missing" for place in self.companions.values() if "{" not in place and place not in present
        ]
        for group in sorted({*self.expected, *found}):
            expected = self.expected.get(group, frozenset())
            if isinstance(expected, int):
                if counts[group] != expected:
                    lines.append(f"{group}: {counts[group]:,} clips instead of {expected:,}")
            elif not expected:
                lines.append(f"{group}: not part of {self.name}")
            elif not found[group]:
                lines.append(f"{group}: no clips")
            else:
                missing, surplus = sorted(expected - found[group]), sorted(found[group] - expected)
                lines += [
                    f"{group}: {what} repetitions: {', '.join(map(str, numbers))}"
                    for numbers, what in ((missing, "missing"), (surplus, "surplus"))
                    if numbers
                ]
        return lines


def _at_end(pattern: re.Pattern[str], path: str) -> re.Match[str] | None:
    """Match a pattern with a path, or with what is behind one of its slashes."""
    return next((match for begin in _beginnings(path) if (match := pattern.fullmatch(path, begin))), None)


def _beginnings(path: str) -> list[int]:
    return [0, *(place + 1 for place, sign in enumerate(path) if sign == "/")]


def _pattern(text: str, flags: int = re.IGNORECASE) -> re.Pattern[str]:
    return re.compile(text, re.ASCII | flags)


def grid(speakers: Iterable[str], repetitions: int) -> dict[str, frozenset[int]]:
    """Return what is expected of a corpus in which each speaker says each digit equally often."""
    numbers = frozenset(range(repetitions))
    return {f"speaker {speaker}, digit {digit}": numbers for speaker in speakers for digit in range(10)}


_REPETITION = r"(?P<repetition>0|[1-9]\d{0,3})"

AUDIOMNIST = Source(
    name="audiomnist",
    url_template="https://github.com/soerenab/AudioMNIST/archive/{ref}.zip",
    ref="8faa3bfa4c5c33f1336b9df97d9e50b19a7102a8",
    clip=_pattern(rf"(?P<digit>\d)_(?P<speaker>\d\d)_{_REPETITION}\.wav"),
    clip_path="data/{speaker}/{digit}_{speaker}_{repetition}.wav",
    companions={_pattern(r"audioMNIST_meta\.txt"): "data/audioMNIST_meta.txt"},
    expected=grid([f"{number:02d}" for number in range(1, 61)], 50),
    group="speaker {speaker}, digit {digit}",
    archive_bytes=1_000_000_000,
    unpacked_bytes=2_000_000_000,
)

FSDD = Source(
    name="fsdd",
    url_template="https://github.com/Jakobovski/free-spoken-digit-dataset/archive/{ref}.zip",
    ref="v1.0.10",
    clip=_pattern(rf"(?P<digit>\d)_(?P<speaker>[a-z][a-z0-9-]*)_{_REPETITION}\.wav"),
    clip_path="recordings/{digit}_{speaker}_{repetition}.wav",
    expected=grid(("george", "jackson", "lucas", "nicolas", "theo", "yweweler"), 50),
    group="speaker {speaker}, digit {digit}",
    archive_bytes=20_000_000,
    unpacked_bytes=40_000_000,
)

# Clips of each word in version 0.02: Warden, arXiv 1804.03209, table 1.
_DIGIT_WORDS = {
    "zero": 4052,
    "one": 3890,
    "two": 3880,
    "three": 3727,
    "four": 3728,
    "five": 4052,
    "six": 3860,
    "seven": 3998,
    "eight": 3787,
    "nine": 3934,
}
_OTHER_WORDS = {
    "backward": 1664,
    "bed": 2014,
    "bird": 2064,
    "cat": 2031,
    "dog": 2128,
    "down": 3917,
    "follow": 1579,
    "forward": 1557,
    "go": 3880,
    "happy": 2054,
    "house": 2113,
    "learn": 1575,
    "left": 3801,
    "marvin": 2100,
    "no": 3941,
    "off": 3745,
    "on": 3845,
    "right": 3778,
    "sheila": 2022,
    "stop": 3872,
    "tree": 1759,
    "up": 3723,
    "visual": 1592,
    "wow": 2123,
    "yes": 4044,
}


def _speech_commands(words: Mapping[str, int], *, unpacked_bytes: int) -> Source:
    clip = r"(?P<word>{})/(?P<speaker>[0-9a-z]+)_nohash_(?P<repetition>\d{{1,4}})\.(?P<suffix>wav|flac)"
    return Source(
        name="speech-commands",
        url_template="http://download.tensorflow.org/data/speech_commands_v{ref}.tar.gz",
        ref="0.02",
        clip=_pattern(clip.format("|".join(words)), 0),
        clip_path="{word}/{speaker}_nohash_{repetition}.{suffix}",
        companions={
            _pattern(r"_background_noise_/(?P<name>\w[\w .-]*\.(wav|flac|md))"): "_background_noise_/{name}",
            **{
                _pattern(re.escape(name), 0): name
                for name in ("validation_list.txt", "testing_list.txt", "LICENSE", "README.md")
            },
        },
        expected=words,
        group="{word}",
        archive_bytes=2_430_000_000,
        unpacked_bytes=unpacked_bytes,
        sha256="af14739ee7dc311471de98f5f9d2c9191b18aedfe957f4a6ff791c709868ff58",
        passed_over=_pattern(clip.format("[a-z]+"), 0),
    )


SPEECH_COMMANDS = _speech_commands(_DIGIT_WORDS, unpacked_bytes=1_250_000_000)
ALL_SPEECH_COMMANDS = _speech_commands(_DIGIT_WORDS | _OTHER_WORDS, unpacked_bytes=3_400_000_000)

SOURCES = {source.name: source for source in (AUDIOMNIST, FSDD, SPEECH_COMMANDS)}


def find_source(name: str, *, words: str = "digits") -> Source:
    """Return the corpus of that name.

    Parameters
    ----------
    words : str
        ``digits``, or ``all`` for the other words of Speech Commands as well.

    Raises
    ------
    UsageError
        If there is none, or it has no other words.
    """
    if name not in SOURCES:
        known = ", ".join(SOURCES)
        raise UsageError(
            f"no corpus named '{name}' can be downloaded", did_you_mean(name, SOURCES) or f"choose one of {known}"
        )
    if words not in ("digits", "all"):
        raise UsageError(f"--words {words}: not a choice", "give digits or all")
    if words == "digits":
        return SOURCES[name]
    if name != SPEECH_COMMANDS.name:
        raise UsageError(f"{name} holds nothing but digits", "leave out --words")
    return ALL_SPEECH_COMMANDS
