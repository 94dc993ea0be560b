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
from .derived_tables import (
    derived_reading,
    derived_table,
    gaps_reading,
    gaps_table,
    neighbours_reading,
    neighbours_table,
    ranks_table,
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
from .rewordings import rewording_table
from .shot_figure import (
    paper_means,
    reading_of_shots,
    record_shots,
    recorded_levels,
    shots_figure,
)
from .shot_tables import (
    cost_table,
    exemplar_table,
    fit_table,
    shot_answers_table,
    shots_table,
)
from .shots import Level, scenario_levels, shot_grid, shot_levels
from .sources import sources_table
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
from .usefulness import (
    publish_usefulness,
    same_sets_table,
    spread_table,
    task_table,
    usefulness_reading,
    usefulness_table,
)
from .usefulness_entries import present_sets
from .usefulness_panels import usefulness_figure

__all__ = [
    "Level",
    "answer_table",
    "compare_runs",
    "comparison_table",
    "confusion_table",
    "cost_table",
    "derived_reading",
    "derived_table",
    "entity_errors_table",
    "example_table",
    "exemplar_table",
    "extremes_table",
    "fit_table",
    "gaps_reading",
    "gaps_table",
    "label_table",
    "length_table",
    "members",
    "neighbours_reading",
    "neighbours_table",
    "ours_frame",
    "ours_table",
    "parts_frame",
    "parts_table",
    "paper_means",
    "paper_scores",
    "points",
    "present_sets",
    "prompt_text",
    "publish",
    "publish_usefulness",
    "ranks_table",
    "reading_of",
    "reading_of_results",
    "reading_of_shots",
    "record",
    "record_all",
    "record_shots",
    "recorded_levels",
    "result",
    "results",
    "results_figure",
    "rewording_table",
    "same_sets_table",
    "scenario_levels",
    "scores_figure",
    "scores_table",
    "shot_answers_table",
    "shot_grid",
    "shot_levels",
    "shots_figure",
    "shots_table",
    "sources_table",
    "spread_table",
    "status_table",
    "table",
    "table5",
    "table5_frame",
    "task_table",
    "unread_table",
    "usefulness_figure",
    "usefulness_reading",
    "usefulness_table",
]
