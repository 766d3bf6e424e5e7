"""A Qwen2 tokenizer in which every word of the toy world is one token and any other text falls back to bytes."""

from collections.abc import Iterable

from transformers import Qwen2Tokenizer
from transformers.convert_slow_tokenizer import bytes_to_unicode

SPECIAL_TOKENS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")

CHAT_TEMPLATE = (
    "{%- for message in messages -%}"
    "{%- set words = message['content'] | lower"
    + "".join(f" | replace({mark!r}, ' ')" for mark in ',.!?;:()[]/-"')
    + " -%}"
    "{%- for word in words.split() -%}{{ ' ' ~ word }}{%- endfor -%}{{ '<|im_end|>' }}"
    "{%- endfor -%}"
)
"""Upper case, punctuation and spacing do not matter; an end token marks the end of the text."""


def build_tokenizer(words: Iterable[str]) -> Qwen2Tokenizer:
    """A tokenizer with one token for each of the words.

    Each word, with the space before it, is built from left to right: every merge joins a prefix that begins with
    the space and one more letter. So at most one merge applies at a time, and a known word always becomes one token.

    Args:
        words: lower case, ASCII.
    """
    letters = bytes_to_unicode()
    vocabulary = {token: index for index, token in enumerate((*SPECIAL_TOKENS, *sorted(letters.values())))}
    merges: list[tuple[str, str]] = []
    for word in sorted(set(words)):
        prefix = letters[ord(" ")]
        for letter in word:
            joined = prefix + letter
            if joined not in vocabulary:
                vocabulary[joined] = len(vocabulary)
                merges.append((prefix, letter))
            prefix = joined
    tokenizer = Qwen2Tokenizer(
        vocab=vocabulary,
        merges=merges,  # type: ignore[arg-type]  # the underlying BPE takes pairs
        unk_token=None,  # type: ignore[arg-type]  # bytes need no unknown token
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        model_max_length=512,
    )
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer
