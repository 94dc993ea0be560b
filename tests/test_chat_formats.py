"""Chat formats, letter by letter: what each model is sent for the same conversations."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchhealth_utils import MODELS, load
from benchhealth_utils.answers import make_requests
from benchhealth_utils.models import TEMPLATES, template
from benchhealth_utils.models.base import with_template
from benchhealth_utils.models.local import Prompts
from benchhealth_utils.models.weights import embedded as embedded_weights
from benchhealth_utils.models.weights import weights_of
from benchhealth_utils.schema import ModelError

SYSTEM = {"role": "system", "content": "Be brief."}
FIRST = {"role": "user", "content": "Is it flu?"}
REPLY = {"role": "assistant", "content": "No."}
SECOND = {"role": "user", "content": "A cold?"}
SMOL = "smollm2-135m"
CONVERSATIONS = {
    "one turn": [FIRST],
    "one turn, system": [SYSTEM, FIRST],
    "two turns": [FIRST, REPLY, SECOND],
    "two turns, system": [SYSTEM, FIRST, REPLY, SECOND],
}

ALPACA = (
    "Below is an instruction that describes a task. Write a response that appropriately completes "
    "the request.\n\n"
)
MEDALPACA = (
    "Below is an instruction that describes a task, paired with an input that provides further "
    "context. Write a response that appropriately completes the request.\n\n"
)
VICUNA = (
    "A chat between a curious user and an artificial intelligence assistant. The assistant gives "
    "helpful, detailed, and polite answers to the user's questions. "
)
HUATUO = "下面是一个问题，运用医学知识来正确回答提问.\n"
HUATUOGPT = (
    "一位用户和智能医疗大模型HuatuoGPT之间的对话。对于用户的医疗问诊，HuatuoGPT给出准确的、详细的、"
    "温暖的指导建议。对于用户的指令问题，HuatuoGPT给出有益的、详细的、有礼貌的回答。"
)
CHATDOCTOR = (
    "If you are a doctor, please answer the medical questions based on the patient's description. "
    "\n\nChatDoctor: I am ChatDoctor, what medical questions do you have?\n\n"
)
BAIZE = (
    "The following is a conversation between a human and an AI assistant named Baize (named after "
    "a mythical creature in Chinese folklore). Baize is an open-source AI assistant developed by "
    "UCSD and Sun Yat-Sen University. The human and the AI assistant take turns chatting. Human "
    "statements start with [|Human|] and AI assistant statements start with [|AI|]. The AI "
    "assistant always provides responses in as much detail as possible, and in Markdown format. "
    "The AI assistant always declines to engage with topics, questions and instructions related to "
    "unethical, controversial, or sensitive issues. Complete the transcript in exactly that "
    "format.\n[|Human|]Hello!\n[|AI|]Hi!\n"
)
SMOLLM = (
    "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging "
    "Face<|im_end|>\n"
)

# One line a conversation, in the order of CONVERSATIONS. Without the first BOS.
GOLDEN = {
    "alpaca": [
        f"{ALPACA}### Instruction:\nIs it flu?\n\n### Response:",
        f"{ALPACA}### Instruction:\nBe brief.\n\nIs it flu?\n\n### Response:",
        f"{ALPACA}### Instruction:\nIs it flu?\n\n### Response:No.\n\n"
        "### Instruction:\nA cold?\n\n### Response:",
        f"{ALPACA}### Instruction:\nBe brief.\n\nIs it flu?\n\n### Response:No.\n\n"
        "### Instruction:\nA cold?\n\n### Response:",
    ],
    "baize": [
        f"{BAIZE}[|Human|]Is it flu?\n[|AI|]",
        f"{BAIZE}[|Human|]Be brief.\n\nIs it flu?\n[|AI|]",
        f"{BAIZE}[|Human|]Is it flu?\n[|AI|]No.\n[|Human|]A cold?\n[|AI|]",
        f"{BAIZE}[|Human|]Be brief.\n\nIs it flu?\n[|AI|]No.\n[|Human|]A cold?\n[|AI|]",
    ],
    "chatdoctor": [
        f"{CHATDOCTOR}Patient: Is it flu?\n\nChatDoctor: ",
        f"{CHATDOCTOR}Patient: Be brief.\n\nIs it flu?\n\nChatDoctor: ",
        f"{CHATDOCTOR}Patient: Is it flu?\n\nChatDoctor: No.\n\nPatient: A cold?\n\nChatDoctor: ",
        f"{CHATDOCTOR}Patient: Be brief.\n\nIs it flu?\n\nChatDoctor: No.\n\n"
        "Patient: A cold?\n\nChatDoctor: ",
    ],
    "chatglm": [
        "Is it flu?",
        "Be brief.\n\nIs it flu?",
        "[Round 0]\n问：Is it flu?\n答：No.\n[Round 1]\n问：A cold?\n答：",
        "[Round 0]\n问：Be brief.\n\nIs it flu?\n答：No.\n[Round 1]\n问：A cold?\n答：",
    ],
    "chatglm-med": [
        "问题：Is it flu?\n答案：",
        "问题：Be brief.\n\nIs it flu?\n答案：",
        "问题：Is it flu?\n答案：No.\n问题：A cold?\n答案：",
        "问题：Be brief.\n\nIs it flu?\n答案：No.\n问题：A cold?\n答案：",
    ],
    "chatml": [
        f"{SMOLLM}<|im_start|>user\nIs it flu?<|im_end|>\n<|im_start|>assistant\n",
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nIs it flu?<|im_end|>\n"
        "<|im_start|>assistant\n",
        f"{SMOLLM}<|im_start|>user\nIs it flu?<|im_end|>\n<|im_start|>assistant\nNo.<|im_end|>\n"
        "<|im_start|>user\nA cold?<|im_end|>\n<|im_start|>assistant\n",
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nIs it flu?<|im_end|>\n"
        "<|im_start|>assistant\nNo.<|im_end|>\n<|im_start|>user\nA cold?<|im_end|>\n"
        "<|im_start|>assistant\n",
    ],
    "huatuo": [
        f"{HUATUO}### 问题:\nIs it flu?\n### 回答:\n",
        f"{HUATUO}### 问题:\nBe brief.\n\nIs it flu?\n### 回答:\n",
        f"{HUATUO}### 问题:\nIs it flu?\n### 回答:\nNo.\n### 问题:\nA cold?\n### 回答:\n",
        f"{HUATUO}### 问题:\nBe brief.\n\nIs it flu?\n### 回答:\nNo.\n"
        "### 问题:\nA cold?\n### 回答:\n",
    ],
    "huatuogpt": [
        f"{HUATUOGPT}<病人>：Is it flu? <HuatuoGPT>：",
        f"{HUATUOGPT}<病人>：Be brief.\n\nIs it flu? <HuatuoGPT>：",
        f"{HUATUOGPT}<病人>：Is it flu? <HuatuoGPT>：No.</s><病人>：A cold? <HuatuoGPT>：",
        f"{HUATUOGPT}<病人>：Be brief.\n\nIs it flu? <HuatuoGPT>：No.</s>"
        "<病人>：A cold? <HuatuoGPT>：",
    ],
    "llama-2-chat": [
        "[INST] Is it flu? [/INST]",
        "[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nIs it flu? [/INST]",
        "[INST] Is it flu? [/INST] No. </s><s>[INST] A cold? [/INST]",
        "[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nIs it flu? [/INST] No. </s>"
        "<s>[INST] A cold? [/INST]",
    ],
    "medalpaca": [
        f"{MEDALPACA}### Instruction:\nIs it flu?\n\n### Input:\n\n\n### Response:\n",
        f"{MEDALPACA}### Instruction:\nBe brief.\n\nIs it flu?\n\n### Input:\n\n\n### Response:\n",
        f"{MEDALPACA}### Instruction:\nIs it flu?\n\n### Input:\n\n\n### Response:\nNo.\n\n"
        "### Instruction:\nA cold?\n\n### Input:\n\n\n### Response:\n",
        f"{MEDALPACA}### Instruction:\nBe brief.\n\nIs it flu?\n\n### Input:\n\n\n### Response:\n"
        "No.\n\n### Instruction:\nA cold?\n\n### Input:\n\n\n### Response:\n",
    ],
    "vicuna": [
        f"{VICUNA}USER: Is it flu? ASSISTANT:",
        "Be brief. USER: Is it flu? ASSISTANT:",
        f"{VICUNA}USER: Is it flu? ASSISTANT: No.</s>USER: A cold? ASSISTANT:",
        "Be brief. USER: Is it flu? ASSISTANT: No.</s>USER: A cold? ASSISTANT:",
    ],
}


@pytest.mark.parametrize("turns", CONVERSATIONS)
@pytest.mark.parametrize("name", GOLDEN)
def test_golden_rendering(name, turns):
    expected = GOLDEN[name][list(CONVERSATIONS).index(turns)]
    assert with_template(template(name), CONVERSATIONS[turns]) == expected


def test_every_template_has_a_golden_rendering():
    assert {path.stem for path in TEMPLATES.iterdir()} == set(GOLDEN)


def test_every_template_of_the_registry_exists_and_every_local_paper_model_has_one():
    for spec in MODELS.values():
        if spec.template:
            assert template(spec.template)
        assert spec.template or spec.published in ("api", "embedded", "baseline"), spec.key


def test_an_unknown_template_lists_the_known_ones():
    for name in ("alpacca", "", "../models", "alpaca.jinja"):
        with pytest.raises(ModelError, match="no chat template .*Known: alpaca, baize, chatdoctor"):
            template(name)


def test_llama_2_strips_turns_as_its_code_does():
    spaced = [{**FIRST, "content": " Is it flu?\n"}, {**REPLY, "content": " No.\n"}, SECOND]
    assert with_template(template("llama-2-chat"), spaced) == GOLDEN["llama-2-chat"][2]


def as_llama_2_code_has_it(turns, bos="<s>", eos="</s>"):
    """The rule of LLaMA-2's own chat code, from the marks that transformers keeps of it."""
    from transformers.models.llama.tokenization_llama import B_INST, B_SYS, E_INST, E_SYS

    system, *turns = turns if turns[0]["role"] == "system" else [None, *turns]
    said = [turn["content"] for turn in turns]
    if system:
        said[0] = f"{B_SYS}{system['content']}{E_SYS}{said[0]}"
    text = "".join(
        f"{bos}{B_INST} {question.strip()} {E_INST} {reply.strip()} {eos}"
        for question, reply in zip(said[:-1:2], said[1::2], strict=True)
    )
    return f"{text}{bos}{B_INST} {said[-1].strip()} {E_INST}"


WRITTEN = st.text(alphabet="aé ?\n\t<[", max_size=12)


@given(st.lists(WRITTEN, min_size=1, max_size=7).filter(lambda x: len(x) % 2), st.none() | WRITTEN)
def test_llama_2_is_put_as_its_own_code_puts_it(texts, system):
    pytest.importorskip("transformers")
    turns = [{"role": ("user", "assistant")[k % 2], "content": t} for k, t in enumerate(texts)]
    if system is not None:
        turns.insert(0, {"role": "system", "content": system})
    ours = with_template(template("llama-2-chat"), turns)
    assert ours == as_llama_2_code_has_it(turns).removeprefix("<s>")


@pytest.mark.parametrize("turns", CONVERSATIONS)
def test_llama_2_is_put_as_the_template_of_its_tokenizer_puts_it(turns):
    """With the official tokenizer, where it is on this machine."""
    transformers = pytest.importorskip("transformers")
    try:
        folder = weights_of("llama-2-7b", tokenizer_only=True).folder
    except ModelError as error:
        pytest.skip(str(error))
    official = transformers.AutoTokenizer.from_pretrained(folder)
    assert official.chat_template is not None
    own = Prompts("hf:owner/name", official, 4096).text(CONVERSATIONS[turns])
    assert with_template(template("llama-2-chat"), CONVERSATIONS[turns]) == own.removeprefix("<s>")


@pytest.mark.parametrize("name", GOLDEN)
def test_braces_in_a_question_are_text(name):
    odd = "{{ 7 * 7 }} {% if %} {prompt}"
    assert odd in with_template(template(name), [{**FIRST, "content": odd}])


@pytest.fixture(scope="module")
def embedded():
    transformers = pytest.importorskip("transformers")
    try:
        return transformers.AutoTokenizer.from_pretrained(embedded_weights())
    except ModelError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("turns", CONVERSATIONS)
def test_chatml_is_what_the_embedded_tokenizer_has_itself(embedded, turns):
    ours = with_template(template("chatml"), CONVERSATIONS[turns], bos="")
    assert ours == Prompts(SMOL, embedded, 8192).text(CONVERSATIONS[turns])


def test_chatml_is_what_the_embedded_tokenizer_has_itself_on_few_shot_prompts(embedded):
    for key in ("medqa", "gad"):
        request = make_requests(load(key)[:1], shots=2, seed=0, mode="generate")[0][0]
        ours = with_template(template("chatml"), request.messages, bos="")
        assert ours == Prompts(SMOL, embedded, 8192).text(request.messages)


@pytest.mark.parametrize("name", GOLDEN)
def test_rendered_here_and_by_transformers_it_is_the_same(embedded, name, monkeypatch):
    monkeypatch.setattr(embedded, "chat_template", template(name))
    bos, eos = embedded.bos_token, embedded.eos_token
    for conversation in CONVERSATIONS.values():
        ours = with_template(template(name), conversation, bos, eos)
        assert ours == Prompts(SMOL, embedded, 8192).text(conversation).removeprefix(bos)


def test_each_turn_of_llama_2_begins_with_one_beginning_token(llama_like):
    """The template writes BOS, and the tokenizer adds none of its own."""
    text = with_template(template("llama-2-chat"), CONVERSATIONS["two turns"])
    ids = Prompts("hf:owner/name", llama_like, 99).ids("<s>" + text)
    names = llama_like.convert_ids_to_tokens(ids)
    assert names[0] == "<s>" and names.count("<s>") == 2 and names.count("</s>") == 1
    assert Prompts("hf:owner/name", llama_like, 99).ids(text) == ids


@pytest.fixture(scope="module")
def llama_like():
    """A tokenizer that puts BOS before every text, as LLaMA's does."""
    tokenizers = pytest.importorskip("tokenizers")
    transformers = pytest.importorskip("transformers")
    words = ["<unk>", "<s>", "</s>", "[INST]", "[/INST]", "Is", "it", "flu?", "No.", "A", "cold?"]
    model = tokenizers.models.WordLevel({w: i for i, w in enumerate(words)}, unk_token="<unk>")
    tokenizer = tokenizers.Tokenizer(model)
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    tokenizer.post_processor = tokenizers.processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", 1)]
    )
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", unk_token="<unk>"
    )
