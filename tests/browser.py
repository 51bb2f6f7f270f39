"""A real Chromium, without a window, and a site of a test's own that it opens: under a name that is not this machine's, or one that is."""

from __future__ import annotations

import json
import queue
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.engines import needs

FOREIGN = "evil.example"
LIMIT_S = 90


@dataclass
class Site:
    """A server with one page, which tells what it saw with a POST to /told; `asked` is what else it was asked, method and path."""

    page: str
    asked: list[str] = field(default_factory=list)
    told: queue.Queue[Any] = field(default_factory=queue.Queue)

    @contextmanager
    def served(self) -> Iterator[int]:
        """Its port."""
        site = self

        class Handler(BaseHTTPRequestHandler):
            """Answers everything, to every page."""

            def answer(self) -> None:
                """One request."""
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                if self.path == "/told":
                    site.told.put(json.loads(body))
                elif self.path != "/":
                    site.asked.append(f"{self.command} {self.path}")
                page = site.page.encode() if self.path == "/" else b"{}"
                self.send_response(200)
                for name in ("Origin", "Methods", "Headers"):
                    self.send_header(f"Access-Control-Allow-{name}", "*")
                self.send_header("Content-Type", "text/html")
                self.send_header("Content-Length", str(len(page)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(page)

            do_GET = do_POST = do_PUT = do_DELETE = do_OPTIONS = do_HEAD = answer  # noqa: N815 - the server's names

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


def options(profile: Path) -> list[str]:
    """A browser of its own: no profile of the user's, no sandbox (CI is root), and a foreign name that leads to this machine."""
    return [
        "chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-dev-shm-usage",
        "--disable-background-networking", "--disable-component-update", "--no-proxy-server", f"--user-data-dir={profile}",
        f"--host-resolver-rules=MAP {FOREIGN} 127.0.0.1",
    ]  # fmt: skip


def visit(url: str, site: Site, profile: Path) -> Any:
    """Open an address; what the site's page told of it."""
    needs("chromium")
    with (profile.parent / "chromium.log").open("ab") as log:
        process = subprocess.Popen([*options(profile), "--remote-debugging-port=0", url], stdout=log, stderr=log)
    try:
        return site.told.get(timeout=LIMIT_S)
    except queue.Empty:
        raise AssertionError((profile.parent / "chromium.log").read_text()[-3000:]) from None
    finally:
        process.kill()
        process.wait()


def shown(url: str, profile: Path) -> str:
    """The document that an address shows which the user himself opens."""
    needs("chromium")
    done = subprocess.run(
        [*options(profile), "--dump-dom", "--timeout=20000", url],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    return done.stdout
