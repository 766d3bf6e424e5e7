"""`make fuzz`: libFuzzer, by way of atheris, looks for bytes that break what reads them; each target in a process.

What it found interesting is kept in .fuzz/ and built upon by the next run.
"""

from __future__ import annotations

import argparse
import importlib
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BYTES = ("any_picture", "any_splat", "any_metadata")
"""Functions of tests.robustness.targets; the others are tests whose examples atheris chooses."""
TESTS = (
    "test_whatever_a_picture_says_of_itself_is_read_in_passing",
    "test_whatever_is_asked_is_queued_or_refused_with_a_sentence",
    "test_whatever_an_id_is_there_is_no_such_thing",
    "test_no_words_lead_out_of_a_folder",
)


def main() -> None:
    """Every target for so many seconds; stops at the first that breaks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("--target", help="this one, in this process")
    options = parser.parse_args()
    if options.target:
        fuzz(options.target, options.seconds)
        return
    for target in (*BYTES, *TESTS):
        print(f"\n{target}, {options.seconds} s", flush=True)
        command = [sys.executable, "-m", "tests.robustness.fuzz", "--target", target, "--seconds", str(options.seconds)]
        if subprocess.run(command, cwd=ROOT).returncode:
            sys.exit(f"{target} broke; the bytes are in the file named above.")


def fuzz(target: str, seconds: int) -> None:
    """Until the time is over or it breaks; atheris ends the process."""
    atheris = importlib.import_module("atheris")  # of requirements-fuzz.txt, and for Linux only
    with atheris.instrument_imports(include=["studio"]):
        targets = importlib.import_module("tests.robustness.targets")
        examples = importlib.import_module("tests.robustness.test_fuzz")
    corpus = ROOT / ".fuzz" / target
    corpus.mkdir(parents=True, exist_ok=True)
    one: Callable[[bytes], object] = (
        getattr(targets, target, None) or getattr(examples, target).hypothesis.fuzz_one_input
    )
    for number, data in enumerate(seeds(target)):
        (corpus / f"seed-{number}").write_bytes(data)
    arguments = ["fuzz", f"-max_total_time={seconds}", "-rss_limit_mb=4096", "-max_len=20000", "-verbosity=0"]
    atheris.Setup([*arguments, f"-artifact_prefix={corpus.parent}/broken-{target}-", str(corpus)], one)
    atheris.Fuzz()


def seeds(target: str) -> Iterable[bytes]:
    """Sound files to begin with."""
    if target == "any_picture":
        return importlib.import_module("tests.studio.intake.test_picture_refused").RICH.values()
    if target == "any_splat":
        return importlib.import_module("tests.studio.splats.test_fuzz").SEEDS
    if target == "any_metadata":
        return (
            b"\0a fox\nNegative prompt: blur\nSteps: 4, Seed: 7, Size: 64x64",
            b'\1{"3": {"class_type": "KSampler", "inputs": {}}}',
        )
    return ()


if __name__ == "__main__":
    main()
