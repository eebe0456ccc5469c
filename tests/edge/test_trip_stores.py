"""The trip to real stores: killed, frozen, full, busy, with passwords and behind TLS."""

import asyncio
import os
import signal
import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from redis import Redis, exceptions
from redis._parsers.base import BaseParser
from redis.asyncio import Redis as AsyncRedis

from edge.embedded import EmbeddedStore
from edge.trip import LostTooError, Trip, _refusal
from tests.edge.between import Between, outcome

pytestmark = pytest.mark.store
LONG_S = 20.0


async def test_a_killed_store_fails_at_once_and_is_found_again(tmp_path: Path) -> None:
    """SIGKILL: the supervisor starts another server, and the same trip reads from it."""
    with EmbeddedStore(tmp_path) as store:
        trip = Trip(store.url, timeout_s=LONG_S)
        assert await trip.get_many(["a"]) == [None]
        os.kill(int((tmp_path / "store.pid").read_text()), signal.SIGKILL)
        kinds = set()
        async with asyncio.timeout(60):
            while (result := await outcome(trip.get_many(["a"]))) != [None]:
                kinds.add(type(result))
                await asyncio.sleep(0.01)
        assert kinds <= {exceptions.ConnectionError, exceptions.BusyLoadingError}
        trip.close()


async def test_a_frozen_store_costs_a_timeout_and_is_found_again(tmp_path: Path) -> None:
    """SIGSTOP: connections are accepted and never answered; after SIGCONT the same trip works."""
    with EmbeddedStore(tmp_path) as store:
        trip = Trip(store.url, timeout_s=0.1)
        pid = int((tmp_path / "store.pid").read_text())
        os.kill(pid, signal.SIGSTOP)
        for _ in range(3):
            with pytest.raises(exceptions.TimeoutError):
                await trip.get_many(["a"])
        os.kill(pid, signal.SIGCONT)
        async with asyncio.timeout(60):
            while await outcome(trip.get_many(["a"])) != [None]:
                await asyncio.sleep(0.01)
        trip.close()


async def test_password_user_and_database_come_from_the_url(tmp_path: Path) -> None:
    """Sent before the first request, without a trip of their own; without them the store refuses, and says so."""
    with EmbeddedStore(tmp_path) as store:
        path = urlsplit(store.url).path
        with Redis.from_url(store.url, db=3, protocol=2) as admin:
            admin.set("a", "in three")
            admin.acl_setuser("reader", enabled=True, passwords=["++b@d ü"], keys=["*"], commands=["+mget", "+select"])
            admin.config_set("requirepass", "secret")
            for credentials, kind in (
                ("", exceptions.AuthenticationError),
                (":wrong@", exceptions.AuthenticationError),
                ("reader:wrong@", exceptions.AuthenticationError),
            ):
                trip = Trip(f"unix://{credentials}{path}?db=3", timeout_s=LONG_S)
                results = await asyncio.gather(*(trip.get_many(["a"]) for _ in range(2)), return_exceptions=True)
                assert [type(result) for result in results] == [kind, kind]
                trip.close()
            for credentials in (":secret@", "reader:%2Bb%40d%20%C3%BC@"):
                trip = Trip(f"unix://{credentials}{path}?db=3", timeout_s=LONG_S)
                assert await trip.get_many(["a"]) == [b"in three"]
                trip.close()
            far = Trip(f"unix://:secret@{path}?db=9999", timeout_s=LONG_S)
            with pytest.raises(exceptions.ResponseError):
                await far.get_many(["a"])
            far.close()
            admin.config_set("requirepass", "")


async def test_a_store_that_is_full_of_clients_refuses(tmp_path: Path) -> None:
    """As redis-py calls it; when there is room again, the next request comes through."""
    with EmbeddedStore(tmp_path) as store, Redis.from_url(store.url, protocol=2) as admin:
        trip = Trip(store.url, timeout_s=LONG_S)
        admin.config_set("maxclients", 1)
        with pytest.raises(exceptions.ConnectionError):
            await trip.get_many(["a"])
        admin.config_set("maxclients", 100)
        assert await trip.get_many(["a"]) == [None]
        trip.close()


async def test_a_busy_script_is_a_refusal_of_that_request_alone(tmp_path: Path) -> None:
    """An endless script: `BUSY` is an answer, so the connection stays."""
    with EmbeddedStore(tmp_path) as store, Redis.from_url(store.url, protocol=2) as admin:
        trip = Trip(store.url, timeout_s=LONG_S)
        assert await trip.get_many(["a"]) == [None]
        admin.config_set("busy-reply-threshold", 1)
        endless: AsyncRedis = AsyncRedis.from_url(store.url, protocol=2)
        script: asyncio.Task[object] = asyncio.create_task(endless.eval("while true do end", 0))  # type: ignore[arg-type]  # because redis-py types both clients at once
        async with asyncio.timeout(60):
            while not isinstance(await outcome(trip.get_many(["a"])), Exception):
                await asyncio.sleep(0.01)
        with pytest.raises(exceptions.ResponseError, match="BUSY"):
            await trip.get_many(["a"])
        admin.script_kill()
        with pytest.raises(exceptions.ResponseError):
            await script
        assert await trip.get_many(["a"]) == [None]
        await endless.aclose()
        trip.close()


@pytest.mark.parametrize(
    "message",
    [
        "LOADING Redis is loading the dataset in memory",
        "READONLY You can't write against a read only replica.",
        "NOAUTH Authentication required.",
        "OOM command not allowed when used memory > 'maxmemory'.",
        "MOVED 3999 127.0.0.1:6381",
        "CLUSTERDOWN The cluster is down",
        "MASTERDOWN Link with MASTER is down",
        "NOPERM this user has no permissions",
        "ERR max number of clients reached",
        "ERR unknown command",
        "BUSY Redis is busy running a script",
        "WRONGPASS invalid username-password pair",
        "",
    ],
)
def test_refusals_are_of_the_kind_that_redis_py_makes_of_them(message: str) -> None:
    """What callers look at: whether the store answered, and whether it could not be reached."""
    ours, theirs = _refusal(message), BaseParser.parse_error(message)  # type: ignore[no-untyped-call]  # because redis-py leaves it untyped
    for kind in (exceptions.ResponseError, exceptions.ConnectionError, exceptions.ClusterDownError):
        assert isinstance(ours, kind) == isinstance(theirs, kind)


async def test_nobody_there_is_said_at_once(tmp_path: Path) -> None:
    """No socket, no listener, no such host."""
    for url in (f"unix://{tmp_path}/nothing.sock", "redis://127.0.0.1:1", "redis://no-such-host.invalid:6379"):
        trip = Trip(url, timeout_s=LONG_S)
        results = await asyncio.gather(trip.get_many(["a"]), trip.get_many(["b"]), return_exceptions=True)
        assert [type(result) for result in results] == [exceptions.ConnectionError, LostTooError]
        trip.close()


def certificate(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """A certificate for 127.0.0.1, signed by itself, and a server's context with it."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "store")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "store.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "store.key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "store.pem", folder / "store.key")
    return folder / "store.pem", context


async def test_tls_is_spoken_and_the_certificate_checked(tmp_path: Path, session_store: str, redis: "Redis") -> None:
    """`rediss://`, with redis-py's own options: a certificate that nobody vouches for ends it."""
    redis.set("a", "b")
    authority, context = certificate(tmp_path)
    async with Between(session_store).listening(context) as store:
        trip = Trip(f"{store.url}?ssl_ca_certs={authority}", timeout_s=LONG_S)
        assert await trip.get_many(["a"]) == [b"b"]
        trip.close()
        stranger = Trip(store.url, timeout_s=LONG_S)
        with pytest.raises(exceptions.ConnectionError):
            await stranger.get_many(["a"])
        stranger.close()
