"""The terminal verb `completion`: shell scripts that complete verbs and options, generated from the parser."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from typing import Any, NamedTuple

SHELLS = ("bash", "zsh", "fish")


class Word(NamedTuple):
    """A word that may follow others."""

    after: str  # the verbs before it, separated by spaces
    text: str
    help: str


def add_verbs(verbs: Any) -> None:
    """Add completion to the parser's verbs."""
    shells = verbs.add_parser("completion", help="print a script for your shell that completes verbs and options")
    shells.set_defaults(verb=completion, verbs=verbs)
    shells.add_argument("shell", choices=SHELLS)
    shells.add_argument("--json", action="store_true", help="one JSON line per word")


def completion(options: argparse.Namespace) -> int:
    """Print the script; `source` it, or put it where the shell looks."""
    words = [*_words("", options.verbs)]
    if options.json:
        for word in words:
            print(json.dumps(word._asdict()))
        return 0
    print({"bash": _bash, "zsh": _zsh, "fish": _fish}[options.shell](words), end="")
    return 0


def _words(after: str, verbs: Any) -> Iterator[Word]:
    helps = {each.dest: each.help or "" for each in verbs._choices_actions}
    for name, parser in verbs.choices.items():
        yield Word(after, name, helps.get(name, ""))
        place = f"{after} {name}".strip()
        for action in parser._actions:
            if isinstance(action, argparse._SubParsersAction):
                yield from _words(place, action)
            elif action.help != argparse.SUPPRESS:
                yield from (Word(place, option, action.help or "") for option in action.option_strings)
                if not action.option_strings:
                    yield from (Word(place, str(choice), action.help or "") for choice in action.choices or ())


def _by_place(words: list[Word]) -> dict[str, list[str]]:
    places: dict[str, list[str]] = {}
    for word in words:
        places.setdefault(word.after, []).append(word.text)
    return places


_BASH = """\
# source <(python cli.py completion bash)
_diorama() {{
    local word place="" known i
    [[ "${{COMP_WORDS[1]}}" == *cli.py ]] || return 0
    for ((i = 2; i < COMP_CWORD; i++)); do
        word="${{COMP_WORDS[i]}}"
        case "$place $word" in
{verbs}
        esac
    done
    case "$place" in
{places}
    esac
    COMPREPLY=($(compgen -W "$known" -- "${{COMP_WORDS[COMP_CWORD]}}"))
}}
complete -o default -F _diorama python python3
"""


def _bash(words: list[Word]) -> str:
    places = _by_place(words)
    steps = [f'            "{place}") place="{place}" ;;' for place in (_key(each) for each in places if each)]
    lists = [f'        "{_key(place)}") known="{" ".join(known)}" ;;' for place, known in places.items()]
    return _BASH.format(verbs="\n".join(steps), places="\n".join(lists))


def _key(place: str) -> str:
    """A position in the command line as the scripts write it: its verbs, each with a space before it."""
    return "".join(f" {verb}" for verb in place.split())


def _zsh(words: list[Word]) -> str:
    return "autoload -U +X bashcompinit && bashcompinit\n" + _bash(words).replace("completion bash", "completion zsh")


def _fish(words: list[Word]) -> str:
    lines = ["# python cli.py completion fish | source"]
    verbs = {word.text for word in words if not word.after}
    for word in words:
        *_, last = ["", *word.after.split()]
        seen = (
            f"__fish_seen_subcommand_from {last}"
            if last
            else f"not __fish_seen_subcommand_from {' '.join(sorted(verbs))}"
        )
        condition = f"string match -q '*cli.py*' (commandline -p); and {seen}"
        option = f"-l {word.text[2:]}" if word.text.startswith("--") else f"-s {word.text[1:]}"
        what = option if word.text.startswith("-") else f"-a {word.text}"
        help = word.help.replace("\\", "\\\\").replace("'", "\\'").replace("%%", "%")
        lines.append(f"complete -c python -n \"{condition}\" {what} -d '{help}'")
    return "\n".join(lines) + "\n"
