"""A real HTTP server on the loopback interface that misbehaves as told."""

import socket
import struct
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any


@dataclass(frozen=True)
class Answer:
    """How one request is answered; the defaults are those of an honest server.

    The content is sent up to ``cut_after`` bytes and then the connection is closed (``reset``: torn down), or
    up to ``stall_after`` bytes and then nothing more comes.
    """

    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    new_content: bytes | None = None
    new_etag: str | None = None
    cut_after: int | None = None
    reset: bool = False
    stall_after: int | None = None
    declared_length: int | None = None
    chunked: bool = False
    ignore_range: bool = False
    ignore_if_range: bool = False
    start_at: int | None = None
    piece_bytes: int = 1 << 16
    pause_s: float = 0.0


class FaultyServer:
    """Serves one file at every path, except ``/missing`` and ``/redirect``.

    Answers are used up one for each request; when none is left, ``default`` serves the rest.
    """

    def __init__(
        self,
        content: bytes,
        *answers: Answer,
        default: Answer | None = None,
        etag: str | None = '"one"',
        last_modified: str | None = None,
    ) -> None:
        self.content = content
        self.answers = list(answers)
        self.default = default or Answer()
        self.etag = etag
        self.last_modified = last_modified
        self.requests: list[dict[str, str]] = []
        self.stopped = threading.Event()
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/corpus.zip"

    @property
    def ranges(self) -> list[str | None]:
        return [request.get("Range") for request in self.requests]

    def next_answer(self, headers: dict[str, str]) -> Answer:
        with self._lock:
            self.requests.append(headers)
            answer = self.answers.pop(0) if self.answers else self.default
            if answer.new_content is not None:
                self.content = answer.new_content
            self.etag = answer.new_etag or self.etag
            return answer

    def __enter__(self) -> "FaultyServer":
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stopped.set()
        self._server.shutdown()
        self._server.server_close()


def _handler(server: FaultyServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.close_connection = True
            if self.path == "/missing":
                self.send_error(404)
                return
            if self.path == "/redirect":
                self.send_response(302)
                self.send_header("Location", "/corpus.zip")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            answer = server.next_answer(dict(self.headers))
            if answer.status is not None:
                self.send_response(answer.status)
                self._send_headers(answer, 0)
                return
            start = self._start(answer)
            if start >= len(server.content) > 0:
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(server.content)}")
                self._send_headers(answer, 0)
                return
            self.send_response(206 if start else 200)
            body = memoryview(server.content)[start:]
            if start:
                total = len(server.content)
                self.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
            self._send_headers(answer, len(body))
            self._send_body(answer, body)

        def _start(self, answer: Answer) -> int:
            asked = self.headers.get("Range")
            if asked is None or answer.ignore_range:
                return 0
            if answer.start_at is not None:
                return answer.start_at
            condition = self.headers.get("If-Range")
            holds = condition is None or condition in (server.etag, server.last_modified)
            if not holds and not answer.ignore_if_range:
                return 0
            return int(asked.removeprefix("bytes=").rstrip("-"))

        def _send_headers(self, answer: Answer, length: int) -> None:
            if server.etag:
                self.send_header("ETag", server.etag)
            if server.last_modified:
                self.send_header("Last-Modified", server.last_modified)
            if answer.chunked:
                self.send_header("Transfer-Encoding", "chunked")
            else:
                declared = length if answer.declared_length is None else answer.declared_length
                self.send_header("Content-Length", str(declared))
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.end_headers()

        def _send_body(self, answer: Answer, body: memoryview) -> None:
            stops = [stop for stop in (answer.cut_after, answer.stall_after) if stop is not None]
            end = min([len(body), *stops])
            for begin in range(0, end, answer.piece_bytes):
                piece = body[begin : min(begin + answer.piece_bytes, end)]
                try:
                    if answer.chunked:
                        self.wfile.write(b"%x\r\n" % len(piece))
                    self.wfile.write(piece)
                    if answer.chunked:
                        self.wfile.write(b"\r\n")
                except OSError:
                    return
                if answer.pause_s:
                    time.sleep(answer.pause_s)
            if answer.stall_after is not None:
                server.stopped.wait(30)
            elif answer.reset:
                linger_not = struct.pack("ii", 1, 0)
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_not)
                self.connection.close()
            elif answer.chunked and answer.cut_after is None:
                self.wfile.write(b"0\r\n\r\n")

        def log_message(self, format: str, *args: Any) -> None:
            """Keep the tests' output clean."""

    return Handler
