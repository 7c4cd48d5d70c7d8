"""Serving the page, and nothing else, from this computer."""

from __future__ import annotations

import ipaddress
import shutil
import socket
import ssl
import subprocess
import tempfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from audiomnist.errors import ConfigError, UsageError

_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "frame-ancestors 'none'",  # the page brings the rest of its policy itself
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_DAYS = 7  # that a certificate is valid


class PageServer(ThreadingHTTPServer):
    """A server that answers ``/`` with one page.

    Raises UsageError if there is no such address, or the port is taken.

    Parameters
    ----------
    port : int
        0 is any free one.
    tls : bool
        Whether to speak https, with a certificate made for this run alone.
    """

    daemon_threads = True

    def __init__(self, page: str, host: str, port: int, *, tls: bool = False) -> None:
        self.page = page.encode()
        self.host = _address_of(host)
        self.scheme = "https" if tls else "http"
        context = _tls_context(self.host) if tls else None
        try:
            super().__init__((host, port), _Handler)
        except OSError as error:
            raise UsageError(
                f"cannot listen at {host}, port {port} ({error.strerror})", "choose another --host or --port"
            ) from error
        if context:  # the handshake is left to the thread of each connection
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"{self.scheme}://{self.host}:{self.server_port}/"

    def handle_error(self, *_: object) -> None:
        """Print nothing about a browser that hangs up, or does not trust the certificate."""


def is_loopback(host: str) -> bool:
    """Return whether only this computer reaches an address; only there does a browser trust plain http."""
    return host == "localhost" or ipaddress.ip_address(_address_of(host)).is_loopback


class _Handler(BaseHTTPRequestHandler):
    server: PageServer
    timeout = 30  # seconds

    def do_GET(self) -> None:
        is_page = self.path.partition("?")[0] == "/"
        body = self.server.page if is_page else b"There is only one page here: /\n"
        self.send_response(200 if is_page else 404)
        for name, value in _HEADERS.items():
            self.send_header(name, value if is_page or name != "Content-Type" else "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    do_HEAD = do_GET

    def version_string(self) -> str:
        return "audiomnist"

    def log_message(self, *_: object) -> None:
        pass


def _address_of(host: str) -> str:
    """Return an address that others can use: of all of this computer's, the one that leads outside."""
    try:
        address = socket.gethostbyname(host)
    except OSError as error:
        raise UsageError(f"there is no host {host} ({error.strerror})", "name an address of this computer") from error
    if not ipaddress.ip_address(address).is_unspecified:
        return address
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # an address for documentation; nothing is sent
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])


def _tls_context(address: str) -> ssl.SSLContext:
    """Make a key and a certificate that only this process ever sees."""
    openssl = shutil.which("openssl")
    if openssl is None:
        raise ConfigError("--tls needs the program openssl, which is not installed", "install openssl")
    with tempfile.TemporaryDirectory() as folder:
        key, certificate = Path(folder, "key.pem"), Path(folder, "certificate.pem")
        command = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", str(_DAYS)]
        command += ["-subj", "/CN=audiomnist", "-addext", f"subjectAltName=IP:{address}"]
        command += ["-keyout", str(key), "-out", str(certificate)]
        made = subprocess.run(command, capture_output=True, text=True, check=False)
        if made.returncode:
            raise ConfigError(
                f"openssl made no certificate: {made.stderr.strip()[-200:]}", "check the installed openssl"
            )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
    return context
