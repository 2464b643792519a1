"""A copy of the company file has its name and its FileID: only its path tells it apart, and a person what it is."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from wherry.errors import TryAgain
from wherry.hub import Hub
from wherry_qbwc import places, sessions, statements, work
from wherry_qbwc.company import Company
from wherry_qbwc.line import Wire, gone

from .desk_rig import desk
from .test_line import Leaving
from .work_rig import NAME, PROJECT, Shop, shop

COMPANY = Company(id="{file}", name="Acme")
HOME, COPY = r"C:\QB\Acme.QBW", r"D:\Old\Acme.QBW"


def opened_from(made: Shop, path: str) -> None:
    """The company file, or a copy of it, is opened from another path."""
    computer, company = made.desktop.computer, made.desktop.company()
    company.path = computer.open = path
    computer.companies = {one.path: one for one in computer.companies.values()}


def test_nothing_is_written_into_what_may_be_a_copy_until_somebody_says_that_it_is_none(tmp_path: Path) -> None:
    """case_F6, I12"""
    with shop(tmp_path) as made:
        assert made.session().how == "done"
        before = made.desktop.company().path
        opened_from(made, COPY)
        made.run()
        outcome = made.session()
        assert outcome.how == "error"
        assert f"is open from {COPY}, and was at {before} before" in outcome.status
        assert "wherry qbwc moved books" in outcome.status
        assert made.written() == []
        with made.hub.store.documents("qbwc") as documents:
            assert places.accept(documents, NAME) == COPY
        assert made.session().how == "done"
        assert len(made.written()) == 3
        opened_from(made, before.upper())
        assert made.session().how == "done", "that path is known, whatever the case of its letters"


def test_the_path_that_the_settings_name_needs_nobodys_word(tmp_path: Path) -> None:
    with Hub.open(_project(tmp_path), environ={}) as hub, hub.store.documents("qbwc") as documents:
        assert places.objection(documents, NAME, COMPANY, HOME, "") is None
        assert places.objection(documents, NAME, COMPANY, COPY.replace("\\", "/"), COPY) is None
        assert places.objection(documents, NAME, COMPANY, "", "") is None, "a Web Connector that tells none"
        assert places.asked(documents, NAME) == ""
        assert places.objection(documents, NAME, COMPANY, r"E:\Acme.QBW", HOME) is not None


def test_a_person_says_where_the_file_lies_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:  # fmt: skip
    with desk(tmp_path, monkeypatch, capsys) as at:
        _project(tmp_path)
        at.does("qbwc moved books", 3)
        assert "no session of books has met its company file at another place" in at.err
        with Hub.open(tmp_path, environ={}) as hub, hub.store.documents("qbwc") as documents:
            places.objection(documents, NAME, COMPANY, HOME, "")
            places.objection(documents, NAME, COMPANY, COPY, "")
        assert COPY in at.does("qbwc moved books")


def _project(folder: Path) -> Path:
    (folder / "wherry.toml").write_text(PROJECT.format(document="sales-order", more=""), "utf-8")
    return folder


# -- what else a session meets -----------------------------------------------------------------------------------------


def test_a_worker_whose_session_another_process_has_taken_over_lets_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would hold the drain's lock for good: nothing would ever leave."""
    monkeypatch.setattr(work, "Wire", partial(Wire, look_every=0.01))
    with shop(tmp_path) as made:
        made.session()
        made.run()
        made.session(caller=Leaving(made, 2))
        [worker] = [one for one in work.threading.enumerate() if one.name == f"qbwc-{NAME}"]
        with made.hub.store.documents("qbwc") as documents:
            kept = documents.get(sessions.KIND, [NAME])[NAME]
            documents.put(sessions.KIND, [(NAME, {**kept, "ticket": "another's"})])
        worker.join(10)
        assert not worker.is_alive()
        assert made.waiting()["queued"] > 0


def test_a_report_that_quickbooks_refuses_keeps_the_others_from_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = [statements.reading(name) for name in (b"one", b"two", b"three")]

    def read(ask: object, one: statements.Question, version: str, year_from: int) -> statements.Rows:
        if one.content == "two":
            raise TryAgain("QuickBooks does not tell", code="WHERRY-6856")
        return [{"answer": one.content}]

    monkeypatch.setattr(statements, "read", read)
    told, error = statements.read_all(lambda content: "", asked, "13.0", 1)
    assert [rows[0]["answer"] for rows in told.values()] == ["one", "three"]
    assert error is not None
    monkeypatch.setattr(statements, "read", lambda *told: (_ for _ in ()).throw(gone("no")))
    with pytest.raises(TryAgain):
        statements.read_all(lambda content: "", asked, "13.0", 1)
