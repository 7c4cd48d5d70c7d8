import json
import multiprocessing
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audiomnist.errors import ConfigError, DataError, UsageError
from audiomnist.synthesis.synthesize import speak, synthesize
from audiomnist.synthesis.voices import ACCENTS, MOST_SPEAKERS, SAMPLE_RATE_HZ, VARIANTS, cast

espeakng_loader = pytest.importorskip("espeakng_loader")

GENDERS = {variant: gender for gender, variants in VARIANTS.items() for variant in variants}


def contents(corpus: Path) -> dict[str, bytes]:
    return {path.relative_to(corpus).as_posix(): path.read_bytes() for path in corpus.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Three speakers, twice each digit, made by two processes."""
    return synthesize(tmp_path_factory.mktemp("synthetic") / "small", speakers=3, repetitions=2, seed=7, jobs=2)


def test_corpus_has_the_layout_of_audiomnist(corpus):
    clips = {
        f"data/{speaker}/{digit}_{speaker}_{repetition}.wav"
        for speaker in ("01", "02", "03")
        for digit in range(10)
        for repetition in range(2)
    }
    assert set(contents(corpus)) == clips | {"data/audioMNIST_meta.txt"}
    formats = {(clip.samplerate, clip.channels, clip.subtype) for clip in map(soundfile.info, corpus.rglob("*.wav"))}
    assert formats == {(48_000, 1, "PCM_16")}


def test_metadata_has_the_keys_of_audiomnist(corpus):
    entries = json.loads((corpus / "data" / "audioMNIST_meta.txt").read_text(encoding="utf-8"))
    assert list(entries) == ["01", "02", "03"]
    for entry, voice in zip(entries.values(), cast(7), strict=False):
        assert set(entry) == {
            *("accent", "age", "gender", "native speaker", "origin", "recordingdate", "recordingroom", "synthesis")
        }
        assert entry["gender"] == voice.gender
        assert entry["accent"] == ACCENTS[voice.accent][0]
        assert 18 <= int(entry["age"]) <= 70
        assert entry["recordingroom"] == "synthetic"
        assert entry["synthesis"] == {
            "speakers": 3,
            "repetitions": 2,
            "seed": 7,
            "engines": ["espeak"],
            "voices": 1,
        }


def test_clips_are_all_different(corpus):
    clips = [path.read_bytes() for path in corpus.rglob("*.wav")]
    assert len(set(clips)) == len(clips) == 60


def test_a_corpus_is_a_part_of_every_larger_one_of_its_seed(corpus, tmp_path):
    few = contents(synthesize(tmp_path / "few", speakers=2, repetitions=1, seed=7, jobs=1))
    del few["data/audioMNIST_meta.txt"]
    assert few.items() <= contents(corpus).items()


def test_a_clip_is_what_is_spoken_in_process(corpus):
    for speaker, digit, repetition in ((3, 9, 1), (1, 0, 0), (2, 5, 1)):
        spoken = speak(cast(7)[speaker - 1], digit, repetition, seed=7)
        path = corpus / "data" / f"{speaker:02d}" / f"{digit}_{speaker:02d}_{repetition}.wav"
        recorded, _ = soundfile.read(path, dtype="float32")
        np.testing.assert_allclose(recorded, spoken, atol=2**-15)


def test_another_seed_is_another_corpus():
    assert cast(0) != cast(1)
    voice = cast(0)[0]
    one, other = speak(voice, 4, 0, seed=0), speak(voice, 4, 0, seed=1)
    assert one.shape != other.shape or not np.array_equal(one, other)


def test_neither_history_nor_clock_is_heard():
    voices = [replace(cast(0)[0], variant=variant) for variant in list(GENDERS)[::4]]
    first = [speak(voice, 6, 0, seed=0) for voice in voices]
    time.sleep(1.1)  # the library seeds its noise by the second
    again = [speak(voice, 6, 0, seed=0) for voice in reversed(voices)]
    for one, other in zip(first, reversed(again), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("variant", GENDERS)
def test_every_voice_says_digits_well(variant):
    voice = replace(cast(0)[0], variant=variant)
    for digit in (2, 6, 8):
        clip = speak(voice, digit, 0, seed=0)
        level_dbfs = 10 * np.log10(np.mean(np.square(clip)))
        frames = np.square(clip[: clip.size // 480 * 480].reshape(-1, 480)).mean(axis=1)
        loud = np.flatnonzero(frames > frames.max() * 1e-4)
        assert clip.dtype == np.float32
        assert 0.2 <= clip.size / SAMPLE_RATE_HZ <= 1.0
        assert abs(clip).max() < 0.9
        assert -40 < level_dbfs < -20
        assert loud[0] <= 4, "more than 40 ms before the word"
        assert frames.size - loud[-1] <= 5, "more than 50 ms after the word"
        assert 10 * np.log10(frames.min()) > -90, "digital silence"


@pytest.mark.parametrize("accent", ["en-us", "en-gb-x-rp"])
def test_slow_and_fast_speakers_keep_within_a_second(accent):
    for rate_wpm in (40, 400):
        voice = replace(cast(0)[0], variant="linda", accent=accent, rate_wpm=rate_wpm)
        for digit in (2, 9):
            assert 0.2 <= speak(voice, digit, 0, seed=0).size / SAMPLE_RATE_HZ <= 1.0


@pytest.mark.parametrize("seed", range(2))
def test_cast_is_sixty_different_speakers_half_of_them_women(seed):
    voices = cast(seed)
    assert [voice.speaker for voice in voices] == list(range(1, MOST_SPEAKERS + 1))
    assert len({(voice.variant, voice.accent) for voice in voices}) == MOST_SPEAKERS
    assert all(GENDERS[voice.variant] == voice.gender for voice in voices)
    for first, second in zip(voices[::2], voices[1::2], strict=True):
        assert {first.gender, second.gender} == {"female", "male"}


def test_workers_start_without_heavy_imports():
    program = "import audiomnist.synthesis.synthesize, sys; print(*{'torch', 'scipy', 'sklearn'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_every_variant_is_in_the_wheel():
    # The library takes an unknown variant for none and says nothing.
    known = {path.name for path in Path(espeakng_loader.get_data_path(), "voices", "!v").iterdir()}
    assert set(GENDERS) <= known


def test_an_empty_folder_is_filled_and_progress_counts_clips(tmp_path):
    out, told = tmp_path / "out", []
    out.mkdir()
    assert synthesize(out, speakers=1, repetitions=2, jobs=1, progress=lambda *counts: told.append(counts)) == out
    assert told == [(10, 20), (20, 20)]
    assert len(list(out.rglob("*.wav"))) == 20
    assert list(tmp_path.iterdir()) == [out]


def test_a_folder_that_holds_anything_is_left_alone(tmp_path):
    kept = tmp_path / "kept.txt"
    kept.write_text("mine")
    for out in (tmp_path, kept):
        with pytest.raises(DataError) as caught:
            synthesize(out, speakers=1, repetitions=1)
        assert caught.value.hint
    assert [path.read_text() for path in tmp_path.iterdir()] == ["mine"]


def test_a_corpus_that_is_there_is_left_as_it_is(corpus):
    before = {path: path.stat().st_mtime_ns for path in corpus.rglob("*")}
    said = []
    assert synthesize(corpus, speakers=3, repetitions=2, seed=7, on_event=said.append) == corpus
    assert said == [f"{corpus} is already there, made with these settings"]
    assert {path: path.stat().st_mtime_ns for path in corpus.rglob("*")} == before
    assert [path.name for path in corpus.parent.iterdir()] == [corpus.name]


def test_a_corpus_of_other_settings_is_refused_with_what_differs(corpus):
    with pytest.raises(DataError, match="repetitions 2, not 5, seed 7, not 0") as caught:
        synthesize(corpus, speakers=3, repetitions=5)
    assert "--out" in caught.value.hint


def test_leftovers_are_removed_and_lost_clips_missed(tmp_path):
    left = tmp_path / ".out.synth" / "unfinished" / "data"
    left.mkdir(parents=True)
    (left / "0_01_0.wav").write_bytes(b"half")
    (tmp_path / ".out.lock").touch()
    out = synthesize(tmp_path / "out", speakers=1, repetitions=1, jobs=1)
    assert list(tmp_path.iterdir()) == [out]
    (out / "data/01/3_01_0.wav").unlink()
    with pytest.raises(DataError, match="lacks 1 of its 10 clips"):
        synthesize(out, speakers=1, repetitions=1)


def test_of_two_calls_at_once_one_waits_for_the_other(tmp_path):
    said = []

    def work():
        synthesize(tmp_path / "out", speakers=1, repetitions=1, jobs=1, on_event=said.append)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [line.partition(" is ")[2] for line in said] == [
        "being made by another process; waiting for it",
        "already there, made with these settings",
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit on the size of files")
def test_a_full_disk_is_one_message(tmp_path):
    command = f"{sys.executable} -m audiomnist synth --speakers 1 --out {tmp_path}/out"
    # Coverage, where it is measured, could not be written either.
    limited = f"unset COVERAGE_PROCESS_CONFIG; ulimit -f 20; trap '' XFSZ; exec {command}"
    done = subprocess.run(["bash", "-c", limited], capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert "File too large" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


def test_an_interrupt_leaves_nothing_behind(tmp_path):
    def interrupt(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        synthesize(tmp_path / "out", speakers=2, repetitions=3, jobs=1, progress=interrupt)
    assert list(tmp_path.iterdir()) == []
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_its_code_and_nothing_left(tmp_path, number):
    command = [sys.executable, "-m", "audiomnist", "synth", "--repetitions", "50", "--jobs", "1"]
    process = subprocess.Popen([*command, "--out", str(tmp_path / "out")], stderr=subprocess.PIPE, text=True)
    while not list(tmp_path.rglob("*.wav")):
        time.sleep(0.02)
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert "audiomnist synth" in said
    assert list(tmp_path.iterdir()) == []


def test_a_kill_leaves_nothing_that_the_next_call_minds(tmp_path):
    command = [sys.executable, "-m", "audiomnist", "synth", "--speakers", "1", "--repetitions", "50", "--jobs", "1"]
    process = subprocess.Popen([*command, "--out", str(tmp_path / "out")], stderr=subprocess.DEVNULL)
    while not list(tmp_path.rglob("*.wav")):
        time.sleep(0.02)
    process.kill()
    process.wait()
    assert not (tmp_path / "out").exists()
    assert len(list(synthesize(tmp_path / "out", speakers=1, repetitions=1, jobs=1).rglob("*.wav"))) == 10
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        ({"speakers": 0}, "60"),
        ({"speakers": 61}, "60"),
        ({"repetitions": 0}, "1"),
        ({"seed": -1}, "0"),
        ({"jobs": 0}, "1"),
        ({"engines": ["piper"]}, "flite"),
    ],
)
def test_numbers_out_of_range_are_refused(tmp_path, numbers, said):
    with pytest.raises(UsageError) as caught:
        synthesize(tmp_path / "out", **numbers)
    assert said in caught.value.hint
    assert list(tmp_path.iterdir()) == []


def test_without_the_wheel_the_hint_installs_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    with pytest.raises(ConfigError) as caught:
        speak(cast(0)[0], 0, 0, seed=0)
    assert caught.value.hint == "pip install 'audiomnist[synth]'"


@pytest.mark.parametrize("broken", ["get_library_path", "get_data_path"])
def test_a_broken_wheel_is_an_error_of_configuration(monkeypatch, tmp_path, broken):
    monkeypatch.setattr(espeakng_loader, broken, lambda: str(tmp_path / "gone"))
    with pytest.raises(ConfigError) as caught:
        speak(cast(0)[0], 0, 0, seed=0)
    assert "pip install" in caught.value.hint


@pytest.mark.skipif(shutil.which("flite") is None, reason="flite is not installed")
def test_speakers_of_two_engines_come_by_turns(tmp_path):
    voices = cast(0, ["espeak", "flite"])
    assert [voice.engine for voice in voices[:4]] == ["espeak", "flite"] * 2
    for voice in voices[1:8:2]:
        clip = speak(voice, 7, 0, seed=0)
        assert 0.2 <= clip.size / SAMPLE_RATE_HZ <= 1.0
        np.testing.assert_array_equal(clip, speak(voice, 7, 0, seed=0))
    out = synthesize(tmp_path / "out", speakers=2, repetitions=1, engines=["espeak", "flite"], jobs=1)
    assert len(list(out.rglob("*.wav"))) == 20


def test_without_flite_the_hint_installs_it(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError, match="flite is not installed") as caught:
        speak(cast(0, ["flite"])[0], 0, 0, seed=0)
    assert "apt-get" in caught.value.hint
