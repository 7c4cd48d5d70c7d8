"""Run a command in a terminal of its own and write what it prints as an SVG.

python docs/picture.py docs/pictures/train.svg audiomnist train --version v2 --data synthetic
"""

import os
import pty
import re
import shlex
import sys
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

COLUMNS = 84


def record(command: list[str]) -> str:
    """Return what a command prints on a terminal, with its colours."""
    os.environ |= {"COLUMNS": str(COLUMNS), "TERM": "xterm-256color", "COLORTERM": "truecolor"}
    chunks: list[bytes] = []

    def read(descriptor: int) -> bytes:
        chunks.append(os.read(descriptor, 65_536))
        return chunks[-1]

    pty.spawn(command, read)
    printed = b"".join(chunks).decode().replace("\r\n", "\n")
    printed = re.sub(r"\x1b\[\?25[lh]|\x1b\[1A|\x1b\[2K[^\n]*?(?=\r)", "", printed)
    lines = [line.rpartition("\r")[2] for line in printed.split("\n")]
    return "\n".join(line for line in lines if "━" not in line)


def main() -> None:
    """Write the picture named first, of the command that follows."""
    target, *command = sys.argv[1:]
    printed = record(command)
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        console = Console(width=COLUMNS, record=True, file=nowhere, force_terminal=True, color_system="truecolor")
        console.print(Text.from_ansi(f"\x1b[1m$ {shlex.join(command)}\x1b[0m\n{printed.rstrip()}"))
        svg = console.export_svg(title="audiomnist", theme=MONOKAI)
    Path(target).parent.mkdir(parents=True, exist_ok=True)
    Path(target).write_text(re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL), encoding="utf-8")


if __name__ == "__main__":
    main()
