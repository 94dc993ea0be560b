"""All tables of a study in one file that any browser shows, without a server or a network."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from html import escape
from pathlib import Path

from ..human_eval.analysis import Analysis, check_destination
from .human_judge import judge_table
from .human_planning import own_planning_table
from .human_reading import study_figure, study_reading
from .human_study import (
    paths_table,
    raters_table,
    reliability_table,
    strengths_table,
    study_table6,
    verdicts_table,
    whose,
)

STYLE = """
body { font-family: sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; margin: 2rem 0; font-size: 0.9rem; }
caption { text-align: left; font-weight: 600; padding-bottom: 0.5rem; }
th, td { text-align: left; vertical-align: top; padding: 0.25rem 0.6rem; }
th, td { border-bottom: 1px solid #767676; }
img { max-width: 100%; }
"""


def write_study_page(analysis: Analysis, path: str | Path, title: str = "Human evaluation") -> Path:
    """Write Table 6 of a study with intervals, agreement and all else; returns the file.

    Raises
    ------
    BenchHealthError
        If the raters were simulated and the file would be among published data.
    """
    import matplotlib.pyplot as plt

    path = Path(path)
    check_destination(path, [rater.name for rater in analysis.raters])
    makers = [study_table6, verdicts_table, paths_table, reliability_table, raters_table]
    makers += [strengths_table] * bool(analysis.rankings) + [own_planning_table]
    tables = [make(analysis).to_html() for make in makers]
    figure = study_figure(analysis)
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=120)
    plt.close(figure)
    said = study_reading(analysis).data.splitlines()
    said = [line.removeprefix("- ") for line in said if line.startswith("- ")]
    lines = "".join(f"<li>{escape(line).replace('**', '')}</li>" for line in said)
    image = base64.b64encode(picture.getvalue()).decode()
    alt = "Win+tie rates with intervals, a panel a criterion; the first table gives the numbers."
    body = f'<ul>{lines}</ul>{"".join(tables)}<img alt="{alt}" src="data:image/png;base64,{image}">'
    return _written(path, title, whose(analysis), body)


def write_judge_page(rows: Sequence, judge: str, path: str | Path) -> Path:
    """Write how far a judge agrees with people, from `judge_agreement`; returns the file."""
    body = judge_table(rows, judge).to_html()
    return _written(Path(path), f"{judge} as a judge", whose(rows[0]), body)


def _written(path: Path, title: str, mark: str, body: str) -> Path:
    """A whole page around a body; what `whose` says stands first."""
    first = f"<p><strong>{mark.strip()}</strong></p>" if mark else ""
    page = (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}'
        f"</title><style>{STYLE}</style></head><body><h1>{escape(title)}</h1>{first}{body}"
        "</body></html>\n"
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page, encoding="utf-8")
    return path
