"""Is a corpus whole and sound? By names and headers in seconds, or by decoding everything."""

import json
import posixpath
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from audiomnist import audio
from audiomnist.audio import BadSound, Header, decode, digest, map_in_order, mono, refuse_silence
from audiomnist.corpus.levels import n_clipped
from audiomnist.corpus.listing import CLASSES, Clip, Finding, Listing, list_clips
from audiomnist.corpus.metadata import Speakers, read_speakers
from audiomnist.errors import DataError, printable

_NUMBERS_SHOWN = 8
_UPSTREAM_FAULT = "0_19_22.wav"
_UPSTREAM_SPEAKER = "19"
_SYNTHETIC_ROOM = "synthetic"

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Validation:
    """What is wrong with a corpus, errors first."""

    findings: tuple[Finding, ...]
    n_clips: int

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that would break training or teach what is false."""
        return tuple(finding for finding in self.findings if finding.severity == "error")


@dataclass(frozen=True)
class _Inspection:
    """What one file gave: its header if it has one, a hash of its sound if it was decoded, its faults."""

    header: Header | None
    sound: bytes | None
    faults: tuple[Finding, ...]


def validate(
    corpus_root: Path, *, deep: bool = False, jobs: int | None = None, progress: Progress | None = None
) -> Validation:
    """Look for everything that can be wrong with a corpus; one fault never hides another.

    Parameters
    ----------
    corpus_root : Path
        Folder of clips, or a manifest.
    deep : bool
        Decode every clip, which also finds silence, clipping, values that are no numbers and duplicates.
    jobs : int, optional
        Threads that decode; one per core by default.
    progress : callable, optional
        Called with the clips done and the clips in all.
    """
    try:
        listing = list_clips(corpus_root)
    except DataError as error:
        fault = Finding("manifest", "error", printable(corpus_root.name), error.message)
        return Validation((fault,), 0)
    findings = list(listing.findings)
    if not listing.clips:
        lacking = "no line names one" if listing.layout == "manifest" else "no file has a clip's name"
        findings.append(Finding("no clips", "error", ".", lacking))
    inspections = []
    paths = (clip.path for clip in listing.clips)
    look = partial(_inspect, listing.root, deep=deep)
    # A look at a header is mostly Python, which threads only slow down.
    for inspection in map_in_order(look, paths, jobs) if deep else map(look, paths):
        inspections.append(inspection)
        findings += inspection.faults
        if progress:
            progress(len(inspections), len(listing.clips))
    findings += _odd_rates(listing.clips, inspections)
    findings += _duplicates(listing.clips, inspections)
    if listing.layout in {"audiomnist", "fsdd"}:
        findings += _repetitions(listing.clips)
    findings += _metadata(listing)
    findings.sort(key=lambda finding: finding.severity)
    return Validation(tuple(findings), len(listing.clips))


def _inspect(root: Path, path: str, *, deep: bool) -> _Inspection:
    try:
        header = audio.header(root / path)
    except BadSound as error:
        return _Inspection(None, None, (Finding(error.kind, "error", path, error.reason),))
    faults = []
    if header.n_channels > 1:
        detail = f"{header.n_channels} channels; they are averaged"
        faults.append(Finding("stereo", "warning", path, detail))
    if not deep:
        return _Inspection(header, None, tuple(faults))
    sound, further = _check_sound(root, path, header)
    return _Inspection(header, sound, (*faults, *further))


def _check_sound(root: Path, path: str, header: Header) -> tuple[bytes | None, list[Finding]]:
    """Decode a clip; return a hash of its sound and what is wrong with it."""
    try:
        samples, _ = decode(root / path)
        refuse_silence(root / path, mono(samples))
    except BadSound as error:
        return None, [Finding(error.kind, "error", path, error.reason)]
    faults = []
    n_loud = sum(n_clipped(channel) for channel in samples.T)
    if n_loud:
        detail = f"{n_loud:,} samples stand at full scale ({n_loud / samples.size:.2%})"
        faults.append(Finding("clipped", "warning", path, detail))
    return digest(mono(samples), header.sample_rate), faults


def _odd_rates(clips: Iterable[Clip], inspections: list[_Inspection]) -> list[Finding]:
    rates = Counter(inspection.header.sample_rate for inspection in inspections if inspection.header)
    if len(rates) < 2:
        return []
    usual_hz = rates.most_common(1)[0][0]
    return [
        Finding("sample rate", "warning", clip.path, f"{inspection.header.sample_rate} Hz; most have {usual_hz} Hz")
        for clip, inspection in zip(clips, inspections, strict=True)
        if inspection.header and inspection.header.sample_rate != usual_hz
    ]


def _duplicates(clips: Iterable[Clip], inspections: list[_Inspection]) -> list[Finding]:
    same_sound: dict[bytes, list[Clip]] = defaultdict(list)
    for clip, inspection in zip(clips, inspections, strict=True):
        if inspection.sound is not None:
            same_sound[inspection.sound].append(clip)
    found = []
    for first, *others in same_sound.values():
        for other in others:
            detail = f"the same sound as {first.path}"
            if other.speaker != first.speaker:
                detail += ", under another speaker"
            if other.label != first.label:
                found.append(Finding("duplicate", "error", other.path, f"{detail}, under another digit"))
            else:
                found.append(Finding("duplicate", "warning", other.path, detail))
    return found


def _repetitions(clips: tuple[Clip, ...]) -> list[Finding]:
    """Compare each speaker's clips of each digit with what most speakers have of most digits."""
    held: dict[tuple[str, str], dict[int, list[str]]] = {
        (speaker, digit): defaultdict(list) for speaker in sorted({clip.speaker for clip in clips}) for digit in CLASSES
    }
    for clip in clips:
        if clip.label in CLASSES:
            held[clip.speaker, clip.label][clip.repetition].append(clip.path)
    n_holders = Counter(repetition for repetitions in held.values() for repetition in repetitions)
    usual = {repetition for repetition, count in n_holders.items() if 2 * count > len(held)}
    found = []
    for (speaker, digit), repetitions in held.items():
        where = f"speaker {speaker}, digit {digit}"
        for kind, numbers in (("missing", usual - set(repetitions)), ("surplus", set(repetitions) - usual)):
            if numbers and usual:
                detail = "no clip at all" if not repetitions else f"repetitions {_numbers(numbers)}"
                found.append(Finding(f"{kind} repetitions", "warning", where, detail))
        for repetition, paths in repetitions.items():
            if len(paths) > 1:
                detail = f"repetition {repetition} is there {len(paths)} times: {', '.join(paths)}"
                found.append(Finding("surplus repetitions", "warning", where, detail))
    return found


def _metadata(listing: Listing) -> list[Finding]:
    speakers = {clip.speaker for clip in listing.clips}
    known: Speakers | None = None
    found = []
    if listing.metadata is not None:
        path = listing.metadata.relative_to(listing.root).as_posix()
        try:
            known = read_speakers(listing.metadata)
        except DataError as error:
            return [Finding("metadata", "error", path, _reason(error))]
        described = {speaker for values in known.columns.values() for speaker in values}
        corrections = (*_mixed_ages(listing.metadata), *known.corrections)
        found = [Finding("metadata", "warning", path, correction) for correction in corrections]
        for names, fault in (
            (described - speakers, "is described but has no clips"),
            (speakers - described, "has clips but is not described"),
        ):
            found += [
                Finding("metadata", "warning", path, f"speaker {printable(name)} {fault}") for name in sorted(names)
            ]
    return found + _upstream_fault(listing.clips, known)


def _mixed_ages(metadata: Path) -> list[str]:
    """Say how many ages are numbers and how many are text, where both occur; of a file known to be readable."""
    entries = json.loads(metadata.read_text(encoding="utf-8")).values()
    types = Counter(type(entry.get("age")) for entry in entries)
    if not types[int] or not types[str]:
        return []
    return [f"ages are numbers for {types[int]} speakers and text for {types[str]}; all are read as numbers"]


def _upstream_fault(clips: Iterable[Clip], known: Speakers | None) -> list[Finding]:
    if known is None or known.columns.get("room", {}).get(_UPSTREAM_SPEAKER) == _SYNTHETIC_ROOM:
        return []
    return [
        Finding("known fault", "warning", clip.path, 'reported upstream to be a spoken "three"')
        for clip in clips
        if posixpath.basename(clip.path) == _UPSTREAM_FAULT
    ]


def _numbers(numbers: Iterable[int]) -> str:
    ordered = sorted(numbers)
    more = f" and {len(ordered) - _NUMBERS_SHOWN} more" if len(ordered) > _NUMBERS_SHOWN else ""
    return ", ".join(map(str, ordered[:_NUMBERS_SHOWN])) + more


def _reason(error: DataError) -> str:
    return error.message.partition(": ")[2] or error.message
