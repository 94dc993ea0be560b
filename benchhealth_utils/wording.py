"""The words of the prompts: the paper's Table 4, and what it left open.

The paper's text prints the marks of masked names as ``@DRUGS``, ``@GENES`` and
``@DISEASES``; sentences are shown with those marks, so that the instruction and
the sentence agree. It never published what it said of each hallmark of cancer;
the lines in `HALLMARKS` are ours.
"""

EXAM = (
    "The following are multiple-choice questions about medical knowledge. Solve them "
    "in a step-by-step fashion, starting by summarizing the available information. "
    "Output a single option from the four options as the final answer."
)
PUBMEDQA = (
    "This is a multiple-choice question about medical research. Determine the answer "
    "to the question based on the strength of the scientific evidence provided in the "
    "context. Valid answers are yes, no, or maybe. Answer yes or no if the evidence in "
    "the context supports a definitive answer. Answer maybe if the evidence in the "
    "context does not support a definitive answer, such as when the context discusses "
    "both conditions where the answer is yes and conditions where the answer is no."
)
CHATDOCTOR = (
    "Task: Your task is to list the medications based on the provided content related "
    "to the symptom or disease mentioned in the question. Understand the question, "
    "extract relevant information, analyze it, and provide a concise and accurate "
    "answer.\n"
    "Answer Format: Analysis: Provide an analysis that logically leads to the answer "
    "based on the relevant content. Final Answer: Provide the final answer, which "
    "should be a list of medications related to the symptom or disease.\n"
    "Not to dos: Do not make assumptions not supported by the content. Avoid providing "
    "personal opinions or interpretations. Summarize and interpret the information as "
    "objectively and accurately as possible. You are providing an analysis, not "
    "diagnosing or treating medical conditions."
)
RADIOLOGY = (
    "You are a helpful radiology assistant. The following are questions about radiology "
    "reports. Summarize the findings in the report into diagnostic statements in a "
    "coherent paragraph."
)
MIMIC_III = (
    "Provide plain language discharge instructions, containing the following three main "
    "components from patients' perspective: (1) What is my main health condition? (i.e., "
    "why was I in the hospital?) (2) What do I need to do? (i.e., how do I manage at home, "
    "how should I best care for myself, what medications to take, and which appointments "
    "to go to next (if available)) (3) Why is it important for me to do this?"
)
NER = (
    "Please extract all diseases mentioned in the paragraph. Answer with the format "
    '"<Paragraph ID> | <recognized entities>"'
)
DDI = (
    "Target: You need to identify the relationship between the two @DRUGS.\n"
    'Require: you must start with choose one from the ["mechanism", "effect", "advice", '
    '"int", "None"].\n'
    "Specific Explanation: mechanism: This type is used to annotate DDIs that are "
    "described by their PK mechanism (e.g. Grepafloxacin may inhibit the metabolism of "
    "theobromine), effect: This type is used to annotate DDIs describing an effect (e.g. "
    "In uninfected volunteers, 46% developed rash while receiving SUSTIVA and "
    "clarithromycin) or a PD mechanism (e.g. Chlorzhalidone may potentiate the action of "
    "other antihypertensive drugs), advice: This type is used when a recommendation or "
    "advice Regarding a drug interaction is given (e.g. UROXATRAL should not be used in "
    "combination with other alpha-blockers), int: This type is used when a DDI appears in "
    "the text without providing any additional information (e.g. the interaction of "
    "Omeprazole and ketoconazole have been established).\n"
    "You should mark the final category with <>."
)
DDI_LABELS = {
    "mechanism": "mechanism",
    "effect": "effect",
    "advise": "advice",
    "int": "int",
    "false": "None",
}
GAD = (
    'Given a sentence that introduces a gene (denoted as "@GENES") and a disease (denoted '
    'as "@DISEASES"), predict whether the gene and disease have a relation or not. The '
    "relation between the gene and disease can be any functional, causal, or associative "
    'connection. If there is a relation, then the label should be "Yes", otherwise "No".'
)
HALLMARKS = {
    "Sustaining proliferative signaling": "cells keep dividing on growth signals, their "
    "own or from around them",
    "Evading growth suppressors": "cells escape what would stop them dividing, such as "
    "tumour suppressors or contact with neighbours",
    "Resisting cell death": "cells survive where they would die by apoptosis, autophagy "
    "or necrosis",
    "Enabling replicative immortality": "cells divide without limit, through telomeres or "
    "by escaping senescence",
    "Inducing angiogenesis": "new blood vessels grow to feed the tumour",
    "Activating invasion and metastasis": "cells grow into tissue around them or spread "
    "to other organs",
    "Genomic instability and mutation": "the genome is damaged, mutated or badly repaired",
    "Tumor promoting inflammation": "inflammation or immune cells help the tumour grow",
    "Cellular energetics": "cells change how they make or use energy",
    "Avoiding immune destruction": "cells hide from the immune system or weaken it",
}
HOC = (
    "target: The correct category for this document is ? You must choose from the given "
    "list of answer categories. A document can have more than one; name each:\n"
    + "\n".join(f"{name}: {meaning}" for name, meaning in HALLMARKS.items())
)

# The same instructions in other words, ours, for the measure of robustness: each asks
# for the same and for an answer in the same form, so that the same reading applies.
REWORDED = {
    EXAM: (
        "You will be given medical examination questions, each with four options of which "
        "one is right. First sum up what is known, then work towards the answer one step at "
        "a time. End with the one option that you choose as your final answer."
    ),
    PUBMEDQA: (
        "You will be given a passage from a medical study and a question about it. Judge by "
        "the evidence in the passage alone, and reply with one word out of yes, no and maybe. "
        "Say yes or no if the evidence settles the question. Say maybe if it does not, for "
        "instance because it speaks for yes under some conditions and for no under others."
    ),
    CHATDOCTOR: (
        "Name the medications that are used for the disease in the question, going by what "
        "the content tells of it.\n"
        "Write your reply in two parts. Analysis: say how the content leads to your answer. "
        "Final Answer: list the names of the medications.\n"
        "Keep to what the content supports, be brief and neutral, and give no opinion of your "
        "own. This is an analysis; it neither diagnoses nor treats anyone."
    ),
    RADIOLOGY: (
        "You assist radiologists. You will be given the findings of radiology reports. Write "
        "what they mean for the diagnosis, as one coherent paragraph that sums them up."
    ),
    MIMIC_III: (
        "Write discharge instructions in everyday words that a patient understands. Cover "
        "three things as the patient would ask about them: (1) what the main health problem "
        "is, and why it took a stay in hospital; (2) what there is to do now: care at home, "
        "medications to take and, if they are known, the next appointments; (3) why it matters "
        "to do so."
    ),
    NER: (
        "List every disease that is named in the paragraph above, as it is written there. "
        'Keep to this form: "<Paragraph ID> | <recognized entities>"'
    ),
    DDI: (
        "Task: say what the sentence above tells of the interaction of the two drugs written "
        "as @DRUGS.\n"
        'Begin your reply with exactly one of these words: "mechanism", "effect", "advice", '
        '"int", "None".\n'
        "What they stand for: mechanism, the sentence tells how one drug changes what the body "
        "does to the other (for instance, the first slows the clearance of the second); "
        "effect, it tells what the two do together (for instance, more patients bled on both) "
        "or that one strengthens or weakens the action of the other; advice, it recommends "
        "something about their joint use (for instance, to keep the doses hours apart); int, "
        "it only says that the two interact.\n"
        "Write the category you choose between < and >."
    ),
    GAD: (
        'You will be given a sentence in which a gene is written as "@GENES" and a disease as '
        '"@DISEASES". Decide whether the two are related. A link of any kind counts, be it one '
        'of function, of cause or of mere association. Give the label "Yes" if there is one, '
        'and "No" if not.'
    ),
    HOC: (
        "Which of the categories below does the document above belong to? It may be one or "
        "several. Reply with the name of each, taken from this list:\n"
        + "\n".join(f"{name}: {meaning}" for name, meaning in HALLMARKS.items())
    ),
}
