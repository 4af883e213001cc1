"""A private PostgreSQL for tests: own folder, a socket in it and no port, no fsync, ended by its process id."""

from __future__ import annotations

import fcntl
import importlib.util
import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.waiting import until

# Debian keeps the programs of the server off the PATH.
_PATHS = (os.environ.get("PATH", ""), *map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)))
INITDB = shutil.which("initdb", path=os.pathsep.join(_PATHS))
POSTGRES = shutil.which("postgres", path=os.pathsep.join(_PATHS))
USER, DATABASE = "hilum", "postgres"
# What a test wants of a database is its answers, not that they outlive the machine.
_OPTIONS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "shared_buffers": "32MB",
    "log_min_messages": "fatal",
}


@dataclass(frozen=True)
class Postgresql:
    """A running server: its socket is in `folder`."""

    folder: Path
    pid: int

    def url(self, schema: str = "public") -> str:
        """The URL of a ledger in one schema; its connections are named after it."""
        options = f"&options=-csearch_path%3D{schema}&application_name={schema}"
        return f"postgresql+psycopg://{USER}@/{DATABASE}?host={self.folder}{options}"

    def processes(self) -> list[int]:
        """The server and every process that it has started."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text()
        return [self.pid, *map(int, children.split())]

    @contextmanager
    def asleep(self) -> Iterator[None]:
        """The machine of the database hangs: connections stay open, and nothing answers."""
        stopped = self.processes()
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in reversed(stopped):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    def is_running(self) -> bool:
        with suppress(OSError):
            name, state = Path(f"/proc/{self.pid}/stat").read_text().split()[1:3]
            return name == "(postgres)" and state != "Z"
        return False

    def stop(self) -> None:
        """At once, and nothing of it is left."""
        if self.is_running():
            os.kill(self.pid, signal.SIGQUIT)
            until(lambda: not self.is_running(), timeout_s=20)
        shutil.rmtree(self.folder, ignore_errors=True)


def start_postgresql(address: str = "", port: int = 5432) -> Postgresql:
    """One that runs until `stop`; a test is skipped where it cannot. With `address` it listens there too, and trusts
    whoever reaches it. PostgreSQL refuses to run as root, who hands it to another user."""
    if INITDB is None or POSTGRES is None or importlib.util.find_spec("psycopg") is None:
        pytest.skip(f"not installed: {'initdb' if INITDB is None or POSTGRES is None else 'psycopg'}")
    folder = Path(tempfile.mkdtemp(prefix="hilum-postgresql-"))
    other: dict[str, Any] = {"cwd": folder}
    if os.geteuid() == 0:
        user = _other_user()
        os.chown(folder, user.pw_uid, user.pw_gid)
        other |= {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": ()}
    data = folder / "data"
    made = [INITDB, "-D", str(data), "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
    subprocess.run(made, check=True, stdout=subprocess.DEVNULL, **other)
    if address:
        with (data / "pg_hba.conf").open("a") as rules:
            rules.write("host all all all trust\n")
    settings = _OPTIONS | {"listen_addresses": address, "port": str(port)}
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    with (folder / "log").open("wb") as log:
        command = [POSTGRES, "-D", str(data), "-k", str(folder), *options]
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, **other
        )
    server = Postgresql(folder, process.pid)
    process.returncode = 0  # it outlives whoever has started it
    try:
        until(lambda: _is_ready(data), "the database is ready", timeout_s=60)
    except BaseException:
        server.stop()
        raise
    return server


@contextmanager
def shared_postgresql(folder: Path) -> Iterator[Postgresql]:
    """One for all test processes that name the same folder: the first one starts it, and it ends with the last one,
    however that ends."""
    note, users = folder / "postgresql.json", folder / "postgresql.users"
    with (folder / "postgresql.lock").open("w") as starting, users.open("w") as used:
        fcntl.flock(starting, fcntl.LOCK_EX)
        fcntl.flock(used, fcntl.LOCK_SH)
        if note.exists():
            server = _noted(note)
        else:
            server = start_postgresql()
            note.write_text(json.dumps({"folder": str(server.folder), "pid": server.pid}))
            command = [sys.executable, "-m", __name__, str(note), str(users)]
            watch = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True
            )
            watch.returncode = 0  # it outlives whoever has started it
        fcntl.flock(starting, fcntl.LOCK_UN)
        yield server


def end_after_the_last(note: Path, users: Path) -> None:
    """Wait until no process holds `users` any more, then end the server."""
    with users.open("w") as used:
        fcntl.flock(used, fcntl.LOCK_EX)
        server = _noted(note)
        note.unlink()
        server.stop()


def _noted(note: Path) -> Postgresql:
    known = json.loads(note.read_text())
    return Postgresql(Path(known["folder"]), known["pid"])


def _is_ready(data: Path) -> bool:
    """The last line of this file says so."""
    with suppress(OSError):
        return (data / "postmaster.pid").read_text().split()[-1:] == ["ready"]
    return False


def _other_user() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            return pwd.getpwnam(name)
    raise AssertionError("there is no user that PostgreSQL may run as")


if __name__ == "__main__":
    end_after_the_last(Path(sys.argv[1]), Path(sys.argv[2]))
