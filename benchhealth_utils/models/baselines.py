"""Models that are not language models, for scale: `majority` and `supervised`.

They learn from the training part and answer in text, in the form of an
exemplar's answer, so that they go through the same store, readings and scores
as any model. A number near theirs can then be seen for what it is.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import cache

import numpy as np

from ..data import fingerprint, load, shuffled
from ..registry import DATASETS
from ..schema import Example, Gold
from ..tasks import TASKS
from .base import Backend, Reply

Predictor = Callable[[Sequence[Example]], list[Gold]]
LEAD = 160  # tokens; the mean length of a MIMIC-III instruction
EXAMS = ("medqa", "medmcqa", "mmlu_medicine")
ENTITIES = ("bc5_disease", "ncbi_disease")
FOLDS = 10  # of a set of one's own that is its own training part
WORD = re.compile(r"\w+|[^\w\s]")


class Baseline(Backend):
    """`majority` or `supervised` behind the backend interface."""

    learns = True

    def __init__(self, name: str):
        self.name = name
        self.signature = {"backend": "baseline", "name": name, "version": 2}
        self._fit = {"majority": majority, "supervised": supervised}[name]
        self._train: dict[str, Sequence[Example]] = {}

    def prepare(self, dataset: str, pool: Sequence[Example] | None = None) -> dict:
        """Keep the training part; returns what identifies it."""
        self._train[dataset] = part = list(pool) if pool is not None else load(dataset, "train")
        own = {"folds": FOLDS} if DATASETS[dataset].reader == "csv" else {}
        return {"train": fingerprint(part)[:16], **own}

    def replies(self, requests, wanted):
        """See `Backend`; learns only if something is wanted."""
        order = sorted(wanted)
        examples = [requests[i].example for i in order]
        key = examples[0].dataset
        predicted = self._fit(key, self._train[key])(examples)
        texts = map(TASKS[key].answer, predicted, examples)
        yield [(i, Reply("ok", text)) for i, text in zip(order, texts, strict=True)]


def _commonest(values: Iterable, count: int) -> list:
    """The most frequent values; of equally frequent ones the first in sorted order."""
    return [value for value, _ in Counter(sorted(values)).most_common(count)]


def majority(key: str, train: Sequence[Example]) -> Predictor:
    """The training part's commonest answer, whatever the question.

    Exams, labels: the most frequent one. Drugs: the ten most frequent (the
    mean length of a list), the test item left out. Entities: none. Hallmarks:
    the most frequent one. Impressions: the most frequent one. Discharge
    instructions are all different, so the beginning of the record stands in.
    """
    if key == "chatdoctor":

        def others(e):
            return (x for item in train if item.id != e.id for x in item.gold)

        return lambda examples: [frozenset(_commonest(others(e), 10)) for e in examples]
    if key == "mimic_iii":
        return lambda examples: [" ".join(e.inputs["record"].split()[:LEAD]) for e in examples]
    if key in ENTITIES:
        answer: Gold = frozenset()
    elif key == "hoc":
        answer = frozenset(_commonest((name for item in train for name in item.gold), 1))
    else:
        (answer,) = _commonest((item.gold for item in train), 1)
    return lambda examples: [answer] * len(examples)


def supervised(key: str, train: Sequence[Example]) -> Predictor:
    """What a small classical model learns from training data.

    TF-IDF with logistic regression for labels, a dictionary of training mentions
    for entities, the nearest training item for texts and drugs, and the majority
    for the exams, or where no text has a word. Everything is seeded; fitting takes
    seconds to a minute or two. Items that are the training part themselves are answered
    by `held_out`.
    """
    if DATASETS[key].reader == "csv" and train == load(key):
        return held_out(key, train)
    if key in EXAMS or not any(re.search(r"[@\w]", text_of(item)) for item in train):
        return majority(key, train)
    if key in ENTITIES:
        return dictionary(train)
    if key == "hoc":
        return hallmarks(train)
    if TASKS[key].labels is not None:
        return labels(key, train)
    return nearest(train)


def held_out(key: str, train: Sequence[Example]) -> Predictor:
    """Each item by what is learnt without its tenth of the groups; "" where nothing is left."""
    groups = dict.fromkeys(item.group for item in shuffled(train, 0))
    fold = {group: at % FOLDS for at, group in enumerate(groups)}

    @cache
    def fitted(number):
        rest = [item for item in train if fold[item.group] != number]
        return supervised(key, rest) if rest else lambda examples: [""]

    return lambda examples: [fitted(fold[e.group])([e])[0] for e in examples]


def text_of(example: Example) -> str:
    """All that is shown of an item, as one text."""
    shown = (value for name, value in example.inputs.items() if name != "tokens")
    return "\n".join(value if isinstance(value, str) else " ".join(value) for value in shown)


def _vectors(**options):
    from sklearn.feature_extraction.text import TfidfVectorizer

    words = r"(?u)[@\w][\w$]*"
    return TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=words, **options)


def _classifier(train: Sequence[Example], wrapped=lambda model: model, **options):
    """TF-IDF of one and two words, and logistic regression."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    regression = LogisticRegression(C=10, max_iter=1000, random_state=0, **options)
    return make_pipeline(_vectors(min_df=2 if len(train) > 100 else 1), wrapped(regression))


def labels(key: str, train: Sequence[Example]) -> Predictor:
    """TF-IDF of one and two words, and logistic regression."""
    gold = [item.gold for item in train]
    if len(set(gold)) < 2:
        return majority(key, train)
    model = _classifier(train).fit([_between(item) for item in train], gold)
    return lambda examples: [str(x) for x in model.predict([_between(e) for e in examples])]


def _between(example: Example) -> str:
    """The text, with what stands between two masked drugs said twice."""
    text = text_of(example)
    middle = re.search(r"@DRUGS(.*?)@DRUGS", text, re.DOTALL)
    words = re.findall(r"\w+", middle[1]) if middle else ()
    return " ".join([text, *(f"{word}$between" for word in words)])


def hallmarks(train: Sequence[Example]) -> Predictor:
    """One balanced logistic regression a label; at least the likeliest label."""
    from sklearn.multiclass import OneVsRestClassifier
    from sklearn.preprocessing import MultiLabelBinarizer

    encoder = MultiLabelBinarizer().fit([item.gold for item in train])
    model = _classifier(train, OneVsRestClassifier, class_weight="balanced")
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

    def closest(example):
        likeness = (matrix @ vectors.transform([text_of(example)]).T).toarray()[:, 0]
        if example.id in position:
            likeness[position[example.id]] = -1
        return train[int(np.argmax(likeness))].gold

    return lambda examples: [closest(example) for example in examples]


def dictionary(train: Sequence[Example]) -> Predictor:
    """Longest match of mentions that were mentions in at least half their uses."""
    sentences = [_words(item.inputs["sentence"]) for item in train]
    mentions = Counter(
        _words(item.inputs["sentence"][start:end]) for item in train for start, end in item.gold
    )
    sizes = range(1, max(map(len, mentions), default=1) + 1)
    grams = (s[at : at + n] for s in sentences for n in sizes for at in range(len(s) - n + 1))
    uses = Counter(gram for gram in grams if gram in mentions)
    known = defaultdict(set)
    for mention, count in mentions.items():
        if mention and count * 2 >= uses[mention]:
            known[mention[0]].add(mention)
    return lambda examples: [_longest_matches(e.inputs["sentence"], known) for e in examples]


def _words(text: str) -> tuple[str, ...]:
    return tuple(WORD.findall(text.lower()))


def _longest_matches(sentence: str, known) -> frozenset[tuple[int, int]]:
    """Spans of known mentions, from left to right, the longest first."""
    tokens = [(match.group().lower(), *match.span()) for match in WORD.finditer(sentence)]
    words = tuple(token[0] for token in tokens)
    found, at = set(), 0
    while at < len(words):
        fits = (len(m) for m in known.get(words[at], ()) if words[at : at + len(m)] == m)
        if size := max(fits, default=0):
            found.add((tokens[at][1], tokens[at + size - 1][2]))
        at += size or 1
    return frozenset(found)
