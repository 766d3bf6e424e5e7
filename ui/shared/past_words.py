"""Earlier prompts, for the page's scripts. Knows no layout."""

from __future__ import annotations

from studio.contract import Task
from studio.errors import BadRequest
from studio.service import Studio
from ui.shared.pictures import Answer


def past(studio: Studio, owner: str, question: Answer) -> Answer:
    """This owner's earlier prompts, newest first: `{words}`; `task` is "generate" or "iterate"."""
    task = question.get("task")
    if task not in (Task.GENERATE, Task.ITERATE):
        raise BadRequest(f"The page sent {task!r:.60} as 'task'. Reload the page.")
    return {"words": studio.past_words(owner, Task(task))}


ROUTES = {"words/past": past}
