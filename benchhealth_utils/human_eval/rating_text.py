"""What the rating page says; every text of the study is escaped on its way into it."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from .folder import StudyError
from .folder_study import WRONG_CODE
from .ratings import LONGEST_COMMENT
from .sessions import CLOSED_NOTE

OPTIONS = (("Left", "left"), ("Tie", "tie"), ("Right", "right"))
LABELS = {value: label for label, value in OPTIONS}
DIFFICULT = "Difficult: a senior should decide"
COMMENT = "Comment (optional)"

ABSENT = "The study cannot be opened. Please tell the organiser."
NO_CODE = "Type the code that you were given."
LEFT_OPEN = "Open: left to the senior"
TROUBLE = "Something went wrong. What is marked as saved is safe. Please tell the organiser."
FAILED = "Not saved. Please try again, and tell the organiser if this goes on."
WAITING = "Not saved yet"
TOO_LONG = f"Not saved: shorten it to {LONGEST_COMMENT:,} characters."
SIGNS = {"saved": "✓ ", "failed": "✗ ", "open": "○ ", "note": ""}

WELCOME = """
<p>You will read questions that patients asked, each with two replies. Say which reply
is better by each criterion. Who or what wrote a reply is hidden: judge its text.</p>
<p>Tick <em>Difficult</em> where a senior should decide. The senior then judges the whole
card; it counts as complete, and you may leave criteria open.</p>
<p>Every choice is saved at once. You can stop at any time and go on later, here or on
another device, with the same code.</p>
"""
ASK = "<h3>Which reply is better?</h3>"
KEYS = """
<details class="rating-keys"><summary>Without a mouse</summary><ul>
<li><kbd>Tab</kbd> goes to the next control, <kbd>Shift</kbd> + <kbd>Tab</kbd> to the one
before.</li>
<li>In a criterion the arrow keys choose; <kbd>Space</kbd> chooses the one you are on.</li>
<li><kbd>Space</kbd> ticks the box. <kbd>Enter</kbd> presses a button, or opens a
definition.</li>
</ul></details>
"""


def heading(words: str) -> str:
    """A heading that the page's script scrolls to, and sets the keyboard on."""
    return f'<h2 tabindex="-1" data-arrive>{escape(words)}</h2>'


def note(words: str, kind: str = "note", count: int = 0) -> str:
    """A line with a sign for its kind: ``saved``, ``failed``, ``open`` or ``note``.

    Examples
    --------
    >>> note("Left", "saved")
    '<span class="saved" data-count="0">✓ Left</span>'
    """
    if not words:
        return ""
    return f'<span class="{kind}" data-count="{count}">{SIGNS[kind]}{escape(words)}</span>'


def mark(field: str, judgement) -> str:
    """What of a criterion, of "difficult" or of the comment is saved."""
    if field == "comment":
        return note("Saved" if judgement.comment else "", "saved")
    if field == "difficult":
        words = "Saved: difficult. The senior decides; you may leave criteria open."
        return note(words if judgement.difficult else "", "saved")
    choice = judgement.choices.get(field)
    if choice:
        return note(f"Saved: {LABELS[choice]}", "saved")
    return note(LEFT_OPEN if judgement.difficult else "Open", "open")


def passage(text: str) -> str:
    """A text of the study: its line breaks kept, its markup shown and not obeyed.

    Examples
    --------
    >>> passage("<b>5 mg</b>")
    '<div class="rating-passage">&lt;b&gt;5 mg&lt;/b&gt;</div>'
    """
    return f'<div class="rating-passage">{escape(text)}</div>'


def texts(card) -> str:
    """The question, and both replies side by side where there is room."""
    sides = "".join(
        f'<section><h3 id="{side}">{LABELS[side]} reply</h3>{passage(words)}</section>'
        for side, words in (("left", card.left), ("right", card.right))
    )
    question = f"<section><h3>The patient's question</h3>{passage(card.question)}</section>"
    return f'{question}<div class="rating-replies">{sides}</div>'


def definition(criterion) -> str:
    """A criterion's name; a click opens its definition."""
    return (
        f"<details><summary>{escape(criterion.name)}</summary>"
        f"<p>{escape(criterion.definition)}</p></details>"
    )


def told(error: Exception, otherwise: str) -> str:
    """What a rater is told of an error: only what was written for raters, and no path.

    Examples
    --------
    >>> told(StudyError("/srv/study/ratings/rater-2.jsonl is damaged"), "Not saved.")
    'Not saved.'
    """
    for_raters = isinstance(error, StudyError) and str(error) in (WRONG_CODE, CLOSED_NOTE)
    return str(error) if for_raters else otherwise


def progress(done: int, total: int) -> str:
    """How many cards are complete, in words and as a bar."""
    words = f"{done} of {total} complete"
    bar = f'<progress value="{done}" max="{max(total, 1)}" aria-hidden="true"></progress>'
    return f'<p class="rating-progress">{words} {bar}</p>'


def end(done: int, total: int) -> str:
    """What the last page says."""
    if not total:
        return "<p>There is nothing for you to settle at present. Please come back later.</p>"
    if done < total:
        left = total - done
        cards = "One card is" if left == 1 else f"{left} cards are"
        return f"<p>{cards} still open. The button leads to the first of them.</p>"
    return (
        "<p>All cards are rated. Thank you. You can still go back and change a choice; "
        "else log out.</p>"
    )


def others(judgements: Sequence, criteria: Sequence) -> str:
    """What the raters said of a card, for a senior who may see it; without their names."""
    if not judgements:
        return ""
    rows = [(c.name, [LABELS.get(j.choices.get(c.key), "–") for j in judgements]) for c in criteria]
    rows.append(("Difficult", ["yes" if each.difficult else "no" for each in judgements]))
    rows.append(("Comment", [each.comment or "–" for each in judgements]))
    heads = "".join(f'<th scope="col">Rater {i + 1}</th>' for i in range(len(judgements)))
    body = "".join(
        f'<tr><th scope="row">{escape(name)}</th>'
        + "".join(f"<td>{escape(cell)}</td>" for cell in cells)
        + "</tr>"
        for name, cells in rows
    )
    return (
        '<div class="rating-others" role="region" tabindex="0" aria-label="What the raters said">'
        "<table><caption>What the raters said</caption>"
        f"<thead><tr><th></th>{heads}</tr></thead><tbody>{body}</tbody></table></div>"
    )
