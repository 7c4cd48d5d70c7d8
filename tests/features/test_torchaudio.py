import subprocess
import sys
from pathlib import Path

import numpy as np
import soundfile


def test_a_torchaudio_that_cannot_load_is_one_message_with_the_command_that_mends_it(tmp_path: Path) -> None:
    (tmp_path / "torchaudio.py").write_text("raise OSError('libcudart.so.13: cannot open shared object file')")
    program = (
        "from audiomnist.cli.app import main; import sys;"
        f"sys.argv = ['audiomnist', 'prep', '--data', {str(tmp_path)!r}, '--quiet']; main()"
    )
    soundfile.write(tmp_path / "1_ann_0.wav", np.ones(800, dtype=np.float32) / 2, 8_000)
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": str(tmp_path), "AUDIOMNIST_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 4
    assert "libcudart.so.13" in done.stderr
    assert "pip install --force-reinstall torch torchaudio" in done.stderr
    assert "Traceback" not in done.stderr
