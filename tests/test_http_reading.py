"""Reading over HTTP: what is asked, what is asked again, and what an answer means."""

import datetime as dt
import gc
import gzip
import json
from email.utils import format_datetime

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct
from wherry.errors import AccessLost, ContractBroken, Rejected, TryAgain, WherryError
from wherry.http import Http, Limit, Patience, Profile, Response
from wherry.http.addresses import Addresses
from wherry.http.pacing import SLACK
from wherry.http.transport import route
from wherry.signin import bearer
from wherry.testing.clock import START, FakeClock
from wherry.testing.loopback import Loopback, Reply, loopback


class Deals(Struct):
    results: list[dict[str, str]]


def client(server: Loopback, clock: FakeClock | None = None, **profile: object) -> Http:
    patience = Patience(attempts=4)
    return Http(
        Profile(base_url=server.url, **profile), connection="crm", clock=clock or FakeClock(), patience=patience
    )


def answers(*replies: Reply | bytes):
    """One after the other, the last for ever."""
    return lambda seen: replies[min(seen.number, len(replies)) - 1]


def test_a_read_sends_path_parameters_and_token_and_hands_back_the_decoded_body():
    with loopback(answers(Reply(body={"results": [{"id": "1"}]}))) as server:
        with client(server, auth=bearer(lambda: "pat-canary-1"), headers={"X-Version": "3"}) as http:
            response = http.read("GET", "/deals", params={"limit": 10, "after": None}, expect=Deals)
    seen = server.seen[0]
    assert (seen.path, seen.query) == ("/deals", "limit=10")
    assert seen.headers["authorization"] == "Bearer pat-canary-1"
    assert seen.headers["x-version"] == "3"
    assert response.data == Deals([{"id": "1"}])
    assert response.headers["CONTENT-TYPE"] == "application/json"


def test_a_body_goes_as_json_and_a_path_below_the_base_keeps_the_bases_own_path():
    with loopback(answers(Reply(body={}))) as server:
        profile = Profile(base_url=server.url + "/api")
        with Http(profile, clock=FakeClock()) as http:
            http.read("POST", "/search?x=1", body={"limit": 5})
    seen = server.seen[0]
    assert (seen.path, seen.query, json.loads(seen.body)) == ("/api/search", "x=1", {"limit": 5})
    assert seen.headers["content-type"] == "application/json"


def answers_held() -> set[int]:
    return {id(one) for one in gc.get_objects() if isinstance(one, httpx.Response)}


def test_an_answer_that_was_read_leaves_no_page_behind_that_somebody_has_to_look_for():
    """A run looks for circles seldom: pages that hold themselves were a third of what it held."""
    with loopback(answers(Reply(body={"results": []}))) as server, client(server) as http:
        gc.collect()
        gc.disable()
        try:
            before = answers_held()
            http.read("GET", "/deals", expect=Deals)
            left = answers_held() - before
        finally:
            gc.enable()
    assert not left


NAMES = st.from_regex(r"[\w][\w.-]{0,8}", fullmatch=True)
VALUES = st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.lists(st.text(max_size=4), max_size=3)


@given(
    st.sampled_from(["https://crm.example", "https://crm.example/", "https://crm.example/api/v3", "https://crm.example/a%20b/"]),
    st.lists(NAMES | st.sampled_from(["..", "a b", "%41", "é"]), min_size=1, max_size=3).map("/".join),
    st.sampled_from(["", "/"]),
    st.dictionaries(st.text(max_size=6), VALUES, max_size=3),
)  # fmt: skip
def test_the_short_way_to_an_address_ends_where_the_long_one_does(base, path, slash, params):
    addresses = Addresses(httpx.URL(base))
    told = {name: value for name, value in params.items() if value is not None}
    link = addresses._understood(slash + path)
    assert addresses.of(slash + path, params) == (link.copy_merge_params(told) if told else link)


def test_nothing_is_connected_before_the_first_call():
    http = Http(Profile(base_url="https://example.com", hosts=("example.com",)), resolve=pytest.fail)
    assert http.total == 0
    http.close()


@pytest.mark.parametrize("status", [500, 502, 503, 504, 521, 408])
def test_a_read_is_made_again_while_the_system_is_out_of_order(status):
    with loopback(answers(Reply(status), Reply(status), Reply(body={"results": []}))) as server:
        with client(server) as http:
            assert http.read("GET", "/deals").json() == {"results": []}
    assert (http.retries, http.total) == (2, 3)


def test_endless_errors_end_after_a_bounded_number_of_attempts_and_say_so():
    """case_E10"""
    with loopback(answers(Reply(503, {"message": "maintenance"}, {"X-Request-Id": "r-77"}))) as server:
        with client(server) as http, pytest.raises(TryAgain) as caught:
            http.read("GET", "/deals", params={"q": "hush"})
    assert len(server.seen) == 4
    error = caught.value
    assert "status 503" in error.message
    assert "maintenance" in error.message
    assert error.where == {
        "connection": "crm", "method": "GET", "path": "/deals", "status": 503, "correlation": "r-77",
    }  # fmt: skip
    assert "hush" not in str(error.as_data())


def test_endless_errors_end_when_the_time_for_them_is_used_up():
    """case_E10"""
    clock = FakeClock()
    with loopback(answers(Reply(500))) as server:
        patience = Patience(attempts=1000, total=60.0, spare=1000)
        http = Http(Profile(base_url=server.url), clock=clock, patience=patience)
        with http, pytest.raises(TryAgain):
            http.read("GET", "/deals")
    assert sum(clock.slept) <= 60.0


def test_a_vendor_that_fails_every_other_call_is_not_asked_twice_for_everything():
    """case_E10: the budget of repetitions is for the client, not for each call"""
    with loopback(lambda seen: Reply(500 if seen.number % 2 else 200)) as server:
        http = Http(Profile(base_url=server.url), clock=FakeClock(), patience=Patience(spare=5))
        with http:
            for _ in range(5):
                http.read("GET", "/deals")
            with pytest.raises(TryAgain):
                http.read("GET", "/deals")
    assert http.retries == 5


def test_waits_between_attempts_grow():
    clock = FakeClock()
    with loopback(answers(Reply(500))) as server, client(server, clock) as http, pytest.raises(TryAgain):
        http.read("GET", "/deals")
    assert clock.slept == sorted(clock.slept)
    assert 0.5 <= clock.slept[0] <= 1.0
    assert 2.0 <= clock.slept[2] <= 2.5


@pytest.mark.parametrize(
    "header",
    ["7", format_datetime(START + dt.timedelta(seconds=7), usegmt=True)],
    ids=["seconds", "date"],
)
def test_retry_after_is_kept_to_exactly(header):
    """case_E7: seconds and date"""
    clock = FakeClock()
    clock.jump(3600)  # the machine's clock is wrong; the vendor's date is counted from the vendor's own
    refusal = Reply(429, {}, {"Retry-After": header, "Date": format_datetime(START, usegmt=True)})
    with loopback(answers(refusal, Reply(body={}))) as server, client(server, clock) as http:
        http.read("GET", "/deals")
    assert clock.slept == [7.0]
    assert http.refused == 1


@pytest.mark.parametrize("header", [None, "soon", "-3", "Thu, 99 Foo"])
def test_a_429_without_a_usable_retry_after_waits_one_window_of_its_lane(header):
    """case_E7: absent"""
    clock = FakeClock()
    headers = {} if header is None else {"Retry-After": header}
    with loopback(answers(Reply(429, {}, headers), Reply(body={}))) as server:
        with client(server, clock, limits={"": Limit(100, 10.0)}) as http:
            http.read("GET", "/deals")
    assert clock.slept == [10.0 + SLACK]


def test_an_absurd_retry_after_ends_the_read_at_once_with_a_capped_wait():
    """case_E7: absurd; case_E8: a daily budget is not slept on"""
    clock = FakeClock()
    with loopback(answers(Reply(429, {}, {"Retry-After": "99999999"}))) as server, client(server, clock) as http:
        with pytest.raises(TryAgain) as caught:
            http.read("GET", "/deals")
        with pytest.raises(TryAgain, match="used up"):
            http.read("GET", "/deals")
    assert caught.value.after == 86400.0
    assert clock.slept == []
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    "junk",
    [
        Reply(200, b"<html>Login</html>", {"Content-Type": "text/html"}),
        Reply(200, b""),
        Reply(200, b'{"results": [{"id'),
        Reply(200, {"status": "error"}),
        Reply(200, b'{"results": [{"id": "Caf\xe9"}]}'),
        Reply(200, b'{"results": [], "more": ' + b"[" * 9_000),
        Reply(500, b'{"message": "Caf\xe9"}'),
        Reply(500, b"[" * 9_000),
        b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"results\": [",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nd\r\n{\"results\": []\r\n",
        b"",
        b"SSH-2.0-OpenSSH_9\r\n",
        Reply(200, gzip.compress(b'{"results": []}')[:-6], {"Content-Encoding": "gzip"}),
        Reply(200, b"not gzip at all", {"Content-Encoding": "gzip"}),
        Reply(200, b"{}", {"Content-Encoding": "br"}),
    ],
    ids=["html", "empty", "half-json", "other-shape", "latin", "deep", "latin-error", "deep-error",
         "truncated", "chunk-missing", "hung-up", "not-http", "half-gzip", "no-gzip", "unasked-encoding"],
)  # fmt: skip
def test_a_body_that_cannot_be_what_was_asked_for_is_read_again_and_then_temporary(junk):
    """case_A9, case_E11"""
    with loopback(answers(junk, Reply(body={"results": []}))) as server, client(server) as http:
        assert http.read("GET", "/deals", expect=Deals).data == Deals([])
    with loopback(answers(junk)) as server, client(server) as http, pytest.raises(TryAgain):
        http.read("GET", "/deals", expect=Deals)
    assert len(server.seen) == 4


def test_a_packed_body_is_unpacked():
    page = {"results": [{"id": str(number)} for number in range(5000)]}
    packed = gzip.compress(json.dumps(page).encode())
    with loopback(answers(Reply(200, packed, {"Content-Encoding": "gzip"}))) as server, client(server) as http:
        assert http.read("GET", "/deals", expect=Deals).data.results == page["results"]
    assert server.seen[0].headers["accept-encoding"] == "gzip"


@pytest.mark.parametrize(
    ("status", "error", "code"),
    [
        (400, Rejected, "WHERRY-4042"), (404, Rejected, "WHERRY-4041"), (409, Rejected, "WHERRY-4042"),
        (422, Rejected, "WHERRY-4042"), (405, ContractBroken, "WHERRY-1140"), (415, ContractBroken, "WHERRY-1140"),
        (304, ContractBroken, "WHERRY-1140"), (401, AccessLost, "WHERRY-5041"), (403, AccessLost, "WHERRY-5042"),
        (402, AccessLost, "WHERRY-5042"),
    ],
)  # fmt: skip
def test_what_will_not_change_by_itself_is_asked_once(status, error, code):
    with loopback(answers(Reply(status, {"message": "no such thing"}))) as server, client(server) as http:
        with pytest.raises(error) as caught:
            http.read("GET", "/deals/1")
    assert len(server.seen) == 1
    assert caught.value.code == code
    assert caught.value.where["status"] == status
    if status != 304:
        assert "no such thing" in caught.value.message


def test_lost_rights_name_what_is_missing_and_what_to_do():
    """case_E5"""
    body = {"message": "one or more of the scopes [crm.objects.deals.read] is missing", "correlationId": "c-9"}
    with loopback(answers(Reply(403, body))) as server, client(server) as http:
        with pytest.raises(AccessLost, match=r"crm\.objects\.deals\.read") as caught:
            http.read("GET", "/deals")
    assert caught.value.fix == "grant it there, then check: wherry connection test crm"
    assert caught.value.where["correlation"] == "c-9"


def test_allowed_error_statuses_are_handed_back():
    with loopback(answers(Reply(404, {"a": 1}))) as server, client(server) as http:
        response = http.read("GET", "/deals/1", allow=frozenset({404}), expect=Deals)
    assert (response.status, response.json(), response.data) == (404, {"a": 1}, None)


def test_a_status_that_a_system_answers_with_is_no_error_of_any_read():
    with loopback(answers(Reply(404, {}), Reply(410, {}))) as server:
        with client(server, answers=frozenset({404})) as http:
            assert http.read("GET", "/deals/1").status == 404
            with pytest.raises(Rejected):
                http.read("GET", "/deals/2")


def test_a_plugin_may_say_better_what_an_error_means():
    def classify(response: Response) -> WherryError | None:
        if response.status == 477:
            return TryAgain("the account is being moved", after=12)
        return Rejected("that is a bad deal", code="WHERRY-4999") if response.status == 500 else None

    clock = FakeClock()
    replies = (Reply(477), Reply(500, {}, {"X-Correlation-Id": "c-1"}))
    with loopback(answers(*replies)) as server, client(server, clock, classify=classify) as http:
        with pytest.raises(Rejected, match="a bad deal") as caught:
            http.read("GET", "/deals")
    assert clock.slept == [12]
    assert caught.value.where["correlation"] == "c-1"


def test_requests_are_counted_by_route_with_ids_collapsed():
    with loopback(answers(Reply(body={}))) as server, client(server) as http:
        for path in ("/deals/1", "/deals/22", "/deals", "/deals?after=3"):
            http.read("GET", path)
    assert http.counts == {"GET /deals/{id}": 2, "GET /deals": 2}
    assert http.total == 4


@pytest.mark.parametrize(
    ("path", "collapsed"),
    [
        ("/crm/objects/2026-03/deals/4711", "/crm/objects/2026-03/deals/{id}"),
        ("/crm/v3/objects/0-1/batch/read", "/crm/v3/objects/0-1/batch/read"),
        ("/data/v61.0/sobjects/Opportunity/006Dn00000AbCdEFGH", "/data/v61.0/sobjects/Opportunity/{id}"),
        ("/invoices/6f1c0a52-77c1-4f0e-9a51-0d3b1f6a1c11/lines", "/invoices/{id}/lines"),
        ("/associations/companies/line_items", "/associations/companies/line_items"),
    ],
)
def test_an_id_in_a_path_is_told_from_a_name(path, collapsed):
    assert route(path) == collapsed


def test_cookies_are_not_kept():
    with loopback(answers(Reply(200, {}, {"Set-Cookie": "session=canary; Path=/"}))) as server, client(server) as http:
        http.read("GET", "/a")
        http.read("GET", "/b")
    assert "cookie" not in server.seen[1].headers


def test_a_file_is_streamed_in_pieces_and_a_404_is_rejected():
    content = bytes(range(256)) * 4096
    replies = {"/file": Reply(200, content, {"Content-Type": "application/pdf"}), "/gone": Reply(404)}
    with loopback(lambda seen: replies[seen.path]) as server, client(server) as http:
        with http.stream("/file") as pieces:
            assert b"".join(pieces) == content
        with pytest.raises(Rejected), http.stream("/gone"):
            pass


def test_opening_a_file_is_retried_and_a_file_that_breaks_off_is_temporary():
    cut = b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n%PDF"
    with loopback(answers(Reply(502), cut)) as server, client(server) as http:
        with pytest.raises(TryAgain, match="broke off"), http.stream("/file") as pieces:
            list(pieces)
    assert len(server.seen) == 2


def test_an_unauthorised_stream_sends_no_credentials():
    with loopback(answers(Reply(200, b"x"))) as server:
        profile = {"auth": bearer(lambda: "canary-token"), "headers": {"X-Version": "1"}}
        with client(server, **profile) as http, http.stream(f"{server.url}/f?sig=1", authorised=False) as pieces:
            list(pieces)
    assert "authorization" not in server.seen[0].headers


@pytest.mark.parametrize("junk", [b"<html>", b'"Caf\xe9"', b"[" * 9_000], ids=["html", "latin", "deep"])
def test_junk_outside_expect_is_temporary_too(junk):
    with loopback(answers(Reply(200, junk))) as server, client(server) as http:
        response = http.read("GET", "/deals")
        with pytest.raises(TryAgain):
            response.json()
        with pytest.raises(TryAgain, match="cannot be read"):
            http.decode(response, Deals)


def test_many_threads_share_one_client():
    from concurrent.futures import ThreadPoolExecutor

    with loopback(lambda seen: Reply(body={"results": [{"path": seen.path}]})) as server, client(server) as http:
        with ThreadPoolExecutor(20) as pool:
            found = list(pool.map(lambda n: http.read("GET", f"/d/{n}", expect=Deals).data.results, range(200)))
    assert [result[0]["path"] for result in found] == [f"/d/{number}" for number in range(200)]
    assert http.counts == {"GET /d/{id}": 200}


def test_httpx_is_not_told_to_use_a_proxy_or_netrc_behind_the_guards_back(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with loopback(answers(Reply(body={}))) as server, client(server) as http:
        assert http.read("GET", "/").status == httpx.codes.OK
