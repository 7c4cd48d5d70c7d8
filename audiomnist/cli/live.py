"""``audiomnist live``: recognise what is said into the microphone."""

import math
import queue
import sys
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

import typer

from audiomnist.cli import options
from audiomnist.cli.output import message_console, print_json, result_console
from audiomnist.errors import ConfigError
from audiomnist.stopping import Termination

if TYPE_CHECKING:
    from audiomnist.inference.answers import Segment
    from audiomnist.inference.recognizer import Recognizer

_LONGEST_TAKE_S = 5.0
_BLOCK_S = 0.1
_METER_WIDTH = 30
_QUIETEST_DB = -60.0
_LETTERS = {
    "0": ("█▀▀█", "█  █", "█▄▄█"),
    "1": (" ▄█ ", "  █ ", " ▄█▄"),
    "2": ("█▀▀█", " ▄▄▀", "█▄▄▄"),
    "3": ("█▀▀█", "  ▀▄", "█▄▄█"),
    "4": ("█  █", "█▄▄█", "   █"),
    "5": ("█▀▀▀", "▀▀▀▄", "▄▄▄▀"),
    "6": ("▄▀▀▄", "█▄▄ ", "▀▄▄▀"),
    "7": ("▀▀▀█", "  █ ", " ▐▌ "),
    "8": ("▄▀▀▄", "▄▀▀▄", "▀▄▄▀"),
    "9": ("▄▀▀▄", "▀▄▄█", " ▄▄▀"),
}


def live(
    model: options.Model = "digits",
    continuous: Annotated[
        bool, typer.Option("--continuous", help="Listen until Ctrl-C, in place of after each Enter.")
    ] = False,
    input_: Annotated[
        str | None,
        typer.Option(
            "--input", help="Microphone, by number or part of its name. (default: the system's)", metavar="NAME"
        ),
    ] = None,
    device: options.Device = "auto",
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Recognise digits spoken into the microphone."""
    microphone = Microphone.open(input_)
    from audiomnist.inference.opening import open_model

    recognizer = open_model(model, device)
    screen = _Screen(as_json=json, quiet=quiet or json)
    screen.say(f"model: {recognizer.name}; microphone: {microphone.name}")
    try:
        if continuous:
            screen.say("listening; stop with Ctrl-C")
            for heard in _listen(recognizer, microphone, screen):
                screen.show(heard)
        else:
            _listen_on_enter(recognizer, microphone, screen)
    except Termination:
        raise
    except KeyboardInterrupt:
        screen.say("stopped")
    if json:
        screen.print_document()


def _listen_on_enter(recognizer: "Recognizer", microphone: "Microphone", screen: "_Screen") -> None:
    screen.say("press Enter and say a digit; q and Enter quits")
    while (line := sys.stdin.readline()) and line.strip() != "q":
        screen.show(next(_listen(recognizer, microphone, screen, _LONGEST_TAKE_S), None))


def _listen(
    recognizer: "Recognizer", microphone: "Microphone", screen: "_Screen", longest_s: float | None = None
) -> "Iterator[list[Segment]]":
    """Yield what is said, until the time is over if there is one."""
    from audiomnist.inference.listening import Listener

    listener, seconds = Listener(recognizer, microphone.sample_rate), 0.0
    with closing(microphone.blocks()) as blocks:
        for samples in blocks:
            seconds += len(samples) / microphone.sample_rate
            screen.level(samples)
            yield from listener.hear(samples)
            if longest_s is not None and seconds >= longest_s:
                return


@dataclass(frozen=True)
class Microphone:
    """An input of this computer, at its own sample rate (Hz)."""

    sounddevice: Any
    number: int
    name: str
    sample_rate: int

    @classmethod
    def open(cls, wanted: str | None) -> "Microphone":
        """Find an input; raise ConfigError if there is none, or what it needs is not installed."""
        try:
            import sounddevice
        except ModuleNotFoundError as error:
            raise ConfigError("live needs the package sounddevice", "pip install 'audiomnist[live]'") from error
        except OSError as error:  # the wheel for Linux brings no PortAudio
            raise ConfigError(
                "live needs the library PortAudio, which is not installed", "sudo apt-get install libportaudio2"
            ) from error
        try:
            found = sounddevice.query_devices(int(wanted) if wanted and wanted.isdecimal() else wanted, "input")
        except (ValueError, sounddevice.PortAudioError) as error:
            raise ConfigError(
                f"there is no microphone{f' called {wanted}' if wanted else ''} ({error})",
                "connect one; list them with: python -m sounddevice",
            ) from error
        return cls(sounddevice, found["index"], found["name"], int(found["default_samplerate"]))

    def blocks(self) -> Generator[Any]:
        """Record until closed; yield blocks of samples, float32 arrays [L]."""
        waiting: queue.SimpleQueue[Any] = queue.SimpleQueue()
        stream = self.sounddevice.InputStream(
            samplerate=self.sample_rate,
            blocksize=int(_BLOCK_S * self.sample_rate),
            device=self.number,
            channels=1,
            dtype="float32",
            callback=lambda samples, *_: waiting.put(samples[:, 0].copy()),
            finished_callback=lambda: waiting.put(None),  # it was unplugged
        )
        with stream:
            while (samples := waiting.get()) is not None:
                yield samples


@dataclass
class _Screen:
    """What is shown, and the digits so far."""

    as_json: bool
    quiet: bool
    segments: "list[Segment]" = field(default_factory=list)

    def say(self, text: str) -> None:
        self._clear_level()
        message_console(self.quiet).print(text)

    def show(self, heard: "list[Segment] | None") -> None:
        """Show the digits of something said; None is silence."""
        self._clear_level()
        segments = heard or []
        self.segments += segments
        if self.as_json:
            return
        if not segments:
            result_console().print("nothing was heard" if heard is None else "no digit")
        for segment in segments:
            *above, middle, below = _LETTERS.get(str(segment.digit), ("", str(segment.digit), ""))
            rows = [*above, f"{middle}   {segment.digit}  {segment.probability:.2f}", below]
            result_console().print("\n".join(f"  {row}" for row in rows))
        sys.stdout.flush()

    def print_document(self) -> None:
        """Print all digits so far."""
        digits = "".join(str(one.digit) for one in self.segments)
        print_json({"digits": digits, "segments": [*map(vars, self.segments)]})

    def level(self, samples: Any) -> None:
        """Show how loud it is, on a terminal only."""
        if self._has_meter:
            level_db = 20 * math.log10(float(abs(samples).max()) + 1e-6)
            filled = round(_METER_WIDTH * min(max(1 - level_db / _QUIETEST_DB, 0), 1))
            sys.stderr.write(f"\r{'█' * filled}{'░' * (_METER_WIDTH - filled)}")
            sys.stderr.flush()

    def _clear_level(self) -> None:
        if self._has_meter:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    @property
    def _has_meter(self) -> bool:
        return message_console().is_terminal and not self.quiet
