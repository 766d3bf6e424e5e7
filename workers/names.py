"""What is where on the NATS server: subjects, streams, buckets, and the seconds they keep to. No I/O."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import Any

from nats.js.api import AckPolicy, ConsumerConfig, KeyValueConfig, ObjectStoreConfig, RetentionPolicy, StreamConfig

HEARTBEAT_SECONDS = 1.5
"""A worker says so often that it is still at a job."""
ACK_WAIT_SECONDS = 6.0
"""A job whose worker was not heard for so long is given to another one."""
PRESENCE_SECONDS, GONE_SECONDS = 3.0, 10.0
"""A worker says so often that it is there, and is taken for gone after so long without a word."""
MOST_TRIES = 5
"""A job that was started so often without finishing becomes a dead letter."""
DUPLICATES_SECONDS = 3600.0
"""Within this time the server takes a job with the same id once; later its result or its message is looked up."""
KEPT_SECONDS = 24 * 3600.0
"""Pictures that nobody fetched are deleted after so long."""

JOBS, DEAD, PICTURES, WORKERS = "DIORAMA_JOBS", "DIORAMA_DEAD", "diorama-pictures", "diorama-workers"

STREAMS = (
    StreamConfig(
        name=JOBS, subjects=["jobs.>"], retention=RetentionPolicy.WORK_QUEUE, duplicate_window=DUPLICATES_SECONDS
    ),
    StreamConfig(
        name=DEAD,
        subjects=["dead.>", f"$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.{JOBS}.>"],
        max_age=30 * KEPT_SECONDS,
    ),
)
BUCKETS = (
    KeyValueConfig(WORKERS, ttl=GONE_SECONDS),
    ObjectStoreConfig(PICTURES, ttl=KEPT_SECONDS),  # type: ignore[arg-type]  seconds may be fractions
)


def token(text: str) -> str:
    """Any text as one token of a subject, also fit to be the name of a consumer; no two texts have the same."""
    return re.sub(r"[^\w-]", lambda found: "".join(f"={byte:02X}" for byte in found[0].encode()), text, flags=re.ASCII)


def consumer(lane: str, model: str) -> ConsumerConfig:
    """What all workers with a model draw its jobs from."""
    return ConsumerConfig(
        durable_name=f"{lane}-{token(model)}",
        filter_subject=jobs(lane, model),
        ack_policy=AckPolicy.EXPLICIT,
        ack_wait=ACK_WAIT_SECONDS,
        max_deliver=2 * MOST_TRIES,  # a worker puts it aside before; this is for jobs that kill whoever looks at them
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
    """The object with what was made, or why not."""
    return f"results/{job}"


def inputs(job: str) -> str:
    """The object with the pictures of a request."""
    return f"inputs/{job}"


def saying(event: str, **values: Any) -> dict[str, str]:
    """The headers of an event of a job: "progress" with `step`, `steps` and `note`, or "over"."""
    return {"Diorama": json.dumps({"event": event, **values})}


def said(headers: dict[str, str] | None) -> dict[str, Any]:
    with suppress(ValueError):
        values = json.loads((headers or {}).get("Diorama", ""))
        return values if isinstance(values, dict) else {}
    return {}


def presence(worker: str) -> str:
    """The subject on which everybody hears what a worker writes into the bucket."""
    return f"$KV.{WORKERS}.{worker}"
