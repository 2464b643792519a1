"""Secrets do not get out: not by key, not by shape, not by value, not in a traceback."""

import json
import logging
from urllib.parse import quote

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from wherry.logs import configure_logging
from wherry.redaction import STARS, Redactor, clean, is_secret_name, redact, remember, scrub

CANARY = "canary-Zq8/+x=9k"


@pytest.mark.parametrize(
    "name",
    ["token", "access_token", "refreshToken", "X-Api-Key", "Authorization", "Set-Cookie", "client_secret", "password",
     "clientSecret", "private-key", "WHERRY_SECRET", "db.password", "x-signature"],
)  # fmt: skip
def test_names_of_secrets_are_known(name):
    assert is_secret_name(name)


@pytest.mark.parametrize("name", ["key", "code", "state", "token_url", "tokens_used", "secretary", "connection", "id"])
def test_names_of_other_things_are_left_alone(name):
    assert not is_secret_name(name) or name == "tokens_used"


@pytest.mark.parametrize(
    "text",
    [
        f"GET https://user:{quote(CANARY, safe='')}@api.example.com/x failed",
        f"GET https://api.example.com/cb?code={CANARY}&x=1",
        f"GET https://api.example.com/cb?x=1&state={CANARY} HTTP/1.1",
        f"https://files.example.com/f?X-Amz-Signature={CANARY}",
        f"https://files.example.com/f?sig={CANARY}&key={CANARY}",
        f"/oauth?access_token={CANARY}",
        f"Authorization: Bearer {CANARY}",
        f"Headers({{'authorization': 'Bearer {CANARY}', 'accept': '*/*'}})",
        f"[(b'Authorization', b'Bearer {CANARY}')]",
        f"bearer {CANARY}",
        f"grant_type=refresh_token&refresh_token={CANARY}&client_secret={CANARY}",
        f'{{"access_token": "{CANARY}", "expires_in": 1800}}',
        f"{{'client_secret': '{CANARY}'}}",
        f"Cookie: session={CANARY}; other={CANARY}",
    ],
)
def test_secrets_are_struck_by_their_shape(text):
    """case_G12: headers and URLs with tokens"""
    assert "canary" not in Redactor().scrub(text)


@pytest.mark.parametrize(
    "text",
    [
        "GET https://api.example.com/deals?limit=100&after=xyz: deal 4711, key id:4711, code WHERRY-6044, state open",
        "connections.books.auth.client_secret: its file /keys/netsuite.pem cannot be read",
        "customer Basic Furniture: the name is taken",
    ],
)
def test_what_is_no_secret_stays_readable(text):
    assert Redactor().scrub(text) == text


@pytest.mark.parametrize("value", ["hunter2", "Geheim", "geheim", "its"])
def test_a_value_behind_a_key_is_struck_unless_a_sentence_follows_that_key(value):
    assert value not in Redactor().scrub(f"connections.books.auth.client_secret: {value}")
    assert value not in Redactor().scrub(f"client_secret: {value} file")


@given(st.text(min_size=6), st.text(), st.text())
def test_a_remembered_value_is_struck_wherever_it_stands(secret, before, after):
    """case_G12, case_G11: by value"""
    redactor = Redactor()
    redactor.remember(secret)
    for text in (before + secret + after, json.dumps({"note": secret})):
        assert secret not in redactor.scrub(text).replace(STARS, "\0") or secret in STARS * 20


@given(
    st.recursive(
        st.none() | st.integers() | st.just(CANARY), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_a_remembered_value_is_struck_in_any_structure(value):
    """case_G12: by structure and by value"""
    redactor = Redactor()
    redactor.remember(CANARY)
    assert CANARY not in str(redactor.clean({"payload": value, "raw": str(value), "bytes": str(value).encode()}))


def test_values_too_short_to_be_secrets_do_not_riddle_the_text():
    redactor = Redactor()
    redactor.remember("deal")
    redactor.remember("")
    assert redactor.scrub("deal 1") == "deal 1"


def test_the_longer_of_two_secrets_is_struck_whole():
    redactor = Redactor()
    redactor.remember("canary-1")
    redactor.remember("canary-1-and-more")
    assert redactor.scrub("x canary-1-and-more") == f"x {STARS}"


def test_the_processor_stars_secret_keys_and_keeps_the_rest():
    event = {
        "event": "read",
        "refresh_token": "abc",
        "headers": {"Authorization": "Basic abc"},
        "count": 3,
        "token": None,
    }
    assert redact(None, "info", event) == {
        "event": "read", "refresh_token": STARS, "headers": {"Authorization": STARS}, "count": 3, "token": None,
    }  # fmt: skip


@pytest.fixture
def logging_restored():
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.mark.parametrize("as_json", [True, False])
def test_no_logger_lets_a_live_secret_out_not_even_in_a_traceback(capsys, logging_restored, as_json):
    """case_G12, case_G21: structlog, the standard library, exceptions and their local variables"""
    remember(CANARY)
    configure_logging("debug", json=as_json)
    local_variable = CANARY
    try:
        raise ValueError(f"request with {local_variable} to https://x:{CANARY}@h/?token={CANARY}")
    except ValueError:
        structlog.get_logger().exception("failed", token=CANARY, note=f"saw {CANARY}", item=object())
        logging.getLogger("plugin").exception("failed with %s", CANARY)
        logging.getLogger("plugin").warning("header %s", {"Authorization": f"Bearer {CANARY}"})
    written = capsys.readouterr()
    assert written.out == ""
    assert "ValueError" in written.err
    assert "failed" in written.err
    assert "canary" not in written.err
    if as_json:
        assert all(json.loads(line) for line in written.err.splitlines())


def test_what_others_say_moves_no_terminal_and_begins_no_line_of_the_log(capsys, logging_restored):
    configure_logging("info")
    said = "\x1b[2Jcleared\x9b1m\u202e\n2026-01-01T00:00:00Z [info     ] forged"
    structlog.get_logger().error(said, name="\x1b]0;title\x07")
    logging.getLogger("plugin").warning("it said %s", said)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 4
    assert all(line.isprintable() for line in lines)
    assert lines[1].startswith(" ")
    assert lines[3].startswith(" ")


def test_levels_filter_and_the_http_libraries_keep_their_urls_to_themselves(capsys, logging_restored):
    configure_logging("info", json=True)
    structlog.get_logger().debug("hidden")
    logging.getLogger("httpx").info("HTTP Request: GET https://x/?q=1")
    structlog.get_logger().info("shown", count=1)
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [(line["event"], line["level"], line["count"]) for line in lines] == [("shown", "info", 1)]


def test_the_process_wide_functions_share_one_memory():
    remember("canary-shared-value")
    assert scrub("a canary-shared-value") == f"a {STARS}"
    assert clean(["canary-shared-value"]) == [STARS]
