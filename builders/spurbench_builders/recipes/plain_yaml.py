"""YAML from outside: small, plain and without what grows."""

from __future__ import annotations

from typing import Any

import yaml

from spurbench.errors import UserError, short
from spurbench.reading import DEEPEST, LONGEST_NUMBER, why

MOST_CHARACTERS = 1 << 16
"""PyYAML takes about ten seconds for a text ten times as long."""
MOST_VALUES = 10_000
INT, MERGE = "tag:yaml.org,2002:int", "tag:yaml.org,2002:merge"


def parse_yaml(text: str, where: object) -> Any:
    """The value of a YAML text; UserError for what is none, a key that stands twice, a number of too
    many digits, and aliases or merges that stand for more than ``MOST_VALUES`` values."""
    if len(text) > MOST_CHARACTERS:
        raise UserError(f"{where}: {len(text)} characters are more than it can have")
    try:
        loader = yaml.SafeLoader(text)
        try:
            node = loader.get_single_node()
            if node is None:
                return None
            _check(node, {}, 0)
            return loader.construct_document(node)
        finally:
            loader.dispose()
    except Exception as error:  # whatever a tag or a number makes PyYAML's constructors raise
        raise UserError(f"{where}: not YAML: {_reason(error)}") from error


def _check(node: yaml.Node, sizes: dict[int, int], depth: int) -> int:
    """How many values a node stands for, aliases counted as often as they stand; ValueError where
    that is too many."""
    if depth > DEEPEST:
        raise ValueError(f"nested more than {DEEPEST} levels deep")
    known = sizes.get(id(node))
    if known is not None:
        if known == 0:
            raise ValueError("an alias stands within what it stands for")
        return known
    sizes[id(node)] = 0  # in the making: who meets it again is within it
    below: list[yaml.Node] = []
    if isinstance(node, yaml.MappingNode):
        _check_keys(node)
        below = [part for pair in node.value for part in pair]
    elif isinstance(node, yaml.SequenceNode):
        below = node.value
    elif node.tag == INT and len(node.value) > LONGEST_NUMBER:
        raise ValueError(f"a number of {len(node.value)} digits")
    size = 1 + sum(_check(part, sizes, depth + 1) for part in below)
    if size > MOST_VALUES:
        raise ValueError(f"stands for more than {MOST_VALUES} values")
    sizes[id(node)] = size
    return size


def _check_keys(node: yaml.MappingNode) -> None:
    keys = [
        key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode) and key.tag != MERGE
    ]
    twice = [key for key in keys if keys.count(key) > 1]
    if twice:
        raise ValueError(f"the key {short(twice[0])} stands twice")


def _reason(error: Exception) -> str:
    if isinstance(error, yaml.YAMLError):  # whose message says line and column in further lines
        return " ".join(str(error).split())[:300]
    return why(error)
