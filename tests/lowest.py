"""Write the lowest version of every dependency that pyproject.toml allows, as constraints for pip."""

import re
import sys
import tomllib
from pathlib import Path

EXTRAS = ("explain", "export", "hub", "synth", "tensorboard")

if __name__ == "__main__":
    text = (Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8")
    project = tomllib.loads(text)["project"]
    extras = [requirement for name in EXTRAS for requirement in project["optional-dependencies"][name]]
    for requirement in (*project["dependencies"], *extras):
        sys.stdout.write(re.sub(r"^([\w.-]+)>=([\d.]+).*$", r"\1==\2", requirement) + "\n")
