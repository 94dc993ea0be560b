"""Chat formats, letter by letter: what each model is sent for the same conversations."""

import json

import pytest
from tiny import embedded_tokenizer

from benchhealth_utils import MODELS, load
from benchhealth_utils.answers import make_requests
from benchhealth_utils.models.base import with_template
from benchhealth_utils.models.local import Prompts
from benchhealth_utils.registry import TEMPLATES, template
from benchhealth_utils.schema import ROOT, ModelError

SYSTEM = {"role": "system", "content": "Be brief."}
FIRST = {"role": "user", "content": "Is it flu?"}
REPLY = {"role": "assistant", "content": "No."}
SECOND = {"role": "user", "content": "A cold?"}
CONVERSATIONS = {
    "one turn": [FIRST],
    "one turn, system": [SYSTEM, FIRST],
    "two turns": [FIRST, REPLY, SECOND],
    "two turns, system": [SYSTEM, FIRST, REPLY, SECOND],
}
# of each template one text a conversation, in this order, without the first beginning token
GOLDEN = json.loads((ROOT / "tests" / "golden" / "chat_formats.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("turns", CONVERSATIONS)
@pytest.mark.parametrize("name", GOLDEN)
def test_golden_rendering(name, turns):
    expected = GOLDEN[name][list(CONVERSATIONS).index(turns)]
    assert with_template(template(name), CONVERSATIONS[turns]) == expected


def test_every_template_has_a_golden_rendering_and_every_local_paper_model_a_template():
    assert {path.stem for path in TEMPLATES.glob("*.jinja")} == set(GOLDEN)
    for spec in MODELS.values():
        assert spec.template in GOLDEN or spec.published in (
            "api",
            "embedded",
            "tuned",
            "baseline",
        ), spec


@pytest.mark.parametrize("name", ["alpacca", "", "../models", "alpaca.jinja"])
def test_an_unknown_template_lists_the_known_ones(name):
    with pytest.raises(ModelError, match="no chat template .*Known: alpaca, baize, chatdoctor"):
        template(name)


@pytest.mark.parametrize("name", GOLDEN)
def test_braces_in_a_question_are_text(name):
    odd = "{{ 7 * 7 }} {% if %} {prompt}"
    assert odd in with_template(template(name), [{**FIRST, "content": odd}])


@pytest.fixture(scope="module")
def embedded():
    return embedded_tokenizer()


def test_chatml_is_what_the_embedded_tokenizer_has_itself(embedded):
    shots = [
        make_requests(load(key)[:1], shots=2, seed=0, mode="generate") for key in ("medqa", "gad")
    ]
    for turns in [*CONVERSATIONS.values(), *(found[0][0].messages for found in shots)]:
        own = Prompts("smollm2-135m", embedded, 8192).text(turns)
        assert with_template(template("chatml"), turns, bos="") == own


@pytest.mark.parametrize("name", GOLDEN)
def test_rendered_here_and_by_transformers_it_is_the_same(embedded, name, monkeypatch):
    monkeypatch.setattr(embedded, "chat_template", template(name))
    bos, eos = embedded.bos_token, embedded.eos_token
    for turns in CONVERSATIONS.values():
        own = Prompts("smollm2-135m", embedded, 8192).text(turns)
        assert with_template(template(name), turns, bos, eos) == own.removeprefix(bos)


def test_each_turn_of_llama_2_begins_with_one_beginning_token():
    """The template writes BOS; a tokenizer that puts it before every text adds none of its own."""
    tokenizers = pytest.importorskip("tokenizers")
    transformers = pytest.importorskip("transformers")
    words = ["<unk>", "<s>", "</s>", "[INST]", "[/INST]", "Is", "it", "flu?", "No.", "A", "cold?"]
    model = tokenizers.models.WordLevel({w: i for i, w in enumerate(words)}, unk_token="<unk>")
    inner = tokenizers.Tokenizer(model)
    inner.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    inner.post_processor = tokenizers.processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", 1)]
    )
    special = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=inner, **special)
    prompts = Prompts("hf:owner/name", tokenizer, 99)
    text = with_template(template("llama-2-chat"), CONVERSATIONS["two turns"])
    names = tokenizer.convert_ids_to_tokens(prompts.ids("<s>" + text))
    assert names[0] == "<s>" and names.count("<s>") == 2 and names.count("</s>") == 1
    assert prompts.ids(text) == prompts.ids("<s>" + text)


DOUBLED = (
    "{% set n = namespace(x='ab') %}{% for i in range(64) %}{% set n.x = n.x ~ n.x %}"
    "{% endfor %}{{ n.x }}"
)


@pytest.mark.parametrize("hostile", ["{{ 'x' * 10 ** 11 }}", "{{ 'x' * 10 ** 8 }}", DOUBLED])
def test_a_chat_format_cannot_take_all_memory(embedded, hostile, monkeypatch):
    monkeypatch.setattr(embedded, "chat_template", hostile)
    with pytest.raises(ModelError, match="hf:owner/name: its chat format fails on the prompt"):
        Prompts("hf:owner/name", embedded, 99).text([FIRST])


def test_what_a_chat_format_refuses_is_said(embedded, monkeypatch):
    monkeypatch.setattr(embedded, "chat_template", "{{ raise_exception('no system text here') }}")
    with pytest.raises(ModelError, match="fails on the prompt: no system text here"):
        Prompts("hf:owner/name", embedded, 99).text([SYSTEM, FIRST])
