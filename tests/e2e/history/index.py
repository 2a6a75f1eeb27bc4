"""Small wheels, made on the spot, and the index on this machine that hands them out."""

from __future__ import annotations

import base64
import hashlib
import http.server
import random
import re
import shutil
import threading
import zipfile
from pathlib import Path


def wheel(folder: Path, name: str, version: str, *, needs: tuple[str, ...] = (), kilobytes: int = 0) -> None:
    """Makes a wheel of one module, whose `VERSION` is the version, with ballast that does not compress."""
    noise = random.Random(f"{name} {version}").randbytes(kilobytes * 1024)
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}/__init__.py": f'VERSION = "{version}"\n'.encode(),
        f"{info}/METADATA": "\n".join([
            "Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}",
            *(f"Requires-Dist: {need}" for need in needs), "",
        ]).encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: history\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": f"[console_scripts]\n{name} = {name}:VERSION.lower\n".encode(),
    }
    if noise:
        files[f"{name}/ballast.bin"] = noise
    record = [f"{path},sha256={_sum(content)},{len(content)}" for path, content in files.items()]
    files[f"{info}/RECORD"] = "\n".join([*record, f"{info}/RECORD,,", ""]).encode()
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as archive:
        for path, content in files.items():
            # Always the same time, so that the same wheel has the same hash in every run.
            archive.writestr(zipfile.ZipInfo(path), content)


def _sum(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")


class Index:
    """Serves a folder of wheels on this machine as package indexes do, with headers that allow caching."""

    def __init__(self, folder: Path):
        """`folder`: wheels may be added to it at any time."""
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _handler(folder))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        """What pip and uv take as their index."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/simple/"

    def take(self, wheels: Path) -> None:
        """Adds the wheels of a folder."""
        for file in wheels.glob("*.whl"):
            shutil.copy(file, self.folder)

    def close(self) -> None:
        """Ends the server."""
        self._server.shutdown()
        self._server.server_close()


def _name(text: str) -> str:
    return re.sub(r"[-_.]+", "-", text).lower()


def _handler(folder: Path) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:  # noqa: N802
            parts = self.path.strip("/").split("/")
            if parts[0] == "simple" and len(parts) == 2:
                files = sorted(f.name for f in folder.glob("*.whl") if _name(f.name.split("-")[0]) == parts[1])
                page = "".join(f'<a href="/files/{name}">{name}</a>\n' for name in files).encode()
                # An index lets its pages be kept for ten minutes; between two commits more than that goes by.
                self._answer(page, "text/html", "no-cache", found=bool(files))
                return
            file = folder / parts[-1]
            content = file.read_bytes() if file.is_file() else b""
            self._answer(content, "binary/octet-stream", "max-age=365000000, immutable, public", found=file.is_file())

        do_HEAD = do_GET  # noqa: N815

        def _answer(self, content: bytes, kind: str, keep: str, *, found: bool) -> None:
            tag = f'"{hashlib.sha256(content).hexdigest()}"'
            part = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
            status, total = (200 if found else 404), len(content)
            if part and found:
                status, content = 206, content[int(part[1]): int(part[2]) + 1]
            if found and self.headers.get("If-None-Match") == tag:
                status, content = 304, b""
            self.send_response(status)
            for name, value in (("Content-Type", kind), ("Cache-Control", keep), ("ETag", tag), ("Accept-Ranges", "bytes")):
                self.send_header(name, value)
            if status == 206 and part:
                self.send_header("Content-Range", f"bytes {part[1]}-{part[2]}/{total}")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    return Handler
