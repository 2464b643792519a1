"""The first schema. Written out: later changes of the tables never change what this made."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def _text(name: str, key: bool = False) -> "sa.Column[str]":
    return sa.Column(name, sa.Text, primary_key=key, nullable=False, server_default=None if key else "")


def _number(name: str) -> "sa.Column[int]":
    return sa.Column(name, _ID, nullable=False, server_default="0")


def upgrade() -> None:
    op.create_table(
        "api_tokens",
        _text("id", key=True),
        _text("name"),
        _text("hash"),
        _text("app_hash"),
        _text("scopes"),
        _text("created_at"),
        _text("created_by"),
        _text("expires_at"),
        _text("revoked_at"),
        _text("revoked_by"),
        _text("used_at"),
        _text("used_from"),
    )
    op.create_table(
        "movements",
        sa.Column("id", _ID, primary_key=True, autoincrement=False, nullable=False),
        sa.Column("sink", _ID, nullable=False, autoincrement=False),
        _text("flow"),
        _text("kind"),
        _text("key"),
        _text("date"),
        _text("currency"),
        _number("minor"),
        _text("partition"),
        _text("body"),
        _text("state"),
        _text("entry"),
        _text("reason"),
        _number("undoes"),
        _text("confirmed"),
        _text("at"),
        _text("run"),
    )
    op.create_index("movements_by_flow", "movements", ["sink", "flow", "state"])
    op.create_index("movements_by_entry", "movements", ["sink", "flow", "entry"])
    op.create_table(
        "homes",
        sa.Column("sink", _ID, primary_key=True, autoincrement=False, nullable=False),
        sa.Column("source", _ID, primary_key=True, autoincrement=False, nullable=False),
        _text("kind", key=True),
        _text("record", key=True),
        _text("flow", key=True),
        _text("entity", key=True),
        _text("key"),
        _text("form"),
    )
    op.create_index("homes_by_flow", "homes", ["flow", "form", "kind"])
    op.create_table(
        "meta",
        _text("key", key=True),
        _text("value"),
    )
    op.create_table(
        "connections",
        sa.Column("id", _ID, primary_key=True, autoincrement=True, nullable=False),
        _text("name"),
        _text("plugin"),
        _text("account_id"),
        _text("account_name"),
        _text("state"),
        _text("reason"),
        _text("bound_at"),
        _text("checked_at"),
        _text("credential"),
        sa.UniqueConstraint("name"),
        sa.UniqueConstraint("plugin", "account_id"),
    )
    op.create_table(
        "runs",
        _text("id", key=True),
        _text("flow"),
        _text("cause"),
        _text("state"),
        _text("started_at"),
        _text("finished_at"),
        sa.Column("exit_code", sa.Integer, nullable=True),
        _text("summary"),
    )
    op.create_index("runs_by_flow", "runs", ["flow", "id"])
    op.create_table(
        "marks",
        _text("flow", key=True),
        _text("kind", key=True),
        _text("fingerprint"),
        _text("mark"),
        _text("saved_at"),
        _text("swept_at"),
    )
    op.create_table(
        "seen",
        _text("flow", key=True),
        _text("kind", key=True),
        _text("source_id", key=True),
        _text("version"),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        _text("fate"),
        _text("reason"),
        sa.Column("amount", _ID, nullable=True),
        _text("currency"),
        _text("synced"),
        _text("run"),
    )
    op.create_table(
        "links",
        sa.Column("sink", _ID, primary_key=True, autoincrement=False, nullable=False),
        sa.Column("source", _ID, primary_key=True, autoincrement=False, nullable=False),
        _text("entity", key=True),
        _text("key", key=True),
        _text("target"),
        _text("rule"),
        _text("digest"),
        _text("made_at"),
        _text("made_by"),
        _text("run"),
        _text("token"),
        _number("sequence"),
        _text("body"),
        _number("call"),
    )
    op.create_index("links_by_target", "links", ["sink", "entity", "target"])
    op.create_table(
        "items",
        sa.Column("id", _ID, primary_key=True, autoincrement=True, nullable=False),
        sa.Column("sink", _ID, autoincrement=False, nullable=False),
        sa.Column("source", _ID, autoincrement=False, nullable=False),
        _text("entity"),
        _text("key"),
        _text("flow"),
        _text("run"),
        _text("state"),
        _text("record_kind"),
        _text("record_id"),
        sa.Column("root", sa.Boolean, nullable=False),
        _text("draft"),
        _text("label"),
        _text("target"),
        _text("reason"),
        _text("field"),
        _text("fix"),
        _text("same"),
        sa.Column("amount", _ID, nullable=True),
        _text("currency"),
        _text("created_at"),
        _text("changed_at"),
        _text("action"),
        _text("stamp"),
        _number("sequence"),
        _number("attempt"),
        _text("token"),
        _text("memo"),
        _text("approval"),
        _text("due"),
        _number("tries"),
        _number("call"),
        _text("follower"),
        _text("evidence"),
        _number("overwrite"),
        sa.UniqueConstraint("sink", "source", "entity", "key"),
    )
    op.create_index("items_by_record", "items", ["flow", "record_kind", "record_id"])
    op.create_index("items_by_sink", "items", ["sink", "state", "id"])
    op.create_index("items_by_state", "items", ["state", "flow"])
    op.create_table(
        "edges",
        sa.Column("item", _ID, primary_key=True, autoincrement=False, nullable=False),
        _text("entity", key=True),
        _text("key", key=True),
    )
    op.create_index("edges_by_need", "edges", ["entity", "key"])
    op.create_table(
        "calls",
        sa.Column("id", _ID, primary_key=True, autoincrement=False, nullable=False),
        sa.Column("sink", _ID, autoincrement=False, nullable=False),
        _text("state"),
        _text("at"),
        _text("method"),
        _text("path"),
        _text("params"),
        _text("headers"),
        sa.Column("body", sa.LargeBinary, nullable=False),
        _text("lane"),
        _text("items"),
        _number("sent"),
        _number("status"),
        _text("reply_headers"),
        sa.Column("reply", sa.LargeBinary, nullable=True),
        _text("answered_at"),
        _text("problem"),
    )
    op.create_index("calls_by_state", "calls", ["sink", "state"])
    op.create_table(
        "questions",
        sa.Column("id", _ID, primary_key=True, autoincrement=True, nullable=False),
        sa.Column("sink", _ID, autoincrement=False, nullable=False),
        sa.Column("source", _ID, autoincrement=False, nullable=False),
        _text("entity"),
        _text("key"),
        _text("flow"),
        _text("name"),
        _text("sku"),
        _text("state"),
        _text("why"),
        _text("candidates"),
        _text("draft"),
        _text("record_kind"),
        _text("record_id"),
        _text("asked_at"),
        _text("run"),
        _text("answer"),
        _text("rule"),
        _text("reason"),
        _text("answered_at"),
        _text("answered_by"),
        sa.UniqueConstraint("sink", "source", "entity", "key"),
    )
    op.create_table(
        "history",
        sa.Column("id", _ID, primary_key=True, autoincrement=True, nullable=False),
        _text("at"),
        _text("run"),
        _text("flow"),
        _text("record_kind"),
        _text("record_id"),
        _text("entity"),
        _text("key"),
        _text("fate"),
        _text("target"),
        _text("reason"),
        _text("cause"),
        _number("call"),
    )
    op.create_index("history_by_record", "history", ["flow", "record_kind", "record_id"])
    op.create_index("history_by_run", "history", ["run", "id"])
    op.create_index("history_by_thing", "history", ["entity", "key"])
    op.create_table(
        "audit",
        sa.Column("id", _ID, primary_key=True, autoincrement=True, nullable=False),
        _text("at"),
        _text("actor"),
        _text("action"),
        _text("object"),
        _text("detail"),
        _text("previous"),
        _text("hash"),
    )
    op.create_table(
        "documents",
        _text("namespace", key=True),
        _text("kind", key=True),
        _text("id", key=True),
        _text("body"),
        sa.Column("sequence", _ID, autoincrement=False, nullable=False),
    )
    op.create_index("documents_by_sequence", "documents", ["namespace", "kind", "sequence"])
    op.create_table(
        "counters",
        _text("namespace", key=True),
        _text("name", key=True),
        sa.Column("value", _ID, autoincrement=False, nullable=False),
    )
    op.create_table(
        "secrets",
        _text("connection", key=True),
        _text("field", key=True),
        _text("value"),
    )
    op.create_table(
        "cache",
        _text("namespace", key=True),
        _text("key", key=True),
        _text("value"),
        _text("at"),
    )
    op.create_table(
        "flows",
        _text("name", key=True),
        _text("state"),
        _text("since"),
        _text("reason"),
        _text("by"),
        _text("at"),
    )
    op.create_table(
        "plans",
        _text("id", key=True),
        _text("flow"),
        _text("digest"),
        _text("made_at"),
        _text("summary"),
    )
