"""Where requests may go: the guard against requests to places that nobody meant (SSRF)."""

import socket

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from wherry.errors import Guarded, Rejected
from wherry.http import Http, Patience, Profile
from wherry.http.guard import Guard, is_public
from wherry.signin import bearer
from wherry.testing.clock import FakeClock
from wherry.testing.loopback import Reply, loopback

PUBLIC = "93.184.216.34"
HOSTS = ("api.example.com", "*.files.example.com")


def guard(base: str = "https://api.example.com", resolve=lambda host, port: [PUBLIC]) -> Guard:
    return Guard(httpx.URL(base), HOSTS, resolve)


@pytest.mark.parametrize(
    "url",
    [
        "https://api.example.com/x",
        "https://API.example.com./x",
        "https://eu.files.example.com/f?sig=1",
        "https://a.b.files.example.com/f",
        "https://api.example.com:443/x",
    ],
)
def test_listed_hosts_over_https_pass(url):
    guard().check(httpx.URL(url))


@pytest.mark.parametrize(
    "url",
    [
        "http://api.example.com/x", "ftp://api.example.com/x", "file:///etc/passwd", "gopher://api.example.com/",
        "https://evil.com/", "https://files.example.com/", "https://evilfiles.example.com.evil.com/",
        "https://notfiles.example.com/", "https://api.example.com.evil.com/", "https://api.example.com@evil.com/",
        "https://user:pass@api.example.com/", "https://api.example.com:8443/", "https://api.example.com%2eevil.com/",
        "https://evil.com\\@api.example.com/", "https://evil.com#api.example.com", "https://evil.com?api.example.com",
        "https://localhost/", "https://127.0.0.1/", "https://0177.0.0.1/", "https://0x7f.1/", "https://2130706433/",
        "https://[::1]/", "https://[::ffff:127.0.0.1]/", "https://169.254.169.254/latest/meta-data/",
        "https://metadata.google.internal/", "https://аpi.example.com/", "https:///x",
    ],
)  # fmt: skip
def test_everything_else_is_refused_before_a_name_is_resolved(url):
    """case_G9: schemes, userinfo tricks, look-alikes, numeric forms"""
    watcher = guard(resolve=pytest.fail)
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        return
    with pytest.raises(Guarded):
        watcher.check(parsed)


INSIDE = [
    "127.0.0.1", "127.8.9.1", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "198.18.0.1", "192.0.2.1", "224.0.0.1", "239.255.255.250", "255.255.255.255", "240.0.0.1", "::1", "::",
    "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
    "::ffff:169.254.169.254", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2002:a00:1::",
    "2001:db8::1", "fec0::1",
]  # fmt: skip


@pytest.mark.parametrize("address", INSIDE)
def test_a_listed_name_that_leads_inside_is_refused(address):
    """case_G9: loopback, private, link-local, mapped and translated addresses"""
    assert not is_public(address)
    for found in ([address], [PUBLIC, address]):
        with pytest.raises(Guarded, match="not on the open internet"):
            guard(resolve=lambda host, port, found=found: found).addresses("api.example.com", 443)


@pytest.mark.parametrize("address", [PUBLIC, "8.8.8.8", "2606:2800:220:1::1", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_addresses_of_the_open_internet_pass(address):
    assert is_public(address)


@given(st.ip_addresses(v=4))
def test_an_address_embedded_in_ipv6_is_judged_as_the_one_it_stands_for(address):
    """case_G9"""
    number = int(address)
    for form in (f"::ffff:{address}", f"64:ff9b::{number >> 16:x}:{number & 0xFFFF:x}"):
        assert is_public(form) == is_public(str(address))


@pytest.mark.parametrize("host", ["0177.0.0.1", "0x7f.1", "2130706433", "127.1"])
def test_numbers_that_the_system_reads_as_loopback_are_refused_by_address_even_if_listed(host):
    """case_G9: octal, hex, decimal"""
    base = httpx.URL("https://api.example.com")

    def resolve(name: str, port: int) -> list[str]:
        return [socket.inet_ntoa(socket.inet_aton(name))]

    with pytest.raises(Guarded, match=r"127\.0\.0\.1"):
        Guard(base, (host,), resolve).addresses(host, 443)


def test_the_address_that_was_checked_is_the_one_connected_to(monkeypatch):
    """case_G9: a name that changes its address between check and use"""
    resolved, connected = [], []

    def rebinding(host: str, port: int) -> list[str]:
        resolved.append(host)
        return [PUBLIC] if len(resolved) == 1 else ["127.0.0.1"]

    def connect(address: tuple[str, int], *args: object, **named: object) -> socket.socket:
        connected.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", connect)
    profile = Profile(base_url="https://api.example.com", hosts=HOSTS)
    http = Http(profile, clock=FakeClock(), patience=Patience(attempts=5), resolve=rebinding)
    with pytest.raises(Guarded, match=r"leads to 127\.0\.0\.1"):
        http.read("GET", "/deals")
    assert connected == [(PUBLIC, 443)]


def test_a_base_url_set_by_an_operator_admits_exactly_its_scheme_host_and_port():
    """case_G10"""
    inside = guard("http://127.0.0.1:8701", resolve=lambda host, port: ["127.0.0.1"])
    inside.check(httpx.URL("http://127.0.0.1:8701/deals"))
    assert inside.addresses("127.0.0.1", 8701) == ["127.0.0.1"]
    for url in ("http://127.0.0.1:8702/", "https://127.0.0.1:8701/", "http://localhost:8701/", "http://127.0.0.1/"):
        with pytest.raises(Guarded):
            inside.check(httpx.URL(url))
    with pytest.raises(Guarded):
        inside.addresses("127.0.0.1", 443)


def test_the_vendors_own_base_url_meets_the_whole_guard():
    """case_G10: a default is not an operator's word"""
    with pytest.raises(Guarded):
        guard(resolve=lambda host, port: ["10.0.0.8"]).addresses("api.example.com", 443)


def http_for(server, **profile):
    return Http(Profile(base_url=server.url, hosts=HOSTS, **profile), connection="crm", clock=FakeClock())


@pytest.mark.parametrize(
    "where", ["http://127.0.0.1:1/", "https://10.0.0.1/", "https://evil.com/", "file:///etc/passwd"]
)
def test_a_redirect_to_another_place_is_refused_and_a_link_there_is_no_file(where):
    """case_G9: redirect to private; case_G10: links and redirects of an admitted base meet the guard"""
    with loopback(lambda seen: Reply(302, b"", {"Location": where})) as server, http_for(server) as http:
        with pytest.raises(Guarded):
            http.read("GET", "/deals")
        with pytest.raises(Rejected, match="no request was sent"), http.stream("/file"):
            pass
        with pytest.raises(Rejected, match="no request was sent"), http.stream(where):
            pass


def test_redirects_at_home_are_followed_with_credentials_at_most_five_times():
    def script(seen):
        step = int(seen.path[1:])
        return Reply(307, b"", {"Location": f"/{step - 1}"}) if step else Reply(body={"there": True})

    with loopback(script) as server, http_for(server, auth=bearer(lambda: "canary-token")) as http:
        assert http.read("GET", "/5").json() == {"there": True}
        assert {seen.headers["authorization"] for seen in server.seen} == {"Bearer canary-token"}
        with pytest.raises(Guarded, match="more than 5 times"):
            http.read("GET", "/6")


def test_a_redirect_elsewhere_carries_no_credentials(monkeypatch):
    """case_G9: no credentials across hosts"""
    monkeypatch.setattr(Guard, "check", lambda self, url: None)
    monkeypatch.setattr("wherry.http.guard.is_public", lambda address: True)
    with loopback(lambda seen: Reply(200, b"%PDF")) as elsewhere:
        with loopback(lambda seen: Reply(302, b"", {"Location": f"{elsewhere.url}/f?sig=1"})) as server:
            http = http_for(server, auth=bearer(lambda: "canary-token"), headers={"X-Company": "canary-company"})
            with http:
                http.read("GET", "/f", headers={"X-Api-Key": "canary-key"})
    assert "canary" in str(server.seen[0].headers)
    assert "canary" not in str(elsewhere.seen[0].headers)


def test_a_call_with_a_body_is_not_redirected_elsewhere():
    """case_G9"""
    with loopback(lambda seen: Reply(307, b"", {"Location": "https://eu.files.example.com/"})) as server:
        with http_for(server) as http, pytest.raises(Guarded, match="with the call's body"):
            http.read("POST", "/search", body={"secret": "canary"})


def test_a_post_that_is_sent_to_look_elsewhere_becomes_a_get():
    def script(seen):
        return Reply(303, b"", {"Location": "/result"}) if seen.method == "POST" else Reply(body={"ok": 1})

    with loopback(script) as server, http_for(server) as http:
        assert http.read("POST", "/search", body={"a": 1}).json() == {"ok": 1}
    assert [(seen.method, seen.body) for seen in server.seen] == [("POST", b'{"a":1}'), ("GET", b"")]


def test_a_path_cannot_lead_away_from_the_base():
    with loopback(lambda seen: Reply(body={})) as server, http_for(server) as http:
        with pytest.raises(Guarded):
            http.read("GET", "//evil.com/x")
        with pytest.raises(Rejected, match="not a URL"):
            http.read("GET", "https://[::zz/")
        http.read("GET", "@evil.com/x")
    assert [seen.path for seen in server.seen] == ["/@evil.com/x"]


def test_a_refusal_names_the_rule_and_the_host_but_not_the_query():
    with pytest.raises(Guarded) as caught:
        guard().check(httpx.URL("https://evil.com/f?token=canary"))
    assert "not among the hosts" in caught.value.message
    assert "canary" not in str(caught.value.as_data())
