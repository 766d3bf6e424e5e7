"""Sign-in with Hugging Face: OpenID Connect's authorization code flow with PKCE. Knows no page and no session.

A Space whose README says `hf_oauth: true` finds its OAuth app in the environment.
Sources: https://huggingface.co/docs/hub/spaces-oauth and RFC 7636 (PKCE)
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import httpx2

from providers.hugging_face.record import ACCOUNT
from providers.keys import MAX_KEY
from studio.errors import NotReady

SECONDS = 20.0
"""Timeout of a request to Hugging Face."""
_ID = re.compile(r"[\w-]{1,64}", re.ASCII)
_FAILED = "Signing in with Hugging Face did not work: {}. Try again, or continue without signing in."


@dataclass(frozen=True)
class HuggingFacePerson:
    """Who signed in, and the token that pays for them."""

    id: str  # of the account; unlike the name, it never changes
    name: str
    token: str = field(repr=False)
    seconds: float  # how long the token is valid


class HuggingFaceSignIn:
    """The OAuth app of one Space."""

    provider = ACCOUNT.provider

    def __init__(self, client_id: str, client_secret: str, scopes: str, url: str) -> None:
        """
        Args:
            scopes: requested from visitors, separated by spaces; "inference-api" lets their token pay.
            url: of the OpenID provider.
        """
        self._id, self._secret, self._scopes, self._url = client_id, client_secret, scopes, url.rstrip("/")

    @classmethod
    def of_space(cls, environment: Mapping[str, str]) -> HuggingFaceSignIn | None:
        """The OAuth app of this Space, if any."""
        client_id, secret = environment.get("OAUTH_CLIENT_ID"), environment.get("OAUTH_CLIENT_SECRET")
        if not (environment.get("SPACE_ID") and client_id and secret):
            return None
        scopes = environment.get("OAUTH_SCOPES") or "openid profile inference-api"
        return cls(client_id, secret, scopes, environment.get("OPENID_PROVIDER_URL") or "https://huggingface.co")

    def address(self, state: str, verifier: str, redirect_uri: str) -> str:
        """Where to send a browser to sign in.

        Args:
            state: returned with the code.
            verifier: 43 to 128 characters, kept secret until the code is exchanged.
            redirect_uri: where the browser is sent afterwards.
        """
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
        asked = {
            "client_id": self._id,
            "redirect_uri": redirect_uri,
            "response_type": "code",
            "scope": self._scopes,
            "state": state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return f"{self._url}/oauth/authorize?{urlencode(asked)}"

    def person(self, code: str, verifier: str, redirect_uri: str) -> HuggingFacePerson:
        """Exchange a code for the person. Waits for Hugging Face.

        Args:
            verifier, redirect_uri: as given to `address`.

        Raises:
            NotReady: the code is not accepted, or there is no answer; the message contains neither code nor token.
        """
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
            "client_id": self._id,
        }
        with httpx2.Client(base_url=self._url, timeout=SECONDS) as client:
            granted = _json(client, "POST", "/oauth/token", data=form, auth=(self._id, self._secret))
            token = granted.get("access_token")
            if not isinstance(token, str) or not 0 < len(token) <= MAX_KEY:
                raise NotReady(_FAILED.format("it gave no token"))
            about = _json(client, "GET", "/oauth/userinfo", headers={"Authorization": f"Bearer {token}"})
        id, name, seconds = about.get("sub"), about.get("preferred_username"), granted.get("expires_in", 3600)
        if not isinstance(id, str) or not _ID.fullmatch(id):
            raise NotReady(_FAILED.format("it did not say who signed in"))
        if not isinstance(seconds, int) or seconds <= 0:
            raise NotReady(_FAILED.format("it did not say for how long"))
        return HuggingFacePerson(id, str(name or id)[:64], token, float(seconds))


def _json(client: httpx2.Client, method: str, path: str, **options: Any) -> dict[str, Any]:
    try:
        answer = client.request(method, path, **options)
    except (httpx2.HTTPError, OSError):
        raise NotReady(_FAILED.format("it does not answer")) from None  # the chain would quote the request
    if not answer.is_success:
        raise NotReady(_FAILED.format(f"it answered {answer.status_code}"))
    try:
        told = answer.json()
    except ValueError:
        told = None
    return told if isinstance(told, dict) else {}
