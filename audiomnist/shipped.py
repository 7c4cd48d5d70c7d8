"""The configurations that ship with the package: where they are, without reading them."""

from pathlib import Path

from audiomnist.errors import ConfigError, did_you_mean

DEFAULT_VERSION = "v2"


def versions() -> dict[str, Path]:
    """Return the configurations that ship with the package, by name."""
    package = Path(__file__).parent
    inside = package / "configs"
    folder = inside if inside.is_dir() else package.parent / "configs"
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def version_path(name: str) -> Path:
    """Return the file of a shipped version; raise ConfigError if there is none of that name."""
    known = versions()
    if name not in known:
        guess = did_you_mean(name, known)
        raise ConfigError(
            f"there is no version '{name}'",
            f"{guess}{' ' if guess else ''}known: {', '.join(known)}; a file of your own goes with --config FILE",
        )
    return known[name]
