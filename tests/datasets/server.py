"""A loopback HTTP server for the tests: byte ranges, entity tags, and faults on request."""

import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

Fault = Callable[[BaseHTTPRequestHandler, bytes, int], bool]  # handler, body from `start`, start -> answered?


@dataclass
class Served:
    """`files`: body by path; `faults`: by path, used up from the front, one a request; `log`: path and Range."""

    address: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    faults: dict[str, list[Fault]] = field(default_factory=dict)
    log: list[tuple[str, str | None]] = field(default_factory=list)
    ranges: bool = True

    def url(self, path: str) -> str:
        return f"{self.address}{path}"


def cut(after: int) -> Fault:
    """Close the connection after `after` bytes of a body that was announced whole."""

    def fault(handler: BaseHTTPRequestHandler, body: bytes, start: int) -> bool:
        _headers(handler, body, start)
        handler.wfile.write(body[:after])
        handler.close_connection = True
        return True

    return fault


def status(code: int) -> Fault:
    def fault(handler: BaseHTTPRequestHandler, body: bytes, start: int) -> bool:
        handler.send_error(code)
        return True

    return fault


def answer(code: int, headers: dict[str, str]) -> Fault:
    """An empty answer with these headers."""

    def fault(handler: BaseHTTPRequestHandler, body: bytes, start: int) -> bool:
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.close_connection = True
        return True

    return fault


def web_page(content_type: str = "text/html; charset=utf-8") -> Fault:
    """A page with status 200 where a file was asked for, as dead links give after a redirect to the home page."""

    def fault(handler: BaseHTTPRequestHandler, body: bytes, start: int) -> bool:
        page = b"\n<!DOCTYPE html><html><body>Welcome to the lab</body></html>"
        handler.send_response(200)
        handler.send_header("Content-Type", content_type)
        handler.send_header("Content-Length", str(len(page)))
        handler.end_headers()
        handler.wfile.write(page)
        return True

    return fault


def _headers(handler: BaseHTTPRequestHandler, body: bytes, start: int, ranges: bool = True) -> None:
    handler.send_response(206 if start else 200)
    if start:
        handler.send_header("Content-Range", f"bytes {start}-{start + len(body) - 1}/{start + len(body)}")
    handler.send_header("Content-Type", "application/octet-stream")
    handler.send_header("Content-Length", str(len(body)))
    handler.send_header("ETag", f'"{start + len(body)}"')
    handler.end_headers()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    served: Served

    def do_GET(self) -> None:
        path, asked = unquote(self.path), self.headers.get("Range")
        self.served.log.append((path, asked))
        if path not in self.served.files:
            self.send_error(404)
            return
        body = self.served.files[path]
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and self.served.ranges else 0
        if self.headers.get("If-Range", f'"{len(body)}"') != f'"{len(body)}"':
            start = 0
        faults = self.served.faults.get(path, [])
        if faults and faults.pop(0)(self, body[start:], start):
            return
        if start >= len(body) > 0:
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(body)}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        _headers(self, body[start:], start)
        self.wfile.write(body[start:])

    def log_message(self, format: str, *arguments: object) -> None:
        """Silent: what was asked for is in `served.log`."""


class Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is part of some tests."""


def start(tls: ssl.SSLContext | None = None) -> tuple[Served, Callable[[], None]]:
    """A server on a free port; what it serves, and the call that stops it."""
    served = Served()
    server = Quiet(("127.0.0.1", 0), type("Bound", (Handler,), {"served": served}))
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    served.address = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()

    def stop() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    return served, stop
