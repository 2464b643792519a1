"""The tables of the state store, the same on SQLite and PostgreSQL.

Times are ISO 8601 text in UTC, amounts integer minor units, JSON is text. Source: architecture.md, sections 5 and 9.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData()
_Id = BigInteger().with_variant(Integer, "sqlite")


def _text(name: str, *, key: bool = False) -> Column[str]:
    return Column(name, Text, primary_key=key, nullable=False, server_default=None if key else "")


def _int(name: str, *, key: bool = False) -> Column[int]:
    return Column(name, _Id, primary_key=key, nullable=False, autoincrement=False)


def _number(name: str) -> Column[int]:
    return Column(name, _Id, nullable=False, server_default="0")


meta = Table("meta", metadata, _text("key", key=True), _text("value"))

connections = Table(
    "connections", metadata,
    Column("id", _Id, primary_key=True, autoincrement=True),
    _text("name"), _text("plugin"), _text("account_id"), _text("account_name"),
    _text("state"), _text("reason"), _text("bound_at"), _text("checked_at"), _text("credential"),
    UniqueConstraint("name"),
    UniqueConstraint("plugin", "account_id"),
)  # fmt: skip

runs = Table(
    "runs", metadata,
    _text("id", key=True), _text("flow"), _text("cause"), _text("state"), _text("started_at"), _text("finished_at"),
    Column("exit_code", Integer, nullable=True), _text("summary"),
    Index("runs_by_flow", "flow", "id"),
)  # fmt: skip

marks = Table(
    "marks", metadata,
    _text("flow", key=True), _text("kind", key=True), _text("fingerprint"), _text("mark"), _text("saved_at"),
    _text("swept_at"),
)  # fmt: skip

seen = Table(
    "seen", metadata,
    _text("flow", key=True), _text("kind", key=True), _text("source_id", key=True),
    _text("version"), Column("digest", LargeBinary, nullable=False), _text("fate"), _text("reason"),
    Column("amount", _Id, nullable=True), _text("currency"), _text("synced"), _text("run"),
)  # fmt: skip

links = Table(
    "links", metadata,
    _int("sink", key=True), _int("source", key=True), _text("entity", key=True), _text("key", key=True),
    _text("target"), _text("rule"), _text("digest"), _text("made_at"), _text("made_by"), _text("run"),
    _text("token"), _number("sequence"), _text("body"), _number("call"),
    Index("links_by_target", "sink", "entity", "target"),
)  # fmt: skip

items = Table(
    "items", metadata,
    Column("id", _Id, primary_key=True, autoincrement=True),
    _int("sink"), _int("source"), _text("entity"), _text("key"), _text("flow"), _text("run"), _text("state"),
    _text("record_kind"), _text("record_id"), Column("root", Boolean, nullable=False),
    _text("draft"), _text("label"), _text("target"), _text("reason"), _text("field"), _text("fix"), _text("same"),
    Column("amount", _Id, nullable=True), _text("currency"), _text("created_at"), _text("changed_at"),
    _text("action"), _text("stamp"), _number("sequence"), _number("attempt"), _text("token"), _text("memo"),
    _text("approval"), _text("due"), _number("tries"), _number("call"), _text("follower"),
    _text("evidence"), _number("overwrite"),
    UniqueConstraint("sink", "source", "entity", "key"),
    Index("items_by_state", "state", "flow"),
    Index("items_by_sink", "sink", "state", "id"),
    Index("items_by_record", "flow", "record_kind", "record_id"),
)  # fmt: skip

edges = Table(
    "edges", metadata,
    _int("item", key=True), _text("entity", key=True), _text("key", key=True),
    Index("edges_by_need", "entity", "key"),
)  # fmt: skip

calls = Table(
    "calls", metadata,
    _int("id", key=True), _int("sink"), _text("state"), _text("at"), _text("method"), _text("path"), _text("params"),
    _text("headers"), Column("body", LargeBinary, nullable=False), _text("lane"), _text("items"), _number("sent"),
    _number("status"), _text("reply_headers"), Column("reply", LargeBinary, nullable=True), _text("answered_at"),
    _text("problem"),
    Index("calls_by_state", "sink", "state"),
)  # fmt: skip

questions = Table(
    "questions", metadata,
    Column("id", _Id, primary_key=True, autoincrement=True),
    _int("sink"), _int("source"), _text("entity"), _text("key"), _text("flow"), _text("name"), _text("sku"),
    _text("state"), _text("why"), _text("candidates"), _text("draft"), _text("record_kind"), _text("record_id"),
    _text("asked_at"), _text("run"), _text("answer"), _text("rule"), _text("reason"), _text("answered_at"),
    _text("answered_by"),
    UniqueConstraint("sink", "source", "entity", "key"),
)  # fmt: skip

history = Table(
    "history", metadata,
    Column("id", _Id, primary_key=True, autoincrement=True),
    _text("at"), _text("run"), _text("flow"), _text("record_kind"), _text("record_id"), _text("entity"), _text("key"),
    _text("fate"), _text("target"), _text("reason"), _text("cause"), _number("call"),
    Index("history_by_run", "run", "id"),
    Index("history_by_record", "flow", "record_kind", "record_id"),
    Index("history_by_thing", "entity", "key"),
)  # fmt: skip

audit = Table(
    "audit", metadata,
    Column("id", _Id, primary_key=True, autoincrement=True),
    _text("at"), _text("actor"), _text("action"), _text("object"), _text("detail"), _text("previous"), _text("hash"),
)  # fmt: skip

documents = Table(
    "documents", metadata,
    _text("namespace", key=True), _text("kind", key=True), _text("id", key=True), _text("body"), _int("sequence"),
    Index("documents_by_sequence", "namespace", "kind", "sequence"),
)  # fmt: skip

counters = Table("counters", metadata, _text("namespace", key=True), _text("name", key=True), _int("value"))

secrets = Table("secrets", metadata, _text("connection", key=True), _text("field", key=True), _text("value"))

cache = Table("cache", metadata, _text("namespace", key=True), _text("key", key=True), _text("value"), _text("at"))

flows = Table(
    "flows", metadata,
    _text("name", key=True), _text("state"), _text("since"), _text("reason"), _text("by"), _text("at"),
)  # fmt: skip

plans = Table(
    "plans",
    metadata,
    _text("id", key=True),
    _text("flow"),
    _text("digest"),
    _text("made_at"),
    _text("summary"),
)

movements = Table(
    "movements", metadata,
    _int("id", key=True), _int("sink"), _text("flow"), _text("kind"), _text("key"),
    _text("date"), _text("currency"),
    _number("minor"), _text("partition"), _text("body"), _text("state"), _text("entry"), _text("reason"),
    _number("undoes"), _text("confirmed"), _text("at"), _text("run"),
    Index("movements_by_flow", "sink", "flow", "state"),
    Index("movements_by_entry", "sink", "flow", "entry"),
)  # fmt: skip

homes = Table(
    "homes", metadata,
    _int("sink", key=True), _int("source", key=True), _text("kind", key=True), _text("record", key=True),
    _text("flow", key=True), _text("entity", key=True), _text("key"), _text("form"),
    Index("homes_by_flow", "flow", "form", "kind"),
)  # fmt: skip

api_tokens = Table(
    "api_tokens", metadata,
    _text("id", key=True), _text("name"), _text("hash"), _text("app_hash"), _text("scopes"), _text("created_at"),
    _text("created_by"), _text("expires_at"), _text("revoked_at"), _text("revoked_by"), _text("used_at"),
    _text("used_from"),
)  # fmt: skip
