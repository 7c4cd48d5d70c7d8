"""The way through a corpus folder, the same for whoever relies on what is there and whoever looks for faults."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path


def walk(root: Path, failed: Callable[[str, OSError], None]) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Yield everything below a folder but folders and what hidden ones hold, with its path relative to the root.

    Links to folders are yielded and not followed.

    Parameters
    ----------
    failed : callable
        Told of each folder that cannot be listed, and why.
    """
    pending = [""]
    while pending:
        folder = pending.pop()
        try:
            entries = list(os.scandir(root / folder))
        except OSError as error:
            failed(folder.rstrip("/") or ".", error)
            continue
        for entry in entries:
            path = f"{folder}{entry.name}"
            if not entry.is_dir(follow_symlinks=False):
                yield path, entry
            elif not entry.name.startswith("."):
                pending.append(f"{path}/")


def is_file(entry: os.DirEntry[str]) -> bool:
    """Return whether an entry is a regular file, or a link that ends at one."""
    return entry.is_file(follow_symlinks=False) or Path(entry).is_file()
