"""The `supervised` baseline: what a small classical model learns from training data.

TF-IDF with logistic regression for labels, a dictionary of training mentions
for entities, the nearest training item for texts and drugs, and the majority
for the exams. Everything is seeded; fitting takes seconds to a minute or two.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MultiLabelBinarizer

from ..schema import Example
from .baselines import EXAMS, Predictor, majority


def supervised(key: str, train: Sequence[Example]) -> Predictor:
    """The predictor of a data set, learned from its training part."""
    if key in EXAMS:
        return majority(key, train)
    if key in ("bc5_disease", "ncbi_disease"):
        return dictionary(train)
    if key == "hoc":
        return hallmarks(train)
    if key in ("pubmedqa", "ddi", "gad"):
        return labels(key, train)
    return nearest(train)


def text_of(example: Example) -> str:
    """All that is shown of an item, as one text."""
    parts = []
    for name, value in example.inputs.items():
        if name != "tokens":
            parts.append(value if isinstance(value, str) else " ".join(value))
    return "\n".join(parts)


def _vectors(**options) -> TfidfVectorizer:
    return TfidfVectorizer(
        ngram_range=(1, 2), sublinear_tf=True, token_pattern=r"(?u)[@\w][\w$]*", **options
    )


def labels(key: str, train: Sequence[Example]) -> Predictor:
    """TF-IDF of one and two words, and logistic regression."""
    gold = [item.gold for item in train]
    if len(set(gold)) < 2:
        return majority(key, train)
    model = make_pipeline(
        _vectors(min_df=2 if len(train) > 100 else 1),
        LogisticRegression(C=10, max_iter=1000, random_state=0),
    )
    model.fit([_between(item) for item in train], gold)
    return lambda examples: [str(x) for x in model.predict([_between(e) for e in examples])]


def _between(example: Example) -> str:
    """The text, with what stands between two masked drugs said twice."""
    text = text_of(example)
    middle = re.search(r"@DRUGS(.*?)@DRUGS", text, re.DOTALL)
    if not middle:
        return text
    return text + " " + " ".join(f"{word}$between" for word in re.findall(r"\w+", middle[1]))


def hallmarks(train: Sequence[Example]) -> Predictor:
    """One balanced logistic regression a label; at least the likeliest label."""
    encoder = MultiLabelBinarizer().fit([item.gold for item in train])
    model = make_pipeline(
        _vectors(min_df=2 if len(train) > 100 else 1),
        OneVsRestClassifier(
            LogisticRegression(C=10, max_iter=1000, class_weight="balanced", random_state=0)
        ),
    )
    model.fit([text_of(item) for item in train], encoder.transform([item.gold for item in train]))

    def predict(examples):
        chances = model.predict_proba([text_of(example) for example in examples])
        chosen = (chances >= 0.5) | (chances == chances.max(axis=1, keepdims=True))
        return [frozenset(names) for names in encoder.inverse_transform(chosen.astype(int))]

    return predict


def nearest(train: Sequence[Example]) -> Predictor:
    """Gold of the most similar training item, by TF-IDF cosine, itself left out."""
    vectors = _vectors(max_features=200_000)
    matrix = vectors.fit_transform([text_of(item) for item in train])
    position = {item.id: row for row, item in enumerate(train)}

    def predict(examples):
        answers = []
        for example in examples:
            likeness = (matrix @ vectors.transform([text_of(example)]).T).toarray()[:, 0]
            if example.id in position:
                likeness[position[example.id]] = -1
            answers.append(train[int(np.argmax(likeness))].gold)
        return answers

    return predict


def dictionary(train: Sequence[Example]) -> Predictor:
    """Longest match of mentions that were mentions in at least half their uses."""
    mentions: Counter[tuple[str, ...]] = Counter()
    for item in train:
        for start, end in item.gold:
            mentions[_words(item.inputs["sentence"][start:end])] += 1
    longest = max(map(len, mentions), default=1)
    uses: Counter[tuple[str, ...]] = Counter()
    for item in train:
        words = _words(item.inputs["sentence"])
        for size in range(1, longest + 1):
            for at in range(len(words) - size + 1):
                if (gram := words[at : at + size]) in mentions:
                    uses[gram] += 1
    known = defaultdict(set)
    for mention, count in mentions.items():
        if mention and count * 2 >= uses[mention]:
            known[mention[0]].add(mention)

    def predict(examples):
        return [_longest_matches(example.inputs["sentence"], known) for example in examples]

    return predict


_WORD = re.compile(r"\w+|[^\w\s]")


def _words(text: str) -> tuple[str, ...]:
    return tuple(_WORD.findall(text.lower()))


def _longest_matches(sentence: str, known) -> frozenset[tuple[int, int]]:
    tokens = [(match.group().lower(), *match.span()) for match in _WORD.finditer(sentence)]
    words = tuple(token[0] for token in tokens)
    found, at = set(), 0
    while at < len(words):
        fits = [m for m in known.get(words[at], ()) if words[at : at + len(m)] == m]
        if fits:
            size = max(map(len, fits))
            found.add((tokens[at][1], tokens[at + size - 1][2]))
            at += size
        else:
            at += 1
    return frozenset(found)
