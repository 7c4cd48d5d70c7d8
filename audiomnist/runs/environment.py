"""What a run is computed with and on: another machine must have the same to compute the same, bit for bit."""

from __future__ import annotations

from audiomnist.runs.documents import Document


class Environment(Document):
    """A program, a machine, and how the one was started on the other.

    Attributes
    ----------
    command : str
        As it could be typed again.
    audiomnist, python : str
        Versions.
    git : str or None
        Commit of the source that the program runs from, with ``+`` if files were changed; None if it is installed.
    libraries : dict of str to str
        Versions of what numbers depend on.
    system, processor : str
        Operating system, and the processor with the kernels that torch chooses on it.
    device : str
        Where the network was trained.
    threads, processes : int
        Of torch in each process, and processes that trained together.
    """

    command: str
    audiomnist: str
    python: str
    git: str | None
    libraries: dict[str, str]
    system: str
    processor: str
    device: str
    threads: int
    processes: int

    def differences(self, other: Environment) -> dict[str, tuple[str, str]]:
        """Return what is not the same in another environment but the command: by name, the value here and there."""
        ours, theirs = self._table(), other._table()
        names = [name for name in {**ours, **theirs} if ours.get(name) != theirs.get(name)]
        return {name: (ours.get(name, "none"), theirs.get(name, "none")) for name in names}

    def _table(self) -> dict[str, str]:
        values = {**self.model_dump(exclude={"command", "libraries"}), **self.libraries}
        return {name: str(value) for name, value in values.items()}
