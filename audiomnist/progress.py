"""How far work has come, for those who show it."""

from collections.abc import Callable

Show = Callable[[int, int | None], None]
"""Takes how much is done and how much there is, None where that is not known; a lower count begins another stage."""


def unseen(done: int, total: int | None) -> None:
    """Show nothing."""
