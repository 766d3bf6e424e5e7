"""An OpenID provider on this machine that speaks the endpoints of huggingface.co: authorize, token, userinfo."""

from __future__ import annotations

import base64
import hashlib
import secrets
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from tests.json_server import JsonHandler, JsonServer

CLIENT, SECRET = "diorama-of-the-test", "the-secret-of-the-app"


class _Answers(JsonHandler):
    server: OpenIdProvider

    def do_GET(self) -> None:
        path, query = urlsplit(self.path).path, dict(parse_qsl(urlsplit(self.path).query))
        if path == "/oauth/authorize":
            self._authorize(query)
        elif path == "/oauth/userinfo":
            name = self.server.tokens.get(self.headers.get("Authorization", "").removeprefix("Bearer "))
            said = {"sub": f"id-of-{name}", "preferred_username": name, "name": f"{name} of the test"}
            self.answer(said if name else {"error": "invalid_token"}, 200 if name else 401)
        else:
            self.answer({}, 404)

    def do_POST(self) -> None:
        form = dict(parse_qsl(self.body().decode()))
        app = base64.b64decode(self.headers.get("Authorization", "").removeprefix("Basic ")).decode()
        asked = self.server.codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        is_right = (
            asked is not None
            and self.path == "/oauth/token"
            and app == f"{CLIENT}:{SECRET}"
            and form["grant_type"] == "authorization_code"
            and form["redirect_uri"] == asked["redirect_uri"]
            and base64.urlsafe_b64encode(digest).decode().rstrip("=") == asked["code_challenge"]
        )
        if not is_right or asked is None:
            return self.answer({"error": "invalid_grant"}, 400)
        token = f"hf_oauth_{secrets.token_urlsafe(200)}.{secrets.token_urlsafe(60)}"
        self.server.tokens[token] = asked["person"]
        told = {"access_token": token, "token_type": "bearer", "expires_in": self.server.expires_in}
        return self.answer(told | {"scope": asked["scope"]})

    def _authorize(self, asked: dict[str, str]) -> None:
        self.server.asked.append(asked)
        back = {"state": asked["state"]}
        if self.server.refuses:
            back["error"] = "access_denied"
        else:
            back["code"] = secrets.token_urlsafe(16)
            self.server.codes[back["code"]] = asked | {"person": self.server.person}
        self.send_response(302)
        self.send_header("Location", f"{asked['redirect_uri']}?{urlencode(back)}")
        self.send_header("Content-Length", "0")
        self.end_headers()


class OpenIdProvider(JsonServer):
    """Whoever comes to it is `person`, and allows everything; or, where it `refuses`, nothing."""

    handler = _Answers

    def __init__(self) -> None:
        super().__init__()
        self.person = "ada"
        self.refuses = False
        self.expires_in: Any = 28_800
        self.codes: dict[str, dict[str, str]] = {}  # by code: what was asked for
        self.tokens: dict[str, str] = {}  # by token: whose
        self.asked: list[dict[str, str]] = []

    @property
    def environment(self) -> dict[str, str]:
        """What a Space with `hf_oauth` finds."""
        return {
            "SPACE_ID": "someone/diorama",
            "OAUTH_CLIENT_ID": CLIENT,
            "OAUTH_CLIENT_SECRET": SECRET,
            "OAUTH_SCOPES": "openid profile inference-api",
            "OPENID_PROVIDER_URL": self.url,
        }
