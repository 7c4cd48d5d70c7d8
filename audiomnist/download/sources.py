"""The public corpora: where each comes from, how its files are named, and what a whole one holds."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from audiomnist.errors import UsageError, did_you_mean

Progress = Callable[[int, int | None], None]
"""Called with the bytes done and the bytes in all (None where unknown); starts again with each stage."""

Say = Callable[[str], None]
"""Called with one line of text when a stage begins or something went wrong and is tried again."""

DIGITS = tuple("0123456789")


@dataclass(frozen=True)
class Source:
    """A corpus that can be downloaded.

    Files are recognised by their names wherever they lie, so an archive of the repository, of its inner
    folder, or of loose clips all give the same corpus.

    Parameters
    ----------
    name : str
        What the user calls it.
    url_template : str
        Address of the archive, with ``{ref}`` for the commit or tag.
    ref : str
        The commit or tag that was published.
    clip : re.Pattern
        Full match of a clip's file name, with the groups ``digit``, ``speaker`` and ``repetition``.
    clip_path : str
        Where a clip lies in the corpus folder, with the same groups in braces.
    speakers : tuple of str
        Everyone a whole corpus holds.
    repetitions : int
        Clips per speaker and digit, numbered from 0.
    archive_bytes, unpacked_bytes : int
        About how much disk the archive and the corpus need.
    metadata_path : str or None
        Where the file about the speakers lies in the corpus folder.
    """

    name: str
    url_template: str
    ref: str
    clip: re.Pattern[str] = field(repr=False)
    clip_path: str
    speakers: tuple[str, ...] = field(repr=False)
    repetitions: int
    archive_bytes: int
    unpacked_bytes: int
    metadata_path: str | None = None

    @property
    def url(self) -> str:
        """Address of the archive of the published version."""
        return self.url_template.format(ref=self.ref)

    def place(self, path: str) -> str | None:
        """Say where in the corpus folder a file belongs.

        Parameters
        ----------
        path : str
            The file's path in the archive or folder it comes from, with ``/`` between the parts.

        Returns
        -------
        str or None
            Relative path in the corpus folder; None for a file that is no part of the corpus.
        """
        name = path.rpartition("/")[2]
        if self.metadata_path is not None and name == self.metadata_path.rpartition("/")[2]:
            return self.metadata_path
        clip = self.clip.fullmatch(name)
        return self.clip_path.format(**clip.groupdict()) if clip else None

    def is_clip(self, path: str) -> bool:
        """Tell a clip from everything else by its name."""
        return self.clip.fullmatch(path.rpartition("/")[2]) is not None

    def shape_deviations(self, paths: Iterable[str]) -> list[str]:
        """Compare the files of a corpus with those of a whole one.

        Parameters
        ----------
        paths : iterable of str
            Relative paths in the corpus folder.

        Returns
        -------
        list of str
            One line for each speaker or digit with missing or surplus clips; empty for a whole corpus.
        """
        present = set(paths)
        found: dict[str, dict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
        for path in present:
            clip = self.clip.fullmatch(path.rpartition("/")[2])
            if clip:
                found[clip["speaker"]][clip["digit"]].add(int(clip["repetition"]))
        lines = []
        if self.metadata_path is not None and self.metadata_path not in present:
            lines.append(f"{self.metadata_path} is missing")
        for speaker in sorted({*self.speakers, *found}):
            if speaker not in found:
                lines.append(f"speaker {speaker}: no clips")
                continue
            if speaker not in self.speakers:
                lines.append(f"speaker {speaker}: not one of the {len(self.speakers)} speakers of {self.name}")
            for digit in DIGITS:
                lines += self._gaps(f"speaker {speaker}, digit {digit}", found[speaker][digit])
        return lines

    def _gaps(self, where: str, repetitions: set[int]) -> list[str]:
        expected = set(range(self.repetitions))
        missing, surplus = sorted(expected - repetitions), sorted(repetitions - expected)
        return [
            f"{where}: {what} repetitions: {', '.join(map(str, numbers))}"
            for numbers, what in ((missing, "missing"), (surplus, "surplus"))
            if numbers
        ]


AUDIOMNIST = Source(
    name="audiomnist",
    url_template="https://github.com/soerenab/AudioMNIST/archive/{ref}.zip",
    ref="8faa3bfa4c5c33f1336b9df97d9e50b19a7102a8",
    clip=re.compile(r"(?P<digit>\d)_(?P<speaker>\d\d)_(?P<repetition>0|[1-9]\d{0,3})\.wav", re.IGNORECASE | re.ASCII),
    clip_path="data/{speaker}/{digit}_{speaker}_{repetition}.wav",
    metadata_path="data/audioMNIST_meta.txt",
    speakers=tuple(f"{number:02d}" for number in range(1, 61)),
    repetitions=50,
    archive_bytes=1_000_000_000,
    unpacked_bytes=2_000_000_000,
)

FSDD = Source(
    name="fsdd",
    url_template="https://github.com/Jakobovski/free-spoken-digit-dataset/archive/{ref}.zip",
    ref="v1.0.10",
    clip=re.compile(
        r"(?P<digit>\d)_(?P<speaker>[A-Za-z][A-Za-z0-9-]*)_(?P<repetition>0|[1-9]\d{0,3})\.wav",
        re.IGNORECASE | re.ASCII,
    ),
    clip_path="recordings/{digit}_{speaker}_{repetition}.wav",
    speakers=("george", "jackson", "lucas", "nicolas", "theo", "yweweler"),
    repetitions=50,
    archive_bytes=20_000_000,
    unpacked_bytes=40_000_000,
)

SOURCES = {source.name: source for source in (AUDIOMNIST, FSDD)}


def find_source(name: str) -> Source:
    """Return the corpus of that name.

    Raises
    ------
    UsageError
        There is none.
    """
    if name not in SOURCES:
        known = ", ".join(SOURCES)
        raise UsageError(
            f"no corpus named '{name}' can be downloaded",
            did_you_mean(name, SOURCES) or f"There are: {known}.",
        )
    return SOURCES[name]
