"""Results in and out, and the tables and figures made of them."""

from .combined import (
    ours_frame,
    ours_table,
    parts_frame,
    parts_table,
    reading_of_results,
    results,
    table5,
    table5_frame,
)
from .errors import (
    compare_runs,
    comparison_table,
    confusion_table,
    entity_errors_table,
    extremes_table,
    label_table,
    length_table,
)
from .figures import results_figure, scores_figure
from .recording import paper_scores, publish, record, record_all, result
from .sources import present_sets, sources_table
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
    "ours_frame",
    "ours_table",
    "parts_frame",
    "parts_table",
    "paper_scores",
    "points",
    "present_sets",
    "prompt_text",
    "publish",
    "reading_of",
    "reading_of_results",
    "record",
    "record_all",
    "result",
    "results",
    "results_figure",
    "scores_figure",
    "scores_table",
    "sources_table",
    "status_table",
    "table",
    "table5",
    "table5_frame",
    "unread_table",
]
