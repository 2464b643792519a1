"""Secrets at rest: readable with the key only, at their own place only, and re-encrypted while flows run."""

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st
from wherry.errors import ConfigError
from wherry.secrets import Vault, add_key, open_vault

OLD, NEW, OTHER = (Fernet.generate_key().decode() for _ in range(3))


class Table:
    """A ``SecretTable`` in memory."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], str] = {}

    def get(self, connection: str, field: str) -> str | None:
        return self.rows.get((connection, field))

    def put(self, connection: str, field: str, value: str) -> None:
        self.rows[connection, field] = value

    def replace(self, connection: str, field: str, old: str, new: str) -> bool:
        if self.rows.get((connection, field)) != old:
            return False
        self.rows[connection, field] = new
        return True

    def delete(self, connection: str, field: str) -> None:
        self.rows.pop((connection, field), None)

    def each(self) -> Iterator[tuple[str, str, str]]:
        yield from ((connection, field, value) for (connection, field), value in self.rows.items())


@given(st.text(), st.text(), st.text().map("canary-".__add__))
def test_what_was_put_comes_back_and_lies_encrypted(connection, field, value):
    table = Table()
    vault = Vault(table, [NEW])
    vault.put(connection, field, value)
    assert vault.get(connection, field) == value
    assert value not in table.rows[connection, field]


def test_what_is_not_there_is_none_and_may_be_removed():
    vault = Vault(Table(), [NEW])
    vault.remove("crm", "token")
    vault.put("crm", "token", "canary-1")
    vault.remove("crm", "token")
    assert vault.get("crm", "token") is None


@pytest.mark.parametrize("place", [("crm", "refresh"), ("books", "token"), ("books", "refresh")])
def test_a_ciphertext_copied_to_another_place_is_refused(place):
    """case_G14"""
    table = Table()
    vault = Vault(table, [NEW])
    vault.put("crm", "token", "canary-1")
    table.rows[place] = table.rows["crm", "token"]
    with pytest.raises(ConfigError, match="moved there from another place"):
        vault.get(*place)


def test_a_damaged_ciphertext_is_refused():
    table = Table()
    vault = Vault(table, [NEW])
    vault.put("crm", "token", "canary-1")
    table.rows["crm", "token"] = table.rows["crm", "token"][:-4] + "AAAA"
    with pytest.raises(ConfigError, match="damaged"):
        vault.get("crm", "token")


@pytest.mark.parametrize("stored", ["canary-plain", "", ":", "zz:canary-plain"])
def test_a_plain_value_in_the_store_is_not_taken_for_a_secret(stored):
    """case_G13: no plaintext fallback"""
    table = Table()
    table.rows["crm", "token"] = stored
    with pytest.raises(ConfigError) as caught:
        Vault(table, [NEW]).get("crm", "token")
    assert "canary-plain" not in str(caught.value.as_data()) or stored == "canary-plain"


def test_a_wrong_key_is_named_by_its_fingerprint_and_by_the_one_that_is_needed():
    """case_G13: wrong key"""
    table = Table()
    Vault(table, [OLD]).put("crm", "token", "canary-1")
    with pytest.raises(ConfigError) as caught:
        Vault(table, [OTHER]).get("crm", "token")
    assert Vault(table, [OLD]).fingerprint() in caught.value.message
    assert Vault(table, [OTHER]).fingerprint() in caught.value.message
    assert not [key for key in (OLD, OTHER) if key in str(caught.value.as_data())]
    assert "set-secret crm" in caught.value.fix


@pytest.mark.parametrize("key", ["", "short", "ä" * 44, NEW[:-1]], ids=["empty", "short", "umlauts", "cut"])
def test_a_key_that_is_none_is_refused_without_being_printed(key):
    """case_G13: wrong key"""
    with pytest.raises(ConfigError, match="key 2") as caught:
        Vault(Table(), [NEW, key])
    assert not key or key not in str(caught.value.as_data())


def test_no_key_at_all_is_refused():
    with pytest.raises(ConfigError, match="no key"):
        Vault(Table(), [])


def test_rotation_moves_every_value_under_the_newest_key_and_says_when_the_old_one_may_go():
    """case_G13: rotation"""
    table = Table()
    old = Vault(table, [OLD])
    for number in range(5):
        old.put("crm", f"f{number}", f"canary-{number}")
    both = Vault(table, [NEW, OLD])
    assert both.retired() == ()
    assert both.rotate() == 5
    assert both.retired() == (old.fingerprint(),)
    assert both.rotate() == 0
    alone = Vault(table, [NEW])
    assert [alone.get("crm", f"f{number}") for number in range(5)] == [f"canary-{number}" for number in range(5)]


def test_rotation_that_was_killed_goes_on_where_it_stopped():
    """case_G13: kill during rotation"""

    class Killed(Table):
        left = 3

        def replace(self, connection: str, field: str, old: str, new: str) -> bool:
            if self.left == 0:
                raise KeyboardInterrupt
            self.left -= 1
            return super().replace(connection, field, old, new)

    table = Killed()
    for number in range(5):
        Vault(table, [OLD]).put("crm", f"f{number}", f"canary-{number}")
    both = Vault(table, [NEW, OLD])
    with pytest.raises(KeyboardInterrupt):
        both.rotate()
    assert [both.get("crm", f"f{number}") for number in range(5)] == [f"canary-{number}" for number in range(5)]
    table.left = 10
    assert both.rotate() == 2


def test_rotation_does_not_overwrite_a_token_that_was_renewed_meanwhile():
    """case_G13: rotation in the middle of a run"""

    class Renewing(Table):
        def replace(self, connection: str, field: str, old: str, new: str) -> bool:
            Vault(self, [NEW, OLD]).put(connection, field, "renewed-token")
            return super().replace(connection, field, old, new)

    table = Renewing()
    Vault(table, [OLD]).put("crm", "oauth2", "older-token")
    both = Vault(table, [NEW, OLD])
    assert both.rotate() == 0
    assert both.get("crm", "oauth2") == "renewed-token"


def test_keys_come_from_the_environment_newest_first(tmp_path):
    table = Table()
    Vault(table, [OLD]).put("crm", "token", "canary-1")
    vault = open_vault(table, tmp_path, {"WHERRY_KEY": f"{NEW}, {OLD}"})
    assert vault.get("crm", "token") == "canary-1"
    assert vault.fingerprint() == Vault(table, [NEW]).fingerprint()
    assert not (tmp_path / ".wherry").exists()


def test_a_key_file_is_made_on_first_need_for_its_owner_only(tmp_path):
    table = Table()
    open_vault(table, tmp_path, {}).put("crm", "token", "canary-1")
    path = tmp_path / ".wherry" / "key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert open_vault(table, tmp_path, {}).get("crm", "token") == "canary-1"
    assert list(path.parent.iterdir()) == [path]


def test_a_new_key_is_on_the_disk_by_its_name_before_anything_is_encrypted_with_it(tmp_path, monkeypatch):
    """A power cut after the secret was stored would lose it with the key; what is synced is told by its inode."""
    synced, real = [], os.fsync
    monkeypatch.setattr("os.fsync", lambda handle: (synced.append(os.fstat(handle).st_ino), real(handle)))
    folder = tmp_path / ".wherry"
    for make in (lambda: open_vault(Table(), tmp_path, {}), lambda: add_key(tmp_path, {})):
        synced.clear()
        make()
        key = (folder / "key").stat().st_ino
        assert synced == [key, folder.stat().st_ino, tmp_path.stat().st_ino]


def test_a_lost_key_file_is_not_replaced_while_secrets_need_it(tmp_path):
    """case_G13: key lost"""
    table = Table()
    open_vault(table, tmp_path, {}).put("crm", "token", "canary-1")
    (tmp_path / ".wherry" / "key").unlink()
    with pytest.raises(ConfigError, match=r"secrets are stored \(1\) whose key is missing") as caught:
        open_vault(table, tmp_path, {})
    assert "restore" in caught.value.fix
    assert not (tmp_path / ".wherry" / "key").exists()


def test_a_key_file_that_others_may_read_is_refused(tmp_path):
    open_vault(Table(), tmp_path, {})
    (tmp_path / ".wherry" / "key").chmod(0o644)
    with pytest.raises(ConfigError, match="may be read by others") as caught:
        open_vault(Table(), tmp_path, {})
    assert caught.value.fix.startswith("chmod 600")


def test_a_key_file_that_may_not_be_read_is_told_and_no_plugin_is_blamed(tmp_path, monkeypatch):
    open_vault(Table(), tmp_path, {})

    def barred(*args):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_text", barred)
    with pytest.raises(ConfigError, match=r"key file .* cannot be read: Permission denied") as caught:
        open_vault(Table(), tmp_path, {})
    assert caught.value.code == "WHERRY-2067"


def test_processes_and_threads_that_start_at_once_agree_on_one_key(tmp_path):
    code = (
        "import sys; from pathlib import Path; from wherry.secrets import open_vault\n"
        "class T:\n    def each(self): return ()\n"
        "print(open_vault(T(), Path(sys.argv[1]), {}).fingerprint())"
    )
    children = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: open_vault(Table(), tmp_path, {}).fingerprint(), range(8)))
    found |= {child.communicate(timeout=60)[0].strip() for child in children}
    assert len(found) == 1


def test_the_key_file_is_not_made_in_a_folder_that_may_be_entered_by_others(tmp_path: Path):
    open_vault(Table(), tmp_path, {})
    assert stat.S_IMODE(os.stat(tmp_path / ".wherry").st_mode) & 0o077 == 0
