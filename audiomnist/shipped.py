"""What ships with the package: where it is, without reading it."""

from pathlib import Path

from audiomnist.errors import ConfigError, did_you_mean

DEFAULT_VERSION = "v2"


def shipped(name: str) -> Path:
    """Return a file or folder that ships with the package: inside it where it is installed, beside it in a checkout."""
    package = Path(__file__).parent
    return package / name if (package / name).exists() else package.parent / name


def versions() -> dict[str, Path]:
    """Return the configurations that ship with the package, by name."""
    return {path.stem: path for path in sorted(shipped("configs").glob("*.yaml"))}


def version_path(name: str) -> Path:
    """Return the file of a shipped version; raise ConfigError if there is none of that name."""
    known = versions()
    if name not in known:
        guess = did_you_mean(name, known)
        raise ConfigError(
            f"there is no version '{name}'",
            f"{guess} give one of {', '.join(known)}, or your own file with --config FILE".strip(),
        )
    return known[name]
