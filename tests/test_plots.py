"""The one table, and the figure that several pages draw."""

from io import StringIO

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from benchhealth_utils import plots

SCORES = pd.DataFrame(
    {
        "title": ["MedQA (USMLE)", "A < B & C"],
        "dataset": ["medqa", "own"],
        "name": ["one", "one"],
        "n": [1273, 8],
        "value": [0.2506, 1.0],
        "low": [0.2, np.nan],
        "high": [0.3, np.nan],
        "p_holm": [0.00004, 0.04],
        "words": [12.34, np.nan],
    }
)


def cells(styler):
    """Texts of the rows of a table, as a browser shows them."""
    html = StringIO(styler.to_html())
    (frame,) = pd.read_html(html, keep_default_na=False, thousands=None)
    return frame.astype(str).to_dict("records")


def test_a_table_has_points_p_values_counts_and_empty_cells():
    shown = plots.table(SCORES, "Table 5. Scores < 100.", "scores")
    html = shown.to_html()
    assert 'id="T_scores" class="dataframe"' in html
    assert "<caption>Table 5. Scores &lt; 100.</caption>" in html
    first, second = cells(shown.hide(["title"], axis="columns"))
    assert first["n"] == "1,273"
    assert (first["Score"], first["from"], first["to"]) == ("25.1", "20.0", "30.0")
    assert (first["p (Holm)"], second["p (Holm)"]) == ("< 0.001", "0.040")
    assert (second["from"], second["words"]) == ("", "")
    assert "A &lt; B &amp; C" in html and "A < B" not in html
    assert SCORES["value"][0] == 0.2506  # the caller's frame is left as it was
    (row, _) = cells(plots.table(SCORES[["value", "words"]], "c", "u", digits={"value": 4}))
    assert row == {"Score": "0.2506", "words": "12.3"}


def test_cards_mark_whole_words_and_escape_what_a_model_wrote():
    answers = pd.DataFrame(
        {
            "id": ["1", "2", "3", "4"],
            "reply": ["<b>Yes</b>, yesterday: yes.", "(a|b) [c", "aspirin; iron", None],
            "reading": ["yes", None, frozenset({"iron", "aspirin"}), "yes"],
            "gold": ["no", "A", frozenset({"zinc"}), "no"],
        }
    )
    html = plots.cards(answers, "answers").data
    assert "&lt;b&gt;<mark>Yes</mark>&lt;/b&gt;, yesterday: <mark>yes</mark>." in html
    assert "(a|b) [c" in html and "<mark>aspirin</mark>; <mark>iron</mark>" in html
    assert "reading: aspirin; iron" in html and "gold: zinc" in html
    assert "id: 4" not in html and html.count("<blockquote>") == 3
    long = answers.head(1).assign(reply="a " * 500)
    assert " ... " in plots.cards(long, "x", letters=20).data


@pytest.fixture
def figures():
    yield
    plt.close("all")


def test_a_forest_has_dots_intervals_the_papers_circles_and_the_constant_answer(figures):
    printed = pd.DataFrame({"medqa": [44.0, np.nan, 81.2]})
    rows = pd.concat([SCORES, SCORES.assign(name="two", value=0.5)])
    axes = plots.forest(rows, printed, {"medqa": 0.27}).axes[0]
    lines = {line.get_label(): line for line in axes.lines}
    assert list(lines["the paper's models"].get_xdata()) == [44.0, 81.2]
    assert lines["constant answer"].get_xdata() == [27.0]
    ours = [line for line in axes.lines if line.get_label() in ("one", "two")]
    assert [float(line.get_xdata()[0]) for line in ours] == pytest.approx([25.06, 50, 100, 50])
    assert len({line.get_marker() for line in ours}) == 2  # never by colour alone
    assert [text.get_text() for text in axes.get_yticklabels()] == list(SCORES["title"])
    legend = [text.get_text() for text in axes.figure.legends[0].get_texts()]
    assert sorted(legend) == ["constant answer", "one", "the paper's models", "two"]


def test_the_palette_is_seaborns_for_the_colour_blind():
    import seaborn as sns

    same = sns.color_palette("colorblind").as_hex()
    assert [each.lower() for each in plots.PALETTE] == [each.lower() for each in same]
