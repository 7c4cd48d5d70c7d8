import json
import shutil
import signal
import ssl
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from audiomnist.errors import ConfigError, UsageError
from audiomnist.page.server import PageServer
from audiomnist.training.checkpoint import save_model
from tests.cli.command import audiomnist, refused, start, succeeds
from tests.page.conftest import Made, settings, untrained

UNVERIFIED = ssl._create_unverified_context()


@contextmanager
def serving(page: str, host: str = "127.0.0.1", *, tls: bool = False) -> Iterator[PageServer]:
    with PageServer(page, host, 0, tls=tls) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_serves_the_page_and_nothing_else() -> None:
    with serving("<title>é</title>") as server:
        with urllib.request.urlopen(server.url) as answer:
            assert answer.read().decode() == "<title>é</title>"
            headers = answer.headers
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"{server.url}../pyproject.toml")
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"] == "frame-ancestors 'none'"
    assert "microphone=(self)" in headers["Permissions-Policy"]
    assert headers["Server"] == "audiomnist"


def test_https_with_a_certificate_of_its_own() -> None:
    with serving("page", "0.0.0.0", tls=True) as server:
        assert server.url.startswith("https://")
        assert "0.0.0.0" not in server.url
        with urllib.request.urlopen(f"https://127.0.0.1:{server.server_port}/", context=UNVERIFIED) as answer:
            assert answer.read() == b"page"


def test_taken_port_and_unknown_host() -> None:
    with serving("page") as server, pytest.raises(UsageError, match="cannot listen at"):
        PageServer("page", "127.0.0.1", server.server_port)
    with pytest.raises(UsageError, match="no host"):
        PageServer("page", "nowhere.invalid", 0)


def test_https_without_openssl(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(ConfigError, match="openssl"):
        PageServer("page", "127.0.0.1", 0, tls=True)


@pytest.mark.parametrize(("words", "told"), [((), "without --tls"), (("--tls",), "the browser warns once")])
def test_demo_for_other_devices(words: tuple[str, ...], told: str, made: Made, tmp_path: Path) -> None:
    save_model(made.model, tmp_path / "model.safetensors")
    process = start(
        "demo", "--model", tmp_path / "model.safetensors", "--host", "0.0.0.0", "--port", 0, "--no-browser", *words
    )
    assert process.stdout is not None
    url = process.stdout.readline().split()[0]
    with urllib.request.urlopen(url, context=UNVERIFIED) as answer:
        assert b"<h1>Say a digit</h1>" in answer.read()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 0
    assert told in errors


def test_export_writes_the_page(made: Made, tmp_path: Path) -> None:
    save_model(made.model, tmp_path / "model.safetensors")
    shown = succeeds("export", tmp_path / "model.safetensors", "--format", "html", "--json").json
    assert (shown["path"], shown["format"]) == (str(tmp_path / "model.html"), "html")
    assert Path(shown["path"]).read_bytes() == made.path.read_bytes()
    assert shown["n_bytes"] == made.path.stat().st_size < 2_000_000


def test_page_asks_for_nothing(made: Made) -> None:
    page = made.path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
    assert "://" not in page
    assert "default-src 'none'" in page
    settings = json.loads(page.partition('id="settings">')[2].partition("</script>")[0])
    assert settings["classes"] == list(made.model.classes)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("window.padding=noise", "cannot pad with noise"),
        ("features.n_fft=480", "a power of two"),
        ("model.widths=[64,128,192,256]", "MB, more than 2"),
    ],
)
def test_models_that_the_page_cannot_compute(change: str, told: str, tmp_path: Path) -> None:
    save_model(untrained(settings("window.clip_ms=700", change)), tmp_path / "model.safetensors")
    assert told in refused(4, "export", tmp_path / "model.safetensors", "--format", "html").error
    assert not (tmp_path / "model.html").exists()


def test_demo_terminated(made: Made, tmp_path: Path) -> None:
    save_model(made.model, tmp_path / "model.safetensors")
    process = start("demo", "--model", tmp_path / "model.safetensors", "--port", 0, "--no-browser", "--json")
    assert process.stdout is not None
    while process.stdout.readline() != "}\n":
        pass
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == 143


def test_demo_without_a_model(tmp_path: Path) -> None:
    assert audiomnist("demo", "--model", tmp_path / "none", "--no-browser").exit_code == 3
