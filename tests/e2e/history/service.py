"""A cache service in a folder that follows the rules of actions/cache."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

# What @actions/cache calls: packed as zstd where it is there, else as gzip.
ZSTD = shutil.which("zstd") is not None
PACK = ["--use-compress-program", "zstd -T0" if ZSTD else "gzip"]
UNPACK = ["--use-compress-program", "zstd -d" if ZSTD else "gzip -d"]
LONGEST_KEY = 512
MOST_KEYS = 10


class KeyRefused(Exception):
    """A key that actions/cache refuses; the step fails, and with it the job."""


@dataclass(frozen=True)
class Entry:
    """One saved cache: it can be found by runs of its ref and never changes."""

    ref: str
    key: str
    version: str
    archive: Path


class CacheService:
    """Entries in the order in which they were made."""

    def __init__(self, folder: Path):
        """Archives go to `folder`."""
        self.folder = folder
        self.entries: list[Entry] = []
        folder.mkdir(parents=True, exist_ok=True)

    def restore(
        self, paths: list[str], key: str, restore_keys: list[str], refs: list[str], place: Place
    ) -> str | None:
        """Unpacks the entry that these keys find and returns its key; `refs`: the run's own one first."""
        keys = [key, *restore_keys]
        if len(keys) > MOST_KEYS or any(len(each) > LONGEST_KEY or "," in each for each in keys):
            raise KeyRefused(f"Key Validation Error: {keys}")
        version = _version(paths)
        for ref in refs:
            mine = [entry for entry in self.entries if entry.ref == ref and entry.version == version]
            found = [entry for entry in mine if entry.key == key]
            for prefix in keys:
                found = found or [entry for entry in mine if entry.key.startswith(prefix)]
            if found:
                command = ["tar", "-xf", str(found[-1].archive), "-P", "-C", str(place.workspace), *UNPACK]
                subprocess.run(command, check=True, timeout=600)
                return found[-1].key
        return None

    def save(self, paths: list[str], key: str, ref: str, place: Place) -> Entry | None:
        """Packs what the paths match, unless the ref already has an entry of that key or nothing is there."""
        version = _version(paths)
        if any((entry.ref, entry.key, entry.version) == (ref, key, version) for entry in self.entries):
            return None
        matched = place.matched(paths)
        if not matched:
            return None
        archive = self.folder / f"{len(self.entries):03}.tar"
        manifest = self.folder / "manifest.txt"
        manifest.write_text("".join(f"{os.path.relpath(path, place.workspace)}\n" for path in matched))
        command = ["tar", "--posix", "-cf", str(archive), "-P", "-C", str(place.workspace)]
        subprocess.run([*command, "--files-from", str(manifest), *PACK], check=True, timeout=600)
        entry = Entry(ref, key, version, archive)
        self.entries.append(entry)
        return entry


@dataclass(frozen=True)
class Place:
    """Where the paths of a cache step lead."""

    workspace: Path
    home: Path

    def matched(self, patterns: list[str]) -> list[Path]:
        """As @actions/glob without implicit descendants: in order, `!` takes away what matched before."""
        found: dict[Path, None] = {}
        for pattern in patterns:
            matched = self._glob(pattern.lstrip("!"))
            if not pattern.startswith("!"):
                found.update(dict.fromkeys(matched))
                continue
            for path in matched:
                found.pop(path, None)
        return list(found)

    def _glob(self, pattern: str) -> list[Path]:
        if pattern == "~" or pattern.startswith("~/"):
            pattern = f"{self.home}{pattern[1:]}"
        whole = Path(os.path.normpath(self.workspace / pattern))
        relative = whole.relative_to("/")
        if any(sign in str(relative) for sign in "*?["):
            return sorted(Path("/").glob(str(relative)))
        return [whole] if whole.exists() else []


def _version(paths: list[str]) -> str:
    return hashlib.sha256("|".join([*paths, "zstd" if ZSTD else "gzip"]).encode()).hexdigest()
