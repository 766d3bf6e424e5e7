"""Why a provider returned no picture: one class and sentence per cause, with the provider's reason and never a key.

The SDKs' own exceptions stay in the modules that use them; here they are reduced to status, code and reason.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

from providers.keys import Key
from providers.provider import Account
from providers.registry import ACCOUNTS
from studio.errors import CloudFault

LONGEST_REASON = 240
CHARGED = "It may have been charged, so it was not asked again."


class Refused(CloudFault):
    """The prompt or picture violates the provider's rules, or the answer has no picture."""


class Rejected(CloudFault):
    """The request was invalid."""


class Retired(CloudFault):
    """The model does not exist, or no longer for this; another may answer."""


class BadKey(CloudFault):
    """The key is not accepted."""


class Forbidden(CloudFault):
    """The key is valid, but may not do this."""


class NoCredit(CloudFault):
    """The account cannot pay."""


class RateLimited(CloudFault):
    """Too many requests."""

    retry_after: float | None = None  # seconds; None: unknown, or a retry could cost twice


class Timeout(CloudFault):
    """No answer in time."""


class Unreachable(CloudFault):
    """No connection: nothing was charged."""


class Outage(CloudFault):
    """The provider has a problem, or the connection broke."""


class Unusable(CloudFault):
    """The answer is not a picture."""


# Error codes that are more specific than their HTTP status.
# Source: platform.openai.com/docs/guides/error-codes, ai.google.dev/gemini-api/docs/troubleshooting.
_KINDS: Mapping[str, type[CloudFault]] = {
    "moderation_blocked": Refused,
    "content_policy_violation": Refused,
    "content_filter": Refused,
    "insufficient_quota": NoCredit,
    "billing_hard_limit_reached": NoCredit,
    "billing_not_active": NoCredit,
    "invalid_api_key": BadKey,
    "account_deactivated": BadKey,
    "API_KEY_INVALID": BadKey,
    "model_not_found": Retired,
    "invalid_model": Retired,
    "rate_limit_exceeded": RateLimited,
    "server_error": Outage,
}
_BY_STATUS: Mapping[int, type[CloudFault]] = {
    401: BadKey,
    402: NoCredit,
    403: Forbidden,
    404: Retired,
    408: Timeout,
    409: Outage,
    410: Retired,
    429: RateLimited,
    504: Timeout,
    524: Timeout,
}


def of_status(
    key: Key,
    status: int,
    reason: object,
    *,
    code: str = "",
    headers: Mapping[str, str] | None = None,
    retry_after: float | None = None,
    model: str = "",
    accepted: bool = False,
) -> CloudFault:
    """The fault for an HTTP error.

    Args:
        key: the key used: names the provider, and is removed from the reason.
        status: 0 if an error came in the middle of an answer.
        reason: the provider's words.
        code: the provider's own name for the error, if any.
        headers: of the response, for `Retry-After`.
        retry_after: seconds, if the body says so.
        model: the id that was requested.
        accepted: an earlier request of the same call was accepted: a retry could cost twice.
    """
    kind = _KINDS.get(code) or _BY_STATUS.get(status) or (Outage if status >= 500 or status == 0 else Rejected)
    if 300 <= status < 400:
        kind, reason = Outage, "it sent a redirect, which is not followed"
    why = cleaned(reason, key)
    fault = kind(_sentence(kind, key.account, status, why, model))
    if isinstance(fault, RateLimited) and not accepted:
        fault.retry_after = retry_after if retry_after is not None else _retry_after(headers or {})
    return fault


def refused(key: Key, reason: object) -> Refused:
    return Refused(_sentence(Refused, key.account, 200, cleaned(reason, key), ""))


def unusable(key: Key, what: str) -> Unusable:
    """Args: what: what is wrong with the answer, as the end of a sentence."""
    return Unusable(f"{key.account.provider} sent {cleaned(what, key)}. {CHARGED} Ask again, or choose another model.")


def timed_out(account: Account, seconds: float, *, kept: bool) -> Timeout:
    """Args: kept: whether the picture is saved if it still arrives."""
    hope = " Should the picture still arrive, it is kept in the gallery." if kept else ""
    return Timeout(f"{account.provider} did not answer within {seconds:g} seconds. {CHARGED}{hope}")


def cleaned(reason: object, key: Key) -> str:
    """A provider's words made fit for the middle of a sentence: one line, bounded, with keys removed."""
    text = " ".join(str(reason or "").split())
    text = "".join(one for one in text if one.isprintable())
    for form in (key.value, quote(key.value, safe=""), json.dumps(key.value)[1:-1]):
        text = text.replace(form, "***") if form else text
    patterns = "|".join(account.key_pattern for account in (*ACCOUNTS, key.account))
    text = re.sub(rf"\b(?:{patterns})|(?i:\bbearer\s+)[\w.~+/=-]{{6,}}", "***", text).strip(" .:")
    return text if len(text) <= LONGEST_REASON else text[: LONGEST_REASON - 3] + "..."


def _sentence(kind: type[CloudFault], account: Account, status: int, why: str, model: str) -> str:
    name = account.provider
    because = f": {why}" if why else ""
    number = f" ({status})" if status >= 300 else ""
    what = {
        Refused: f"{name} refused this{because}. Change the words or the picture, then try again.",
        Rejected: f"{name} could not use this request{number}{because}. Change it, or choose another model.",
        Retired: f"{name} has no model {model or 'for this'} any more{because}. Choose another model.",
        BadKey: f"{name} does not accept the key in {account.name}{because}. Correct it, or make a new one at "
        f"{account.keys_url}.",
        Forbidden: f"{name} does not let this key do that{number}{because}. Check its rights at {account.keys_url}.",
        NoCredit: f"Your {name} account cannot pay for this{because}. Add credit at {account.billing_url}, then ask "
        "again.",
        RateLimited: f"{name} is not taking more requests right now{number}{because}. Wait a minute, then try again.",
        Timeout: f"{name} did not answer in time{number}{because}. {CHARGED}",
        Outage: f"{name} is having problems{number}{because}. {CHARGED} Try again later, or choose another model.",
    }
    return what[kind]


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds in a `Retry-After` header of either form. Source: RFC 9110, section 10.2.3."""
    value = headers.get("retry-after", "")
    if re.fullmatch(r"\d{1,6}(\.\d+)?", value):
        return float(value)
    try:
        until = parsedate_to_datetime(value)
        now = parsedate_to_datetime(headers.get("date", ""))
        return max(0.0, (until - now).total_seconds())
    except (ValueError, TypeError):
        return None


def details_of(body: Any) -> dict[str, Any]:
    """The `error` object of a JSON body, or {}. OpenAI and Google nest it; with Hugging Face it is a string."""
    error = body.get("error", body) if isinstance(body, dict) else {}
    if isinstance(error, str):
        return {"message": error}
    return error if isinstance(error, dict) else {}
