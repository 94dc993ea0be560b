"""The `create` command: dialogues, replies, and a study folder made of them."""

from __future__ import annotations

import math
from collections import Counter

from ..datasets import data_root
from ..schema import ROOT, runs_folder, shown
from . import validation
from .creation import create_study, draw
from .dialogues import ANSWER_RULES, QUESTION_RULES, dialogues_file, load_dialogues, usable
from .folder import CODES, KEY, StudyError, file_digest, place
from .identity import PHYSICIAN
from .identity import WHAT as TELLING
from .layout import comparisons
from .replies import REPLY_RULES, Replies, check_can_reply, collect

RULES = QUESTION_RULES | ANSWER_RULES | REPLY_RULES


def create(options) -> None:
    """Draw dialogues, collect replies, write the folder; cheap checks come first."""
    folder = place(options.folder)
    validation.check_new_folder(folder)
    senior = None if options.no_senior else options.senior
    validation.people(options.raters, senior)
    validation.check_shares(repeats=options.repeats, checks=options.checks)
    models = list(dict.fromkeys([*options.models, *(options.against or ())]))
    chosen = [(a, b) for a in options.models for b in options.against or ()] or None
    pairs = comparisons(chosen, models)
    if len(models) < 2:
        raise StudyError("Name two models or more, or some with --models and some with --against.")
    validation.check_title(options.title, models)
    for model in models:
        check_can_reply(model)
    drop, keep = _rules(options.drop), _rules(options.keep)
    path = dialogues_file()
    found = load_dialogues()
    fit = usable(found, physician=PHYSICIAN in models, drop=drop[0], keep=keep[0])
    draw(fit.dialogues, options.items, options.seed)  # refuses too many
    reserve = math.ceil(options.checks * options.items * len(pairs))
    wanted = min(options.items + reserve, len(fit.dialogues))
    pool = draw(fit.dialogues, wanted, options.seed)
    replies = collect(
        models, pool, drop=drop[1], keep=keep[1], redact=options.redact, budget=options.budget
    )
    if not replies.dialogues:
        raise StudyError(f"No dialogue is left that can be rated: {_counted(replies.left_out)}.")
    _check_blind(replies, keep[1])
    flags = {
        item.id: [*fit.flags.get(item.id, ()), *replies.flags.get(item.id, ())]
        for item in replies.dialogues
    }
    study = create_study(
        folder,
        replies.dialogues,
        replies.texts,
        comparisons=pairs,
        items=min(options.items, len(replies.dialogues)),
        raters=options.raters,
        senior=senior,
        repeats=options.repeats,
        checks=options.checks,
        seed=options.seed,
        senior_sees=options.senior_sees,
        title=options.title,
        flags=flags,
        record=replies.record
        | {
            "dialogues": {"file": path.name, "sha256": file_digest(path), "rows": len(found)},
            "left_out": dict(fit.left_out) | _by_model(replies.left_out),
            "noted": _by_model(replies.noted),
        },
        synthetic=data_root() == ROOT / "data" / "samples",
    )
    _tell(study, options.items, Counter(fit.left_out), replies, flags)


def _rules(names) -> tuple[list[str], list[str]]:
    """Rules of dialogues and rules of replies."""
    for name in names:
        if name not in RULES:
            raise StudyError(f"There is no rule {name!r}. Known: {', '.join(RULES)}.")
    of_replies = [name for name in names if name in REPLY_RULES]
    return [name for name in names if name not in REPLY_RULES], of_replies


def _check_blind(replies: Replies, keep: list[str]) -> None:
    """Refuse replies that tell who wrote them, until it is said what to do with them."""
    told = Counter(
        {pair: n for pair, n in replies.noted.items() if pair[1] in TELLING and pair[1] not in keep}
    )
    if not told or replies.record["redacted"]:
        return
    rules = " ".join(sorted({rule for _, rule in told}))
    raise StudyError(
        f"In {told.total()} cases a reply tells who wrote it ({_counted(told)}), so raters "
        f"would not be blind. Say what to do: --redact takes such words out, --drop {rules} "
        f"leaves those questions out, --keep {rules} shows them as they are. No model is asked "
        "again."
    )


def _by_model(counts: Counter) -> dict[str, int]:
    return {f"{model}: {rule}": number for (model, rule), number in sorted(counts.items())}


def _counted(counts: Counter) -> str:
    """Counts by rule; of no model, for the organiser may be a rater too."""
    by_rule: Counter = Counter()
    for name, number in counts.items():
        by_rule[name[1] if isinstance(name, tuple) else name] += number
    return "; ".join(f"{RULES[name].what}: {number}" for name, number in by_rule.items())


def _tell(study, asked: int, left_out: Counter, replies, flags) -> None:
    counts = study.design["counts"]
    print(f"Study: {study.folder}")
    print(
        f"  {counts['items']} items, {counts['pairs']} pairs, {counts['repeats']} repeats, "
        f"{counts['checks']} attention checks; each rater has {counts['cards']} cards."
    )
    if counts["items"] < asked:
        print(f"  {asked} items were asked for: too many replies could not be shown.")
    if data_root() == ROOT / "data" / "samples":
        print("  The dialogues are the synthetic samples: for trying out, not for results.")
    if total := left_out + replies.left_out:
        print(f"  Left out: {_counted(total)}.")
    noted = Counter(name for names in flags.values() for name in names if name in RULES)
    if noted := noted + replies.noted:
        print(f"  Kept and noted: {_counted(noted)}.")
    told = sum(number for (_, rule), number in replies.noted.items() if rule in TELLING)
    if told and replies.record["redacted"]:
        print(f"  Of what told who wrote a reply, {told} cases were taken out.")
    elif told:
        print(f"  In {told} cases a reply tells who wrote it; --redact takes such words out.")
    print(f"Codes: {CODES} in that folder. Hand each rater theirs, then delete the file.")
    print(f"Key: {KEY} in that folder. Raters must not read it; keep it elsewhere meanwhile.")
    kept = shown(runs_folder() / "answers")
    print(f"Replies are also under {kept}, by model: raters must not read that folder either.")
    print(f"Rating page: make rate STUDY={study.folder}")
