"""What stands before the page when it is meant for this machine alone."""

from __future__ import annotations

from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware

LOCAL_HOSTS = ("127.0.0.1", "localhost", "[::1]")


def local_only() -> list[Middleware]:
    """Answer only requests that were addressed to this machine by name.

    Without it a foreign web page could point its own host name at 127.0.0.1 (DNS rebinding) and read the answers.
    """
    return [Middleware(TrustedHostMiddleware, allowed_hosts=list(LOCAL_HOSTS))]
