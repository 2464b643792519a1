"""Peers that are away, slow, endless or broken."""

import datetime as dt
import socket
import ssl
import time
import zlib
from collections.abc import Iterator
from itertools import chain, repeat

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from wherry.errors import Rejected, TryAgain
from wherry.http import Http, Patience, Profile, transport
from wherry.testing.clock import FakeClock
from wherry.testing.loopback import Reply, loopback

ONCE = Patience(attempts=1)
HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"


def fail(url: str, clock: FakeClock | None = None, **options) -> TryAgain:
    profile = Profile(base_url=url, timeout=options.pop("timeout", 30.0))
    http = Http(profile, connection="crm", clock=clock or FakeClock(), patience=ONCE, **options)
    with http, pytest.raises(TryAgain) as caught:
        http.read("GET", "/deals")
    return caught.value


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def unknown(host: str, port: int) -> list[str]:
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


def test_a_name_that_is_not_known_says_so():
    """case_E18: DNS failure"""
    error = fail("https://crm.invalid", resolve=unknown)
    assert (error.code, error.where["sent"]) == ("WHERRY-6046", "no")
    assert "DNS" in error.message
    assert "crm.invalid" in error.message


def test_a_port_where_nobody_listens_says_so():
    """case_E18"""
    port = closed_port()
    error = fail(f"http://127.0.0.1:{port}")
    assert (error.code, error.where["sent"]) == ("WHERRY-6053", "no")
    assert f"127.0.0.1:{port}" in error.message
    assert "base_url" in error.fix


def test_the_next_address_is_tried_when_the_first_does_not_answer():
    """case_E18: a name with IPv6 and IPv4 addresses where one is of no use"""
    with loopback(lambda seen: Reply(body={"ok": 1})) as server:
        profile = Profile(base_url=server.url.replace("127.0.0.1", "crm.test"))
        http = Http(profile, clock=FakeClock(), resolve=lambda host, port: ["::1", "127.0.0.2", "127.0.0.1"])
        with http:
            assert http.read("GET", "/").json() == {"ok": 1}


def test_a_host_with_ipv6_only_says_that_there_is_no_route(monkeypatch):
    """case_E18: IPv6 only"""

    def no_route(*args: object, **named: object) -> socket.socket:
        raise OSError(101, "Network is unreachable")

    monkeypatch.setattr(socket, "create_connection", no_route)
    error = fail("https://crm.example.com", resolve=lambda host, port: ["2606:2800:220:1::1"])
    assert (error.code, error.where["sent"]) == ("WHERRY-6054", "no")
    assert "IPv6" in error.message


def test_a_proxy_that_wants_a_sign_in_says_so():
    """case_E18: proxy 407"""
    with loopback(lambda seen: Reply(407)) as server:
        error = fail(server.url)
    assert (error.code, error.where["sent"]) == ("WHERRY-6050", "no")


def certificate(folder, days: int) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context and a client's that trusts it; negative days: expired."""
    import ipaddress

    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "crm")])
    now = dt.datetime.now(dt.UTC)
    built = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(7).not_valid_before(now - dt.timedelta(days=30)).not_valid_after(now + dt.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    pem, secret = folder / "cert.pem", folder / "key.pem"
    pem.write_bytes(built.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pem, secret)
    return server, ssl.create_default_context(cafile=str(pem))


def test_an_expired_certificate_says_so(tmp_path):
    """case_E18: TLS expiry"""
    server_tls, client_tls = certificate(tmp_path, days=-1)
    with loopback(lambda seen: Reply(), tls=server_tls) as server:
        error = fail(server.url, tls=client_tls)
    assert (error.code, error.where["sent"]) == ("WHERRY-6047", "no")
    assert "expired" in error.message
    assert server.seen == []


def test_a_certificate_of_an_unknown_issuer_says_so_and_a_good_one_passes(tmp_path):
    """case_E18"""
    server_tls, client_tls = certificate(tmp_path, days=30)
    with loopback(lambda seen: Reply(body={"ok": 1}), tls=server_tls) as server:
        error = fail(server.url)
        with Http(Profile(base_url=server.url), clock=FakeClock(), tls=client_tls) as http:
            assert http.read("GET", "/").json() == {"ok": 1}
    assert error.code == "WHERRY-6047"


def test_a_server_that_speaks_no_tls_says_so():
    """case_E18"""
    with loopback(lambda seen: b"HTTP/1.1 400 Bad\r\n\r\n") as server:
        error = fail(server.url.replace("http:", "https:"))
    assert (error.code, error.where["sent"]) == ("WHERRY-6047", "no")


def test_a_server_that_falls_silent_is_given_up():
    """case_E11"""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        error = fail(f"http://127.0.0.1:{listener.getsockname()[1]}", timeout=0.2)
    assert (error.code, error.where["sent"]) == ("WHERRY-6049", "perhaps")


def drip(piece: bytes) -> Iterator[bytes]:
    """Endlessly, each piece in a packet of its own."""
    while True:
        time.sleep(0.002)
        yield piece


@pytest.mark.parametrize(
    ("head", "piece"), [(HEAD + b"\r\n", b"1\r\n \r\n"), (HEAD, b"X: y\r\n")], ids=["body", "headers"]
)
def test_an_answer_that_drips_runs_into_the_deadline_of_the_whole(head, piece):
    """case_E11: slow drip, in the body and in the headers"""
    with loopback(lambda seen: chain([head], drip(piece))) as server:
        error = fail(server.url, clock=FakeClock(tick=1.0))
    assert error.code == "WHERRY-6049"
    assert "took too long" in error.message


def test_an_endless_body_is_not_read_past_its_cap():
    """case_E11"""
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"

    def script(seen):
        yield HEAD + b"\r\n"
        yield from repeat(chunk)

    with loopback(script) as server, Http(Profile(base_url=server.url), clock=FakeClock()) as http:
        with pytest.raises(Rejected, match="more than 1 MB"):
            http.read("GET", "/deals", max_bytes=1024 * 1024)
        with pytest.raises(Rejected, match="more than 2 MB"), http.stream("/f", max_bytes=2 * 1024 * 1024) as pieces:
            for _ in pieces:
                pass
    assert len(server.seen) == 2


def test_a_huge_header_is_not_read_to_its_end():
    """case_E11"""
    with loopback(lambda seen: repeat(b"HTTP/1.1 200 OK\r\nX-Big: " + b"x" * 65536)) as server:
        error = fail(server.url)
    assert error.code == "WHERRY-6052"


@pytest.mark.parametrize("bits", [zlib.MAX_WBITS | 16, zlib.MAX_WBITS], ids=["gzip", "deflate"])
def test_a_bomb_is_not_unpacked(bits):
    """case_D10, case_E11: decompression ratio"""
    packer = zlib.compressobj(9, zlib.DEFLATED, bits)
    bomb = packer.compress(bytes(40 * 1024 * 1024)) + packer.flush()
    encoding = "gzip" if bits > zlib.MAX_WBITS else "deflate"
    with loopback(lambda seen: Reply(200, bomb, {"Content-Encoding": encoding})) as server:
        with Http(Profile(base_url=server.url), clock=FakeClock()) as http, pytest.raises(Rejected, match="compressed"):
            http.read("GET", "/deals")


def test_a_bomb_in_an_error_answer_is_not_unpacked_either():
    """case_E11"""
    packer = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    bomb = packer.compress(bytes(40 * 1024 * 1024)) + packer.flush()
    with loopback(lambda seen: Reply(401, bomb, {"Content-Encoding": "gzip"})) as server:
        with Http(Profile(base_url=server.url), clock=FakeClock()) as http, pytest.raises(Rejected, match="compressed"):
            http.read("GET", "/deals")


def test_an_answer_that_nobody_can_read_gives_its_connection_back(monkeypatch):
    """I20: after some of those a client that lives on had none left."""
    monkeypatch.setattr(transport, "CONNECTIONS", 1)
    answers = iter([Reply(body={}, headers={"Content-Encoding": "br"}), Reply(body={"ok": 1})])
    with (
        loopback(lambda seen: next(answers)) as server,
        Http(Profile(base_url=server.url, timeout=3), patience=ONCE) as http,
    ):
        with pytest.raises(TryAgain, match="unasked content-encoding"):
            http.read("GET", "/")
        assert http.read("GET", "/").json() == {"ok": 1}


def test_a_stream_has_a_deadline_of_its_own():
    """case_E11"""
    with loopback(lambda seen: chain([HEAD + b"\r\n"], drip(b"1\r\n \r\n"))) as server:
        http = Http(Profile(base_url=server.url), clock=FakeClock(tick=1.0), patience=ONCE)
        with http, pytest.raises(TryAgain, match="took too long"), http.stream("/f", seconds=20) as pieces:
            list(pieces)


def test_a_deadline_is_measured_by_the_monotonic_clock():
    """case_E14: the wall clock may jump while an answer is read"""
    clock = FakeClock()

    def script(seen):
        clock.jump(366 * 86400)
        return Reply(body={"ok": 1})

    with loopback(script) as server, Http(Profile(base_url=server.url), clock=clock, patience=ONCE) as http:
        assert http.read("GET", "/").json() == {"ok": 1}
