"""Abbreviations of the clinic, written out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from ..schema import Example
from .edits import WITH_SPANS, Edit, may_change, texts

# Those that mean one thing wherever they are used; not PT, RA, PE, HR, CT alone, ...
DISEASES = {
    "ADHD": "attention-deficit hyperactivity disorder",
    "AIDS": "acquired immunodeficiency syndrome",
    "AKI": "acute kidney injury",
    "ARDS": "acute respiratory distress syndrome",
    "BPH": "benign prostatic hyperplasia",
    "CAD": "coronary artery disease",
    "CHF": "congestive heart failure",
    "CKD": "chronic kidney disease",
    "COPD": "chronic obstructive pulmonary disease",
    "DKA": "diabetic ketoacidosis",
    "DVT": "deep vein thrombosis",
    "ESRD": "end-stage renal disease",
    "GERD": "gastroesophageal reflux disease",
    "HCC": "hepatocellular carcinoma",
    "IBD": "inflammatory bowel disease",
    "IBS": "irritable bowel syndrome",
    "MI": "myocardial infarction",
    "NSCLC": "non-small cell lung cancer",
    "PCOS": "polycystic ovary syndrome",
    "PTSD": "post-traumatic stress disorder",
    "SLE": "systemic lupus erythematosus",
    "TB": "tuberculosis",
    "TIA": "transient ischemic attack",
    "UTI": "urinary tract infection",
    "VTE": "venous thromboembolism",
}
OTHERS = {
    "ABG": "arterial blood gas",
    "ACE": "angiotensin-converting enzyme",
    "ACTH": "adrenocorticotropic hormone",
    "ALT": "alanine aminotransferase",
    "ANA": "antinuclear antibody",
    "AP and lateral": "anteroposterior and lateral",
    "AP view": "anteroposterior view",
    "AST": "aspartate aminotransferase",
    "ATP": "adenosine triphosphate",
    "AUC": "area under the curve",
    "BMI": "body mass index",
    "BP": "blood pressure",
    "BUN": "blood urea nitrogen",
    "CABG": "coronary artery bypass graft",
    "CBC": "complete blood count",
    "CMV": "cytomegalovirus",
    "CNS": "central nervous system",
    "CPAP": "continuous positive airway pressure",
    "CRP": "C-reactive protein",
    "CSF": "cerebrospinal fluid",
    "CT angiography": "computed tomography angiography",
    "CT scan": "computed tomography scan",
    "CXR": "chest X-ray",
    "DNA": "deoxyribonucleic acid",
    "EBV": "Epstein-Barr virus",
    "ECG": "electrocardiogram",
    "EEG": "electroencephalogram",
    "EGFR": "epidermal growth factor receptor",
    "EKG": "electrocardiogram",
    "ELISA": "enzyme-linked immunosorbent assay",
    "EMG": "electromyography",
    "ERCP": "endoscopic retrograde cholangiopancreatography",
    "ESR": "erythrocyte sedimentation rate",
    "FSH": "follicle-stimulating hormone",
    "GABA": "gamma-aminobutyric acid",
    "GFR": "glomerular filtration rate",
    "GI": "gastrointestinal",
    "HAART": "highly active antiretroviral therapy",
    "HBV": "hepatitis B virus",
    "HCV": "hepatitis C virus",
    "HDL": "high-density lipoprotein",
    "HIV": "human immunodeficiency virus",
    "HPV": "human papillomavirus",
    "HRT": "hormone replacement therapy",
    "HSV": "herpes simplex virus",
    "ICU": "intensive care unit",
    "INR": "international normalized ratio",
    "IOP": "intraocular pressure",
    "IVC": "inferior vena cava",
    "JVD": "jugular venous distension",
    "JVP": "jugular venous pressure",
    "LDH": "lactate dehydrogenase",
    "LDL": "low-density lipoprotein",
    "MAO": "monoamine oxidase",
    "MAOI": "monoamine oxidase inhibitor",
    "MCV": "mean corpuscular volume",
    "MRI": "magnetic resonance imaging",
    "MRSA": "methicillin-resistant Staphylococcus aureus",
    "NICU": "neonatal intensive care unit",
    "NSAID": "nonsteroidal anti-inflammatory drug",
    "OPD": "outpatient department",
    "PA and lateral": "posteroanterior and lateral",
    "PCR": "polymerase chain reaction",
    "PICC": "peripherally inserted central catheter",
    "PSA": "prostate-specific antigen",
    "PTH": "parathyroid hormone",
    "RBC": "red blood cell",
    "RNA": "ribonucleic acid",
    "SSRI": "selective serotonin reuptake inhibitor",
    "SVC": "superior vena cava",
    "TMJ": "temporomandibular joint",
    "TNF": "tumor necrosis factor",
    "TPN": "total parenteral nutrition",
    "TSH": "thyroid-stimulating hormone",
    "TURP": "transurethral resection of the prostate",
    "USG": "ultrasonography",
    "VEGF": "vascular endothelial growth factor",
    "WBC": "white blood cell",
}
# Those that are also written with an s.
COUNTED = (
    "CT scan", "DVT", "ECG", "EEG", "EKG", "MAOI", "MI", "NSAID", "RBC", "SSRI", "TIA",
    "UTI", "WBC",
)  # fmt: skip
EXPANSIONS = {**DISEASES, **OTHERS}
EXPANSIONS |= {f"{short}s": f"{EXPANSIONS[short]}s" for short in COUNTED}

# Whole words in capitals; no part of a compound, a code or a mark.
SHORT = re.compile(
    rf"(?<![\w@$/.&+-])(?:{'|'.join(sorted(map(re.escape, EXPANSIONS), key=len, reverse=True))})"
    r"(?![\w$/&+(\['’-]|\.\w)"
)
ARTICLE = re.compile(r"\b[Aa]n?(?=\s+\Z)")
OPENS, CLOSES = re.compile(r"[(\[]\s*\Z"), re.compile(r"\s*[)\],;]")
BEGINS = re.compile(r"(?:\A|[.!?]\s+|\n\s*)\Z")


def abbreviations(example: Example, seed: int = 0) -> list[Edit]:
    """Every known abbreviation of an item, written out; nothing is drawn.

    One that the item itself explains is written out only if the item means the same by
    it, and stays where it stands in brackets. "An MI" becomes "a myocardial ...". In
    sentences whose diseases are gold, those of diseases and the words of mentions stay.
    """
    parts = texts(example)
    whole = "\n".join(parts.values())
    spared = DISEASES if example.dataset in WITH_SPANS else {}
    edits = []
    for place, text in parts.items():
        for found in SHORT.finditer(text):
            short = found[0]
            start, end = found.span()
            article = ARTICLE.search(text, 0, start)
            first = article.start() if article else start
            if (
                short.removesuffix("s") not in spared
                and not (OPENS.search(text, 0, start) and CLOSES.match(text, end))
                and _agrees(short, whole)
                and may_change(example, text, first, end)
            ):
                edits += _written_out(place, text, article, found)
    return edits


def _written_out(place, text: str, article, found) -> Iterator[Edit]:
    """The edit of an abbreviation, and of the article before it if that must change."""
    start, end = found.span()
    long = EXPANSIONS[found[0]]
    if BEGINS.search(text, 0, start):
        long = long[0].upper() + long[1:]
    yield Edit(place, start, end, long)
    if article:
        right = article[0][0] + ("n" if long[0].lower() in "aeio" else "")
        if right != article[0]:
            yield Edit(place, *article.span(), right)


def _agrees(short: str, whole: str) -> bool:
    """Whether an item does not explain an abbreviation, or as here."""
    singular = short.removesuffix("s") if short.removesuffix("s") in EXPANSIONS else short
    before, after = _explained(singular)
    if after.search(whole):
        return False
    long = _letters(EXPANSIONS[singular])
    return all(
        _letters(whole[: found.start()]).removesuffix("s").endswith(long)
        for found in before.finditer(whole)
    )


@cache
def _explained(short: str) -> tuple[re.Pattern, re.Pattern]:
    """An abbreviation in brackets after its words, and before words in brackets."""
    short = re.escape(short)
    return (
        re.compile(rf"[(\[]\s*[\"']?{short}s?[\"']?\s*[)\],;:=]"),
        re.compile(rf"(?<!\w){short}s?\s*(?:[(\[]|=|, or )\s*[A-Za-z]"),
    )


def _letters(text: str) -> str:
    return re.sub(r"[\W\d_]+", "", text[-200:]).lower()
