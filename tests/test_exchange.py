"""Prompts out, answers in: every format, every fate of an item; and what is refused."""

import dataclasses
import hashlib
import json
import re
from pathlib import Path

import pytest
from conftest import cases
from publish import publish_answers
from tiny import embedded_tokenizer, llama, save

from benchhealth_utils import cli, evaluate, frame, load, open_model, results
from benchhealth_utils.answers import Store, answer, store_path
from benchhealth_utils.exchange import Kind, answer_shard, asked, bring_in, export, merge
from benchhealth_utils.schema import BenchHealthError, ModelError

pytestmark = pytest.mark.usefixtures("runs")

FILES = Path(__file__).parent / "exchange"
FATES = "ok truncated refused empty error expired duplicate missing torn".split()
FORMATS = {
    "openai": ["openai-output.jsonl", "openai-errors.jsonl"],
    "anthropic": ["anthropic.jsonl"],
    "vllm": ["vllm.jsonl"],
    "plain": ["plain.jsonl"],
}
LOST = {"openai": set(), "anthropic": set(), "vllm": set(), "plain": {"error", "expired"}}


def exported(tmp_path, *keys, model="tiny", **options):
    """The lines of an export."""
    about = export(model, keys or ["medqa"], tmp_path / "out", **options)
    files = [tmp_path / "out" / row["file"] for row in about["files"] if row["lines"]]
    return [json.loads(line) for path in files for line in path.read_text().splitlines()]


def golden(tmp_path, names, ids):
    """Golden files, with the ids of this checkout's prompts in the places of theirs."""
    found = []
    for name in names:
        text = re.sub(r"@(\d)", lambda at: ids[int(at[1])], (FILES / name).read_text())
        found.append(tmp_path / name)
        found[-1].write_text(text)
    return found


def written(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def answers_of(lines, text="Answer: A"):
    return [{"id": line["id"], "text": text} for line in lines]


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("backwards", [False, True])
def test_every_fate_of_an_item_in_every_format(form, backwards, tmp_path):
    ids = [line["id"] for line in exported(tmp_path, form="plain")]
    files = golden(tmp_path, FORMATS[form], ids)
    found = bring_in(
        "tiny", files[::-1] if backwards else files, manifest=tmp_path / "out/manifest.json"
    )
    (row,) = found.to_dict("records")
    errors = 2 - len(LOST[form])
    assert found.attrs["torn"] == 1 and row["prompts"] == len(ids) == 24
    wanted = {"ok": 2, "truncated": 1, "refused": 1, "empty": 1, "error": errors}
    assert {name: row[name] for name in wanted} == wanted and row["missing"] == 24 - 5
    prompts = asked(open_model("imported:tiny"), Kind("medqa"))
    stored = Store(store_path("imported:tiny", "medqa")).read()
    got = {FATES[at]: stored.get(prompts[ids[at]][0]) for at in range(len(FATES))}
    assert {fate: item and item.status for fate, item in got.items()} == {
        "ok": "ok", "truncated": "truncated", "refused": "refused", "empty": "empty",
        "duplicate": "ok", "error": None, "expired": None, "missing": None, "torn": None,
    }  # fmt: skip
    assert got["ok"].text == "Answer: B" and got["truncated"].text == "First, the"
    sources = {hashlib.sha256(path.read_bytes()).hexdigest()[:16] for path in files}
    assert {item.usage["source"] for item in stored.values()} <= sources
    # the same files again change nothing
    before = store_path("imported:tiny", "medqa").read_bytes()
    bring_in("tiny", files)
    assert store_path("imported:tiny", "medqa").read_bytes() == before


def test_the_golden_lines_are_what_the_vendors_types_accept():
    chat = pytest.importorskip("openai").types.chat.ChatCompletion
    batches = pytest.importorskip("anthropic").types.messages
    for name in ("openai-output.jsonl", "vllm.jsonl"):
        for line in (FILES / name).read_text().splitlines()[:-1]:
            if body := (json.loads(line)["response"] or {}).get("body"):
                chat.model_validate(body)
    for line in (FILES / "anthropic.jsonl").read_text().splitlines()[:-1]:
        batches.MessageBatchIndividualResponse.model_validate(json.loads(line))


def test_what_is_missing_is_written_again_and_nothing_else(tmp_path):
    lines = exported(tmp_path, form="plain")
    bring_in("tiny", [written(tmp_path / "some.jsonl", answers_of(lines[:20]))])
    with pytest.raises(ModelError, match="4 of 24 prompts of medqa; nothing is.*--datasets KEY"):
        evaluate("imported:tiny", "medqa", progress=False)
    with pytest.warns(UserWarning, match="1 of 1 prompts"):  # a chapter's item to begin with
        (alone,) = answer("imported:tiny", load("gad")[:1], progress=False)
    assert alone.status == "error" and not alone.text
    about = export("tiny", ["medqa"], tmp_path / "again", form="plain")
    again = (tmp_path / "again" / "medqa-0shot.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in again] == lines[20:]
    assert (about["files"][0]["prompts"], about["files"][0]["lines"]) == (24, 4)
    bring_in("tiny", [written(tmp_path / "more.jsonl", answers_of(lines[20:23]))])
    with pytest.warns(UserWarning, match="1 of 24 prompts of medqa: they count as errors"):
        (run,) = evaluate("imported:tiny", "medqa", progress=False)
    assert run.counts == {"ok": 23, "error": 1} and not run.complete


def test_an_imported_row_is_marked_and_never_published_as_ours(tmp_path, capsys):
    bring_in("tiny", [written(tmp_path / "a.jsonl", answers_of(exported(tmp_path, form="plain")))])
    (run,) = evaluate("imported:tiny", "medqa", progress=False)
    (live,) = evaluate("majority", "medqa", progress=False)
    assert run.imported and not live.imported
    assert run.signature["model"]["weights"] == "declared, not seen"
    (row,) = frame(run).to_dict("records")
    assert row["source"] == "samples, imported" and row["name"] == "imported:tiny"
    assert frame(live)["source"].item() == "samples"
    path = results.record(run)
    assert path.is_relative_to(tmp_path) and results.recorded(tmp_path / "runs" / "results")
    with pytest.raises(BenchHealthError, match="asked here"):
        publish_answers(run, tmp_path)
    assert cli.main(["row", "imported:tiny"]) == 0
    assert "samples, imported" in capsys.readouterr().out


@pytest.mark.parametrize(
    "change, said",
    [
        (lambda row: row | {"id": "medqa-0-0-" + 24 * "0"}, "would not ask medqa-0-0-000"),
        (lambda row: row | {"id": row["id"].replace("-0-0-", "-5-0-")}, "not ask medqa-5-0-"),
        (lambda row: row | {"id": row["id"].replace("medqa", "medmcqa")}, "not ask medmcqa"),
        (lambda row: row | {"id": "gpt"}, "'gpt' is no id of an export"),
        (lambda row: row | {"id": "medqq-0-0-" + 24 * "0"}, "Did you mean medqa?"),
        (lambda row: row | {"text": "Answer: D"}, "a second, different answer to item"),
        (lambda row: {"id": row["id"]}, "line 3: expected a line of OpenAI's"),
        (lambda row: [row], "line 3: expected a line"),
    ],
)  # fmt: skip
def test_what_this_checkout_would_not_ask_is_refused_by_name(change, said, tmp_path):
    rows = [row | {"model": "one"} for row in answers_of(exported(tmp_path, form="plain")[:2])]
    path = written(tmp_path / "a.jsonl", [*rows, change(rows[0])])
    with pytest.raises(BenchHealthError, match=re.escape(said)):
        bring_in("tiny", [path])
    assert not store_path("imported:tiny", "medqa").exists()


def test_answers_of_two_models_are_refused_in_one_file_or_one_after_the_other(tmp_path):
    rows = answers_of(exported(tmp_path, form="plain")[:4])
    for row, model in zip(rows, ["one", "one", "other", "one"], strict=True):
        row["model"] = model
    with pytest.raises(BenchHealthError, match="of several models: one, other"):
        bring_in("tiny", [written(tmp_path / "a.jsonl", rows)])
    bring_in("tiny", [written(tmp_path / "b.jsonl", rows[:2])])
    with pytest.raises(BenchHealthError, match="of several models: one, other"):
        bring_in("tiny", [written(tmp_path / "c.jsonl", rows[2:3])])


def test_another_prompt_or_model_is_another_digest(tmp_path, monkeypatch):
    lines = exported(tmp_path, form="plain")
    path = written(tmp_path / "a.jsonl", answers_of(lines))
    with pytest.raises(BenchHealthError, match="would not ask"):
        bring_in("other", [path])
    monkeypatch.setenv("BENCHHEALTH_MAX_TOKENS", "4096")
    with pytest.raises(BenchHealthError, match="would not ask"):
        bring_in("tiny", [path])
    monkeypatch.delenv("BENCHHEALTH_MAX_TOKENS")
    assert bring_in("tiny", [path])["ok"].item() == 24


def test_a_manifest_names_what_was_asked(tmp_path):
    lines = exported(tmp_path, form="plain", limit=5)
    path = written(tmp_path / "a.jsonl", answers_of(lines[:4]))
    manifest = tmp_path / "out" / "manifest.json"
    assert bring_in("tiny", [path], manifest=manifest)[["prompts", "missing"]].values.tolist() == [
        [5, 1]
    ]
    assert bring_in("tiny", [path])["missing"].item() == 20
    about = json.loads(manifest.read_text())
    (file,) = about["files"]
    assert (
        file["sha256"] == hashlib.sha256((tmp_path / "out" / file["file"]).read_bytes()).hexdigest()
    )
    assert file["data"]["fingerprint"] and about["signature"]["weights"] == "declared, not seen"
    other = [line for line in exported(tmp_path / "2", "gad", form="plain")]
    with pytest.raises(BenchHealthError, match="is not of the export's manifest"):
        bring_in("tiny", [written(tmp_path / "b.jsonl", answers_of(other))], manifest=manifest)
    with pytest.raises(BenchHealthError, match="is of tiny, not of big"):
        bring_in("big", [path], manifest=manifest)
    with pytest.raises(BenchHealthError, match="no manifest"):
        bring_in("tiny", [path], manifest=path)


@pytest.mark.parametrize("form", ["openai", "anthropic", "plain"])
def test_exports_are_the_requests_that_a_live_model_would_be_sent(form, tmp_path):
    lines = exported(tmp_path, "medqa", "hoc", form=form, shots=2, limit=3)
    ids = [line.get("custom_id") or line["id"] for line in lines]
    assert len(set(ids)) == 6 and all(re.fullmatch(r"[A-Za-z0-9_-]{1,64}", x) for x in ids)
    body = {"openai": "body", "anthropic": "params"}.get(form)
    first = lines[0][body] if body else lines[0]
    assert len(first["messages"]) == 5 and first["max_tokens"] > 0
    if form != "plain":
        assert first["temperature"] == 0 and first["model"] == "tiny"
    if form == "openai":
        assert lines[0]["method"] == "POST" and lines[0]["url"] == "/v1/chat/completions"
        (new,) = exported(tmp_path / "new", limit=1, newer=True)
        assert "temperature" not in new["body"] and "max_completion_tokens" in new["body"]
        assert new["custom_id"] not in ids


def test_perturbed_prompts_go_out_and_come_back(tmp_path):
    steps = {"perturbation": "worked_steps", "shots": 2}  # whose exemplars change, not the item
    each = [("medqa", {}), ("medqa", {"perturbation": "option_order"}), ("medmcqa", steps)]
    for at, (key, options) in enumerate(each):
        lines = exported(tmp_path / str(at), key, form="plain", limit=4, **options)
        bring_in("tiny", [written(tmp_path / f"{at}.jsonl", answers_of(lines))])
        (run,) = evaluate("imported:tiny", key, limit=4, progress=False, **options)
        assert run.counts == {"ok": 4}


@pytest.mark.parametrize("options, said", cases("refused")["exports"])
def test_an_export_that_cannot_be_is_refused_before_a_file_is_written(options, said, tmp_path):
    options = {"model": "tiny", "keys": ["medqa"], **options}
    with pytest.raises(BenchHealthError, match=re.escape(said)):
        export(options.pop("model"), options.pop("keys"), tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_credentialed_prompts_leave_only_into_a_declared_folder(tmp_path, monkeypatch):
    folder = tmp_path / "out"
    with pytest.raises(BenchHealthError, match="BENCHHEALTH_ZERO_RETENTION_ENDPOINTS="):
        export("tiny", ["gad", "mimic_cxr"], folder)
    assert not folder.exists()
    monkeypatch.setenv("BENCHHEALTH_ZERO_RETENTION_ENDPOINTS", folder.resolve().as_posix())
    lines = exported(tmp_path, "mimic_cxr")
    assert lines and (folder / "mimic_cxr-0shot.jsonl").stat().st_mode & 0o077 == 0
    words = load("mimic_cxr")[0].inputs["findings"][:60]
    assert words not in (folder / "manifest.json").read_text()
    error = {"custom_id": lines[0]["custom_id"], "response": None, "error": f"no: {words}"}
    bring_in("tiny", [written(tmp_path / "e.jsonl", [error])])
    assert not store_path("imported:tiny", "mimic_cxr").exists()


def test_another_export_is_never_written_over(tmp_path):
    exported(tmp_path, limit=3)
    exported(tmp_path, limit=3)
    with pytest.raises(BenchHealthError, match="has other prompts; name another folder"):
        exported(tmp_path, limit=4)


def test_shards_merge_into_what_one_machine_writes(tmp_path, runs):
    keys, whole = ["gad", "medqa"], tmp_path / "whole"
    for key in keys:
        answer("majority", load(key), store=whole, progress=False)
    folders = [answer_shard("majority", keys, f"{k}/3") for k in (1, 2, 3)]
    sizes = [len(Store(store_path("majority", "medqa", f)).read()) for f in folders]
    assert sum(sizes) == len(load("medqa")) and all(sizes)
    # a shard that lost its last lines is asked again, and merges to the same
    torn = store_path("majority", "medqa", folders[0])
    torn.write_bytes(torn.read_bytes()[:-30])
    answer_shard("majority", keys, "1/3")
    first, again = merge(folders), merge(folders)
    assert first["new"].sum() == first["answers"].sum() and again["new"].sum() == 0
    for key in keys:
        merged, single = store_path("majority", key), store_path("majority", key, whole)
        assert sorted(merged.read_bytes().split(b"\n")) == sorted(single.read_bytes().split(b"\n"))


def test_two_answers_under_one_key_are_not_merged(tmp_path):
    folder = answer_shard("majority", ["gad"], "1/2")
    (item, *_) = Store(store_path("majority", "gad", folder)).read().values()
    other = Store(store_path("majority", "gad", tmp_path))
    other.path.parent.mkdir()
    other.append([dataclasses.replace(item, text="other")])
    merge([folder])
    before = store_path("majority", "gad").read_bytes()
    with pytest.raises(BenchHealthError, match="a second, different answer to item"):
        merge([tmp_path])
    assert store_path("majority", "gad").read_bytes() == before
    with pytest.raises(BenchHealthError, match="holds no answers"):
        merge([tmp_path / "nowhere"])


@pytest.mark.model
def test_shards_of_a_local_model_add_up_to_the_whole(tmp_path, monkeypatch):
    """Where an answer depends on its batch, a share is one of whole batches."""
    monkeypatch.setattr("benchhealth_utils.models.local.BATCH_ROWS", 2)
    tokenizer = embedded_tokenizer()
    tiny = save(llama(tokenizer, initializer_range=0.3), tokenizer, tmp_path / "tiny")
    model = open_model(f"hf:{tiny}", device="cpu")
    items, whole, model.max_tokens = load("gad")[:8], tmp_path / "whole", 2
    answer(model, items, store=whole, progress=False)
    for k in (1, 2):
        shares = [answer(model, items, shard=(k, 2), store=tmp_path / str(k), progress=False)]
        assert 0 < len(shares[0]) < len(items)
    merge([tmp_path / "1", tmp_path / "2"], tmp_path / "all")
    merged, single = (store_path(model.name, "gad", at) for at in (tmp_path / "all", whole))
    assert sorted(merged.read_bytes().split(b"\n")) == sorted(single.read_bytes().split(b"\n"))


@pytest.mark.parametrize("words, said", cases("refused")["exchange_commands"])
def test_the_verbs_refuse_in_a_line(words, said, capsys):
    assert cli.main(words) == 1 and said in capsys.readouterr().err


def test_an_import_ends_with_what_scores_the_sets_that_came(tmp_path, capsys):
    options, some = ["--datasets", "gad", "pubmedqa", "--limit", "5"], f"{tmp_path}/a.jsonl"
    assert (
        cli.main(["export", "my model", "--to", f"{tmp_path}/a", "--format", "plain", *options])
        == 0
    )
    rows = [json.loads(x) for x in (tmp_path / "a/gad-0shot.jsonl").read_text().splitlines()]
    written(Path(some), answers_of(rows, "Yes"))
    capsys.readouterr()
    assert cli.main(["import", "my model", some, "--manifest", f"{tmp_path}/a/manifest.json"]) == 0
    said = capsys.readouterr().out
    step = "'imported:my model' --chapters understanding --datasets gad --limit 5"
    assert said.endswith(f"\nnext: benchhealth run {step}\n") and "with its --manifest" not in said
    assert cli.main(["import", "my model", some]) == 0  # then it is missing most of the set
    said = capsys.readouterr().out
    assert "next:" not in said and said.endswith("import with its --manifest.\n")
    options = ["--datasets", "gad", "--shots", "1", "--seed", "3", "--format", "plain"]
    assert cli.main(["export", "tiny", "--to", f"{tmp_path}/b", *options]) == 0
    rows = [json.loads(x) for x in (tmp_path / "b/gad-1shot.jsonl").read_text().splitlines()]
    written(Path(some), answers_of(rows, "Yes"))
    capsys.readouterr()
    assert cli.main(["import", "tiny", some]) == 0
    step = capsys.readouterr().out.splitlines()[-1]
    assert step == "next: bh.evaluate('imported:tiny', 'gad', seed=3, shots=1)"
    (run,) = evaluate("imported:tiny", "gad", seed=3, shots=1, progress=False)
    assert run.complete


@pytest.mark.parametrize("rows", ["", "\n", '{"id": "gad-'])
def test_a_file_without_an_answer_is_refused(rows, tmp_path, capsys):
    (tmp_path / "a.jsonl").write_text(rows)
    assert cli.main(["import", "tiny", f"{tmp_path}/a.jsonl"]) == 1
    assert "There is no answer in these files: " in capsys.readouterr().err


def test_the_verbs_do_it_all(tmp_path, capsys, runs):
    assert cli.main(["export", "tiny", "--to", f"{tmp_path}/out", "--format", "plain",
                     "--datasets", "gad"]) == 0  # fmt: skip
    assert "These are invented samples" in capsys.readouterr().out
    lines = [json.loads(x) for x in (tmp_path / "out/gad-0shot.jsonl").read_text().splitlines()]
    path = written(tmp_path / "a.jsonl", answers_of(lines[:-1], "Yes"))
    assert (
        cli.main(["import", "tiny", str(path), "--manifest", f"{tmp_path}/out/manifest.json"]) == 0
    )
    said = capsys.readouterr().out
    assert "written again by `benchhealth export`" in said
    assert "next: benchhealth run imported:tiny --chapters understanding --datasets gad\n" in said
    for k in (1, 2):
        assert cli.main(["run", "majority", "--datasets", "gad", "--shard", f"{k}/2"]) == 0
    assert cli.main(["merge", *map(str, (runs / "shards").iterdir())]) == 0
    assert len(Store(store_path("majority", "gad")).read()) == len(lines)  # equal prompts once
