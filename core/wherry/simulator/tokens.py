"""Signing in at a stand-in, as far as OAuth 2 is the same everywhere. What a vendor refuses, and how, is its own."""

import base64
import hashlib
from urllib.parse import urlencode

from .call import Call, Reply


def challenge_of(verifier: str) -> str:
    """The S256 challenge of a verifier (RFC 7636)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def sent_back(call: Call, code: str, **more: str) -> Reply:
    """The browser's way back from the consent page: the redirect that it was asked with, a code and the state."""
    query = urlencode({"code": code, "state": call.query.get("state", ""), **more})
    return Reply(302, "", {"location": f"{call.query.get('redirect_uri', '')}?{query}"})


class Tokens:
    """Makes codes and tokens. They are counted, not random: the same requests get the same answers."""

    def __init__(self) -> None:
        self._made = 0
        self._codes: dict[str, tuple[str, str]] = {}

    def new(self, prefix: str) -> str:
        """Another one."""
        self._made += 1
        return prefix + hashlib.sha256(f"{prefix} {self._made}".encode()).hexdigest()

    def consented(self, call: Call, prefix: str, **more: str) -> Reply:
        """`sent_back` with a new code, which is kept with the redirect and the challenge of the call."""
        code = self.new(prefix)
        self._codes[code] = call.query.get("redirect_uri", ""), call.query.get("code_challenge", "")
        return sent_back(call, code, **more)

    def redeemed(self, call: Call) -> str | None:
        """The redirect that the form's code was given for, once; None where there is no such code, or the form's
        verifier does not fit its challenge."""
        redirect, challenge = self._codes.pop(call.text("code"), (None, ""))
        return redirect if challenge in ("", challenge_of(call.text("code_verifier"))) else None
