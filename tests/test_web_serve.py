"""``wherry serve`` as a process of its own: it starts, answers, says no in a sentence, and stops when it is told to."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from wherry.cli import app
from wherry.testing.commands import logging_as_it_was

from .serving import PROJECT

Wherry = Callable[..., int]
PROGRAM = [sys.executable, "-c", "from wherry.cli import main; main()"]


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    with logging_as_it_was():
        yield


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "wherry.toml").write_text(PROJECT, "utf-8")
    return tmp_path


@pytest.fixture
def wherry(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Wherry:
    monkeypatch.chdir(folder)
    return lambda *arguments: app.run(arguments)


@contextlib.contextmanager
def running(folder: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """The command with its first answer, which says where it listens."""
    command = [*PROGRAM, "serve", "--port", "0", "--output", "json", *arguments]
    environ = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, cwd=folder, env=environ, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as process:  # fmt: skip
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line, process.stderr.read() if process.stderr else ""
            yield process, json.loads(line)["data"]
        finally:
            process.kill()


def test_it_serves_an_entry_to_the_bearer_of_a_token_until_it_is_told_to_stop(folder: Path) -> None:
    """b_001_03, b_002_01: the whole way, by commands alone."""
    (folder / "moves.csv").write_text("date,amount,debit,credit,description\n2026-01-31,12.50 USD,6100,1010,fee\n")
    for arguments in (["workspace", "import", "ledger_transaction", "moves.csv"],
                      ["token", "create", "erp", "--scope", "export:read"]):  # fmt: skip
        done = subprocess.run([*PROGRAM, *arguments, "--output", "json"], cwd=folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    made = json.loads(done.stdout)["data"]
    sent = {"authorization": f"Bearer {made['token']}", "x-app-key": made["app_key"]}
    with running(folder) as (process, told):
        answer = httpx.get(f"{told['url']}/v10/accounting-entries/export?system_id=x", headers=sent)
        assert '"amount":12.50' in answer.text
        assert len(told["routes"]) == 6
        process.send_signal(signal.SIGTERM)
        out, log = process.communicate(timeout=30)
        assert process.returncode == 0
        assert made["token"] not in log + out
        assert "path=/v10/accounting-entries/export" in log


def test_ctrl_c_stops_it_without_a_complaint(folder: Path) -> None:
    with running(folder) as (process, told):
        assert httpx.get(f"{told['url']}/health").status_code == 200
        process.send_signal(signal.SIGINT)
        _, log = process.communicate(timeout=30)
        assert process.returncode == 0
        assert "Traceback" not in log


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """One for 127.0.0.1, signed by itself."""
    import datetime as dt
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    folder, key = tmp_path_factory.mktemp("tls"), ec.generate_private_key(ec.SECP256R1())
    name, now = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "hub")]), dt.datetime.now(dt.UTC)
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - dt.timedelta(days=1)).not_valid_after(now + dt.timedelta(days=1))
        .add_extension(names, False).add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    chain, secret = folder / "hub.pem", folder / "hub.key"
    chain.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                         serialization.NoEncryption()))  # fmt: skip
    return chain, secret


def test_with_a_certificate_it_speaks_tls_and_nothing_else(folder: Path, certificate: tuple[Path, Path]) -> None:
    """case_F17"""
    chain, key = certificate
    with running(folder, "--tls-cert", str(chain), "--tls-key", str(key)) as (_, told):
        assert told["url"].startswith("https://127.0.0.1:")
        context = ssl.create_default_context(cafile=str(chain))
        answer = httpx.get(f"{told['url']}/health", verify=context)
        assert answer.headers["strict-transport-security"]
        with pytest.raises(httpx.HTTPError):
            httpx.get(told["url"].replace("https", "http") + "/health")


def test_files_that_are_no_certificate_are_told(
    wherry: Wherry, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "a.pem").write_text("nonsense")
    for name in ("a.pem", "absent.pem"):
        assert wherry("serve", "--port", "0", "--tls-cert", name, "--tls-key", name) == 2
        assert "WHERRY-2166" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(("--host", "0.0.0.0"), "WHERRY-2163"), (("--host", "10.1.2.3", "--name", "hub"), "WHERRY-2163"),
     (("--host", "0.0.0.0", "--behind-tls"), "WHERRY-2164"), (("--tls-cert", "a"), "WHERRY-2165")],
)  # fmt: skip
def test_it_does_not_listen_where_it_would_not_be_safe(
    wherry: Wherry, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], code: str
) -> None:
    """case_F17"""
    assert wherry("serve", *arguments) == 2
    told = capsys.readouterr().err
    assert code in told
    assert "fix" in told


def test_a_port_that_is_taken_is_told(wherry: Wherry, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        assert wherry("serve", "--port", str(other.getsockname()[1])) == 2
    assert "WHERRY-2167" in capsys.readouterr().err


def test_without_the_extra_it_says_what_to_install(
    wherry: Wherry, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "uvicorn" else find(name))
    assert wherry("serve") == 2
    assert "pip install 'wherry[serve]'" in capsys.readouterr().err


def test_tokens_and_the_table_of_routes_need_no_web_server(folder: Path) -> None:
    program = (
        "import sys\nfrom wherry.cli import app\n"
        "assert app.run(['token', 'create', 'erp', '--scope', 'export:read']) == 0\n"
        "assert app.run(['serve', '--routes']) == 0\n"
        "print([name for name in ('starlette', 'uvicorn') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=True)
    assert done.stdout.endswith("[]\n")
    assert "POST    /v10/accounting-entries/mark-as-exported" in done.stdout
