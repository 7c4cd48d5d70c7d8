"""Is a corpus complete and usable? By names and headers in seconds, or by decoding everything."""

import os
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

from audiomnist import audio
from audiomnist.audio import BadSound, decode, digest, map_in_order, mono
from audiomnist.corpus.listing import CLASSES, Clip, Finding, Listing, list_clips
from audiomnist.corpus.measures import n_clipped
from audiomnist.corpus.metadata import Speakers, read_speakers
from audiomnist.errors import DataError, printable, some
from audiomnist.progress import Show, unseen

_NUMBERS_SHOWN = 8
_UPSTREAM_FAULT = "0_19_22.wav"
_UPSTREAM_SPEAKER = "19"
_SYNTHETIC_ROOM = "synthetic"


@dataclass(frozen=True)
class Validation:
    """What is wrong with a corpus, errors first."""

    findings: tuple[Finding, ...]
    n_clips: int

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings because of which clips are left out of training, or nothing can be trained."""
        return tuple(finding for finding in self.findings if finding.severity == "error")


class _Inspection(NamedTuple):
    """What one file gave: its rate in Hz if it can be used, a digest of its sound if it was decoded, its faults."""

    sample_rate: int | None
    sound: bytes | None
    faults: tuple[Finding, ...]


def validate(corpus_root: Path, *, deep: bool = False, jobs: int | None = None, progress: Show = unseen) -> Validation:
    """Look for everything that can be wrong with a folder of clips or a manifest; one fault never hides another.

    Parameters
    ----------
    deep : bool
        Decode every clip, which also finds silence, clipping, NaN or infinite values and duplicates.
    jobs : int, optional
        Threads that decode; one per core by default.
    """
    try:
        listing = list_clips(corpus_root)
    except DataError as error:
        fault = Finding("manifest", "error", printable(corpus_root.name), error.message)
        return Validation((fault,), 0)
    findings = list(listing.findings)
    if not listing.clips:
        reason = "no line names one" if listing.layout == "manifest" else "no file has a clip's name"
        findings.append(Finding("no clips", "error", ".", reason))
    inspections = []
    paths = (clip.path for clip in listing.clips)
    inspect = partial(_inspect, str(listing.root), deep=deep)
    # Reading a header is mostly Python, which threads only slow down.
    for inspection in map_in_order(inspect, paths, jobs) if deep else map(inspect, paths):
        inspections.append(inspection)
        findings += inspection.faults
        progress(len(inspections), len(listing.clips))
    findings += _odd_rates(listing.clips, inspections)
    findings += _duplicates(listing.clips, inspections)
    if listing.layout in {"audiomnist", "fsdd"}:
        findings += _repetitions(listing.clips)
    findings += _metadata(listing)
    findings.sort(key=lambda finding: finding.severity)
    return Validation(tuple(findings), len(listing.clips))


def _inspect(root: str, path: str, *, deep: bool) -> _Inspection:
    file = os.path.join(root, path)  # noqa: PTH118, twice as fast as pathlib
    sound, faults = None, []
    try:
        if deep:
            samples, header = decode(file, may_be_silent=False)
            sound = digest(mono(samples), header.sample_rate)
            if n_loud := sum(n_clipped(channel) for channel in samples.T):
                detail = f"{n_loud:,} samples are at full scale ({100 * n_loud / samples.size:.2f} %)"
                faults.append(Finding("clipped", "warning", path, detail))
        else:
            header = audio.header(file)
    except BadSound as error:
        return _Inspection(None, None, (Finding(error.kind, "error", path, error.reason),))
    if header.n_channels > 1:
        faults.append(Finding("stereo", "warning", path, f"{header.n_channels} channels; they are averaged"))
    return _Inspection(header.sample_rate, sound, tuple(faults))


def _odd_rates(clips: Iterable[Clip], inspections: list[_Inspection]) -> list[Finding]:
    rates_hz = [inspection.sample_rate for inspection in inspections]
    known = Counter(rate_hz for rate_hz in rates_hz if rate_hz)
    if len(known) < 2:
        return []
    usual_hz = known.most_common(1)[0][0]
    return [
        Finding("sample rate", "warning", clip.path, f"{rate_hz} Hz; most have {usual_hz} Hz")
        for clip, rate_hz in zip(clips, rates_hz, strict=True)
        if rate_hz and rate_hz != usual_hz
    ]


def _duplicates(clips: Iterable[Clip], inspections: list[_Inspection]) -> list[Finding]:
    first_of: dict[bytes, Clip] = {}
    found = []
    for clip, inspection in zip(clips, inspections, strict=True):
        if inspection.sound is None:
            continue
        first = first_of.setdefault(inspection.sound, clip)
        if first is not clip:
            detail = f"the same sound as {first.path}"
            if clip.speaker != first.speaker:
                detail += ", under another speaker"
            if clip.label != first.label:
                detail += ", under another digit: one of the two is wrong"
            found.append(Finding("duplicate", "warning", clip.path, detail))
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
                detail = "no clip at all" if not repetitions else f"repetitions {some(sorted(numbers), _NUMBERS_SHOWN)}"
                found.append(Finding(f"{kind} repetitions", "warning", where, detail))
        for repetition, paths in repetitions.items():
            if len(paths) > 1:
                detail = f"repetition {repetition} exists {len(paths)} times: {', '.join(paths)}"
                found.append(Finding("surplus repetitions", "warning", where, detail))
    return found


def _metadata(listing: Listing) -> list[Finding]:
    if listing.metadata is None:
        return []
    path = printable(listing.metadata.relative_to(listing.root).as_posix())
    try:
        known = read_speakers(listing.metadata)
    except DataError as error:
        return [Finding("metadata", "error", path, error.message.removeprefix(f"{printable(listing.metadata)}: "))]
    speakers = {clip.speaker for clip in listing.clips}
    described = {speaker for values in known.columns.values() for speaker in values}
    faults = [
        *known.corrections,
        *(f"speaker {printable(name)} is described but has no clips" for name in sorted(described - speakers)),
        *(f"speaker {printable(name)} has clips but is not described" for name in sorted(speakers - described)),
    ]
    return [*(Finding("metadata", "warning", path, fault) for fault in faults), *_upstream_fault(listing.clips, known)]


def _upstream_fault(clips: Iterable[Clip], known: Speakers) -> list[Finding]:
    if known.columns.get("room", {}).get(_UPSTREAM_SPEAKER) == _SYNTHETIC_ROOM:
        return []
    return [
        Finding("known fault", "warning", clip.path, 'reported upstream to be a spoken "three"')
        for clip in clips
        if clip.path.rpartition("/")[2] == _UPSTREAM_FAULT
    ]
