"""A download in a process of its own: ``python -m tests.download.download_process ADDRESS FOLDER [REPORT_TO_DIE_AT]``.

With a number the process kills itself, by SIGKILL, at that report of progress or of an event.
"""

import os
import signal
import sys
from itertools import count
from pathlib import Path

from audiomnist.download.download import download
from tests.download.small_corpora import QUICK, SMALL_AUDIOMNIST


def main() -> None:
    address, out, *rest = sys.argv[1:]
    die_at = int(rest[0]) if rest else None
    reports = count()

    def report(*what: object) -> None:
        if next(reports) == die_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def say(line: str) -> None:
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()
        report()

    result = download(SMALL_AUDIOMNIST, Path(out), source=address, patience=QUICK, progress=report, on_event=say)
    sys.stdout.write(f"{result.clips} {result.bytes} {result.deviations} {next(reports)}\n")


main()
