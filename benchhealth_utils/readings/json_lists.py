"""JSON in a reply as the plain list it stands for."""

from __future__ import annotations

import json
import re

NAME_KEYS = ("text", "name", "entity", "mention", "disease", "word", "term", "span")
TYPE_KEYS = ("type", "label", "category", "class", "entity_type", "semantic_type")
# A type that is asked for; an object of another one does not count.
ASKED = re.compile(r"diseas|disorder|condition|symptom|entity", re.I)

BEGINS = re.compile(r"\[(?=\s*[\"'{\]])|\{(?=\s*[\"}])")
STRING = r"\"[^\"\n]*\"|'(?:[^'\n]|(?<=\w)'(?=\w))*'"
PYTHON_LIST = re.compile(rf"\[\s*(?:{STRING})(?:\s*,\s*(?:{STRING}))*\s*,?\s*\]")


def as_lines(text: str) -> str:
    """The text with headings and bullets in place of JSON, or of a Python list.

    Objects with a name and a type become their name, if the type is asked for. A
    semicolon ends each name. Text that only looks like JSON stays.

    >>> print(as_lines('{"genes": ["A"], "diseases": ["asthma", "gout"]}').strip())
    genes:
    - A;
    diseases:
    - asthma;
    - gout;
    >>> as_lines("[asthma], [gout]")
    '[asthma], [gout]'
    """
    place = 0
    while found := BEGINS.search(text, place):
        place = found.start()
        value, end = _value(text, place)
        try:
            lines = "\n" + "\n".join(_lines(value)) + "\n" if _is_list(value) else ""
        except RecursionError:
            lines = ""
        if not lines:
            place += 1
            continue
        text = text[:place] + lines + text[end:]
        place += len(lines)
    return text


def _value(text: str, place: int) -> tuple[object, int]:
    """What JSON, or a list of strings as Python writes it, stands for; and its end."""
    try:
        return json.JSONDecoder().raw_decode(text, place)
    except (ValueError, RecursionError):
        found = PYTHON_LIST.match(text, place)
    if not found:
        return None, place
    return [string[1:-1] for string in re.findall(STRING, found[0])], found.end()


def _is_list(value) -> bool:
    """Whether a value can list names: no number stands in it by itself."""
    if isinstance(value, dict):
        return bool(value)
    return isinstance(value, list) and all(isinstance(item, (str, dict)) for item in value)


def _lines(value) -> list[str]:
    if isinstance(value, dict):
        return _object(value)
    lines = []
    for item in value:
        lines += _object(item) if isinstance(item, dict) else [f"- {' '.join(str(item).split())};"]
    return lines or ["none"]


def _object(value: dict) -> list[str]:
    keys = {str(key).lower(): key for key in value}
    kind = next((value[keys[key]] for key in TYPE_KEYS if key in keys), None)
    name = next((value[keys[key]] for key in NAME_KEYS if key in keys), None)
    if isinstance(kind, str) and isinstance(name, str):
        return [f"- {' '.join(name.split())};"] if ASKED.search(kind) else []
    lines = []
    for key, inner in value.items():
        heading = f"{str(key).replace('_', ' ')}:"
        if isinstance(inner, (dict, list)):
            lines += [heading, *(_lines(inner) if inner else ["none"])]
        else:
            lines.append(f"{heading} {'' if inner is None else inner}")
    return lines
