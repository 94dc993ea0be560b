"""Results in and out, and the tables and figures made of them."""

from .combined import results, table5, table5_frame
from .errors import (
    compare_runs,
    comparison_table,
    confusion_table,
    entity_errors_table,
    extremes_table,
    label_table,
    length_table,
)
from .figures import scores_figure
from .results import paper_scores, publish, record, record_all, result
from .style import members, points, table
from .tables import (
    answer_table,
    example_table,
    prompt_text,
    reading_of,
    scores_table,
    status_table,
    unread_table,
)

__all__ = [
    "answer_table",
    "compare_runs",
    "comparison_table",
    "confusion_table",
    "entity_errors_table",
    "example_table",
    "extremes_table",
    "label_table",
    "length_table",
    "members",
    "paper_scores",
    "points",
    "prompt_text",
    "publish",
    "reading_of",
    "record",
    "record_all",
    "result",
    "results",
    "scores_figure",
    "scores_table",
    "status_table",
    "table",
    "table5",
    "table5_frame",
    "unread_table",
]
