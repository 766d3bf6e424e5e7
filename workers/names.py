"""Names on the NATS server (subjects, streams, buckets) and timings. No I/O."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import Any

from nats.js.api import AckPolicy, ConsumerConfig, KeyValueConfig, ObjectStoreConfig, RetentionPolicy, StreamConfig

HEARTBEAT_SECONDS = 1.5
"""How often a worker confirms that it is still on a job."""
ACK_WAIT_SECONDS = 6.0
"""After this long without a heartbeat, a job goes to another worker."""
PRESENCE_SECONDS, GONE_SECONDS = 3.0, 10.0
"""How often a worker announces itself, and after what silence it counts as gone."""
MOST_TRIES = 5
"""A job that was started this many times without finishing becomes a dead letter."""
DUPLICATES_SECONDS = 3600.0
"""The server's deduplication window for job ids; later, the result or the message is looked up."""
KEPT_SECONDS = 24 * 3600.0
"""Pictures that nobody fetched expire after this long."""

JOBS, DEAD, PICTURES, WORKERS = "DIORAMA_JOBS", "DIORAMA_DEAD", "diorama-pictures", "diorama-workers"

STREAMS = (
    StreamConfig(
        name=JOBS, subjects=["jobs.>"], retention=RetentionPolicy.WORK_QUEUE, duplicate_window=DUPLICATES_SECONDS
    ),
    StreamConfig(name=DEAD, subjects=["dead.>"], max_age=30 * KEPT_SECONDS),
)
BUCKETS = (
    KeyValueConfig(WORKERS, ttl=GONE_SECONDS),
    ObjectStoreConfig(PICTURES, ttl=KEPT_SECONDS),  # type: ignore[arg-type]  fractions are allowed
)


def token(text: str) -> str:
    """Any text as one token of a subject, also valid as a consumer name; unique for each text."""
    return re.sub(r"[^\w-]", lambda found: "".join(f"={byte:02X}" for byte in found[0].encode()), text, flags=re.ASCII)


def consumer(lane: str, model: str) -> ConsumerConfig:
    """The consumer that all workers with a model pull its jobs from."""
    return ConsumerConfig(
        durable_name=f"{lane}-{token(model)}",
        filter_subject=jobs(lane, model),
        ack_policy=AckPolicy.EXPLICIT,
        ack_wait=ACK_WAIT_SECONDS,
        max_deliver=-1,  # workers put a job aside after MOST_TRIES; what the server gives up on waits forever
        max_ack_pending=10_000,
        max_waiting=10_000,
    )


def jobs(lane: str, model: str) -> str:
    return f"jobs.{lane}.{token(model)}"


def dead(lane: str, model: str) -> str:
    return f"dead.{lane}.{token(model)}"


def events(job: str) -> str:
    return f"events.{job}"


def cancel(job: str) -> str:
    return f"cancel.{job}"


def result(job: str) -> str:
    """The object with the result or the failure."""
    return f"results/{job}"


def inputs(job: str) -> str:
    """The object with the pictures of a request."""
    return f"inputs/{job}"


def saying(event: str, **values: Any) -> dict[str, str]:
    """The headers of a job's event: "progress" with `step`, `steps` and `note`, or "over"."""
    return {"Diorama": json.dumps({"event": event, **values})}


def said(headers: dict[str, str] | None) -> dict[str, Any]:
    with suppress(ValueError):
        values = json.loads((headers or {}).get("Diorama", ""))
        return values if isinstance(values, dict) else {}
    return {}


def presence(worker: str) -> str:
    """The subject that mirrors a worker's entry in the bucket."""
    return f"$KV.{WORKERS}.{worker}"
