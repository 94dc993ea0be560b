"""Cards as tasks of Label Studio, and its exports back.

Three layouts are read: the full JSON export, the flat JSON-MIN export, and either of
them from a project of one's own whose criteria are ``<Pairwise>`` tags, which know
no tie. The project's labelling set-up comes from `label_config`.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from xml.sax.saxutils import quoteattr

from ..schema import DataError
from .criteria import CHOICES, CRITERIA
from .exchange import (
    ADVICE,
    SHOWN,
    Row,
    new_file,
    raters_said,
    rows_of,
    said_of,
    take_in,
    verdict,
)
from .folder import as_json, plain, write_text
from .folder_study import Study

NAMES = {"left": "Left is better", "tie": "Equally good", "right": "Right is better"}
DIFFICULT = "For the senior to decide"
OBJECT = "question"  # what the controls are attached to


def label_config(study: Study, *, raters: bool = False) -> str:
    """The labelling set-up of a project, as XML to paste into Label Studio.

    The four criteria are choices with a tie, since ``<Pairwise>`` has none. With
    `raters` the tasks say what the raters said, and the senior is shown it.
    """
    reply = '  <View style="flex: 1"><Header value="{}"/><Text name="{}" value="${}"/></View>'
    lines = ["<View>", f'  <Text name="{OBJECT}" value="$question"/>']
    lines.append('  <View style="display: flex; gap: 2em">')
    lines += ["  " + reply.format(side.capitalize(), side, side) for side in ("left", "right")]
    lines.append("  </View>")
    if raters:
        lines.append('  <Header value="The raters"/><Text name="raters" value="$raters"/>')
    for item in study.criteria:
        lines.append(f"  <Header value={quoteattr(f'{item.name}. {item.definition}')}/>")
        lines.append(
            f'  <Choices name="{item.key}" toName="{OBJECT}" choice="single-radio" '
            'showInline="true" required="true">'
        )
        lines += [f'    <Choice value="{NAMES[x]}" alias="{x}"/>' for x in CHOICES]
        lines.append("  </Choices>")
    lines.append(f'  <Choices name="difficult" toName="{OBJECT}" choice="multiple">')
    lines.append(f'    <Choice value="{DIFFICULT}" alias="yes"/>')
    lines.append("  </Choices>")
    lines.append(
        f'  <TextArea name="comment" toName="{OBJECT}" rows="3" maxSubmissions="1" '
        'editable="true" placeholder="Comment"/>'
    )
    return "\n".join([*lines, "</View>", ""])


def export_label_studio(study: Study, rater: str, path: str | Path) -> Path:
    """Write a rater's cards as tasks, with what was said of them so far.

    Parameters
    ----------
    study : Study
    rater : str
        One project a rater, since each has an order of their own.
    path : path-like
        A new file; the set-up goes beside it, its name ending in ``.xml``.
    """
    path = new_file(path)
    beside = new_file(path.with_suffix(".xml"))
    told = raters_said(study, rater)
    tasks = []
    for card, judged in rows_of(study, rater):
        shown = {name: getattr(card, name) for name in SHOWN}
        task = {"data": {"rater": rater, "card": card.id, **shown}}
        if told:
            task["data"]["raters"] = told[card.id]
        if said := said_of(judged):
            task["annotations"] = [{"result": [_result(*pair) for pair in said.items()]}]
        tasks.append(task)
    write_text(path, as_json(tasks))
    write_text(beside, label_config(study, raters=bool(told)))
    return path


def _result(name: str, value) -> dict:
    if name == "comment":
        kind, found = "textarea", {"text": [value]}
    else:
        kind, found = "choices", {"choices": ["yes" if value is True else value]}
    return {
        "from_name": name,
        "to_name": OBJECT,
        "type": kind,
        "origin": "manual",
        "value": found,
    }


def import_label_studio(
    study: Study, path: str | Path, rater: str | None = None, *, replace: bool = False
) -> Counter:
    """Take in an export of Label Studio, of one annotator.

    Parameters
    ----------
    study : Study
    path : path-like
        JSON or JSON-MIN.
    rater : str, optional
        Whose they are; by default whom the tasks name.
    replace : bool
        Whether the file's word counts where the study has another one.

    Returns
    -------
    Counter
        As of `exchange.take_in`. Tasks that were skipped or not annotated say
        nothing.

    Raises
    ------
    DataError
        With the task that is wrong; nothing is taken then.
    """
    path = Path(path)
    try:
        tasks = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise DataError(path, "", f"cannot be read ({error.strerror}).", ADVICE) from None
    except ValueError as error:
        raise DataError(path, "", f"not whole JSON ({error}).", ADVICE) from None
    if not isinstance(tasks, list):
        raise DataError(path, "", "expected a list of tasks, as JSON or JSON-MIN export.", ADVICE)
    return take_in(study, rater, list(_rows(tasks, path)), path, replace=replace)


def _rows(tasks: list, path: Path) -> Iterator[Row]:
    annotators: dict[object, str] = {}
    for number, task in enumerate(tasks, 1):
        where = f"task {number}"
        if not isinstance(task, dict):
            raise DataError(path, where, f"it is {type(task).__name__}, not a task.", ADVICE)
        data = task.get("data", task)
        if not isinstance(data, dict) or not isinstance(data.get("card"), str):
            problem = "it has no card in its data; is it of another project?"
            raise DataError(path, where, problem, ADVICE)
        said, who = _annotation(task, path, where) if "data" in task else _flat(task, path, where)
        if who is not None:
            annotators.setdefault(who, where)
        if len(annotators) > 1:
            problem = f"its annotator is not that of {next(iter(annotators.values()))}."
            advice = "Export each annotator's work apart and name the rater; nothing was taken."
            raise DataError(path, where, problem, advice)
        shown = {name: plain(data[name]) for name in SHOWN if isinstance(data.get(name), str)}
        rater = data.get("rater")
        yield Row(where, data["card"], said, shown, rater if isinstance(rater, str) else "")


def _annotation(task: dict, path: Path, where: str) -> tuple[dict, object]:
    """What the one annotation of a task says, and whose it is."""
    given = task.get("annotations", task.get("completions", []))  # their name before 1.0
    if not isinstance(given, list) or not all(isinstance(item, dict) for item in given):
        raise DataError(path, where, "its annotations are not a list of objects.", ADVICE)
    given = [item for item in given if not item.get("was_cancelled")]
    if len(given) > 1:
        problem = f"{len(given)} annotations; expected one, by one annotator."
        raise DataError(path, where, problem, ADVICE)
    if not given:
        return {}, None
    said: dict[str, object] = {}
    results = given[0].get("result")
    for item in results if isinstance(results, list) else [None]:
        value = item.get("value") if isinstance(item, dict) else None
        if not isinstance(value, dict):
            raise DataError(path, where, "a result has no value.", ADVICE)
        name = item.get("from_name")
        kinds = {"choices": "choices", "pairwise": "selected", "textarea": "text"}
        if item.get("type") not in kinds:
            problem = f"a result of type {item.get('type')!r}; expected choices or pairwise."
            raise DataError(path, where, problem, ADVICE)
        if name in said:
            raise DataError(path, where, f"two results for {name!r}.", ADVICE)
        said[name] = _value(name, value.get(kinds[item["type"]]), path, where)
    return _made(said), _identity(given[0].get("completed_by"))


def _flat(task: dict, path: Path, where: str) -> tuple[dict, object]:
    """What a task of JSON-MIN says: a key a control, missing where nothing was chosen."""
    names = (*CRITERIA, "difficult", "comment")
    said = {name: _value(name, task.get(name), path, where) for name in names}
    return _made(said), _identity(task.get("annotator"))


def _made(said: dict) -> dict:
    return {name: value for name, value in said.items() if value is not None}


def _identity(who):
    """An annotator's number, or the e-mail where that is given."""
    return who.get("id", who.get("email")) if isinstance(who, dict) else who


def _value(name: str, value, path: Path, where: str):
    """A control's value, however it is wrapped; None if nothing was chosen."""
    texts = _texts(value)
    if not all(isinstance(text, str) for text in texts):
        raise DataError(path, where, f"{name} is {value!r}; expected text.", ADVICE)
    if name == "comment":
        return "\n".join(texts) or None
    if name == "difficult":
        return True if texts else None
    if name not in CRITERIA:
        known = ", ".join((*CRITERIA, "difficult", "comment"))
        raise DataError(path, where, f"a result for {name!r}. Known: {known}.", ADVICE)
    shown = {words.lower(): key for key, words in NAMES.items()}
    chosen = [shown.get(verdict(text), verdict(text)) for text in texts]
    if chosen in ([], ["none"]):  # a pairwise choice that was taken back
        return None
    if len(chosen) > 1 or chosen[0] not in CHOICES:
        raise DataError(path, where, f"{name} is {value!r}; expected left, tie or right.", ADVICE)
    return chosen[0]


def _texts(value) -> list:
    """Text, a list of texts, or either inside one or more objects, as a flat list."""
    if isinstance(value, list):
        return [text for item in value for text in _texts(item)]
    if isinstance(value, dict):
        inside = (value.get(key) for key in ("choices", "selected", "text"))
        return _texts(next((item for item in inside if item is not None), None))
    return [] if value is None or value == "" else [value]
