"""Security headers of every response: what the page may load, who may frame it, and how its cookies travel.

Gradio needs 'unsafe-eval' (it compiles templates and its components' scripts) and inline styles. Inline scripts run
only if they were served with the page: their hashes are in the policy.
https://developer.mozilla.org/en-US/docs/Web/HTTP/Guides/CSP
"""

from __future__ import annotations

import base64
import hashlib
import re

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
FOR_EVER = "public, max-age=31536000, immutable"
_SPACES = "https://huggingface.co"  # frames Spaces, and hosts their owners' avatars
_SHARED = "https://gradio.s3-us-west-2.amazonaws.com"  # source of the scripts on gradio's share page

_NAMED_BY_CONTENT = re.compile(r"(?:/[\w.-]+)*/assets/[\w.-]+-[\w-]{8}\d*\.\w+")
"""Gradio's scripts and style sheets, which it serves without cache headers, so that browsers would refetch them."""

_SCRIPT = re.compile(rb"<script(?:\s[^>]*)?>(.*?)</script>", re.DOTALL)


class ResponseHeaders:
    """Adds the headers to every response, and restricts every cookie to this app's own page.

    Args:
        app: the next application.
        is_space: the page is shown in a frame on huggingface.co, which only receives cross-site cookies.
    """

    def __init__(self, app: ASGIApp, *, is_space: bool = False) -> None:
        self._app, self._is_space = app, is_space
        self._ancestors = f"frame-ancestors 'self' {_SPACES}" if is_space else "frame-ancestors 'self'"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        start: Message | None = None

        async def send_with_headers(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                headers = self._add(scope, message)
                if headers.get("content-type", "").startswith("text/html"):
                    start = message  # the policy depends on the body
                    return
            elif start is not None:
                headers = MutableHeaders(scope=start)
                headers["Content-Security-Policy"] = self._policy(message.get("body", b""), _is_shared(scope))
                await send(start)
                start = None
            await send(message)

        await self._app(scope, receive, send_with_headers)

    def _add(self, scope: Scope, start: Message) -> MutableHeaders:
        headers = MutableHeaders(scope=start)
        headers.update(_ALWAYS)
        if start["status"] == 200 and _NAMED_BY_CONTENT.fullmatch(scope["path"]):
            headers.setdefault("Cache-Control", FOR_EVER)
        if not self._is_space:
            headers["X-Frame-Options"] = "SAMEORIGIN"
        if "javascript" not in headers.get("content-type", ""):  # it would apply to a worker made from the script
            headers["Content-Security-Policy"] = f"default-src 'none'; style-src 'unsafe-inline'; {self._ancestors}"
        start["headers"] = [self._strict(scope, *header) for header in headers.raw]
        return MutableHeaders(scope=start)

    def _policy(self, page: bytes, is_shared: bool) -> str:
        """The content security policy."""
        more = f" {_SHARED}" if is_shared else f" {_SPACES}" if self._is_space else ""
        scripts = (base64.b64encode(hashlib.sha256(script).digest()).decode() for script in _SCRIPT.findall(page))
        rules = (
            "default-src 'self'" + more,
            " ".join(["script-src 'self' 'unsafe-eval'" + more, *(f"'sha256-{script}'" for script in scripts)]),
            "style-src 'self' 'unsafe-inline'" + more,
            "font-src 'self' data:" + more,
            "img-src 'self' data: blob:" + more,
            "media-src 'self' data: blob:",
            "connect-src 'self' data: blob:" + more,
            "worker-src 'self' blob:",
            "object-src 'none'",
            "base-uri 'self'",
            "form-action 'self'",
            self._ancestors,
        )
        return "; ".join(rules)

    def _strict(self, scope: Scope, name: bytes, value: bytes) -> tuple[bytes, bytes]:
        if name != b"set-cookie":
            return name, value
        cookie, *attributes = (part.strip() for part in value.decode("latin-1").split(";"))
        kept = [each for each in attributes if each.partition("=")[0].lower() not in _CROSSING]
        is_secure = _is_secure(scope) or "secure" in (each.lower() for each in attributes)
        if self._is_space:
            kept += ["HttpOnly", "SameSite=None", "Secure", "Partitioned"]
        else:
            kept += ["HttpOnly", "SameSite=Strict", *(["Secure"] if is_secure else [])]
        return name, "; ".join([cookie, *kept]).encode("latin-1")


_CROSSING = {"httponly", "samesite", "secure", "partitioned"}
"""Attributes that say who may read a cookie and with which requests it is sent."""


def _is_secure(scope: Scope) -> bool:
    proxied = Headers(scope=scope).get("x-forwarded-proto", "").partition(",")[0].strip()
    return (proxied or scope["scheme"]) == "https"


def _is_shared(scope: Scope) -> bool:
    blocks = getattr(scope.get("app"), "blocks", None)
    return bool(getattr(blocks, "share", False))
