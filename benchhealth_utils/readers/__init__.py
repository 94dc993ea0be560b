"""One reader per official layout; each yields `Example` objects.

A reader is called as ``reader(spec, split, root)``: the data set's registry
entry, ``"test"`` or ``"train"``, and the folder that holds all data sets. What
it cannot make an item of it refuses, or yields as a `LeftOut`.
"""

from . import bio_tags, chatdoctor, ddi, exams, gad, hoc, mimic_iii, pubmedqa, radiology

READERS = {
    "medqa": exams.medqa,
    "medmcqa": exams.medmcqa,
    "mmlu": exams.mmlu,
    "pubmedqa": pubmedqa.pubmedqa,
    "chatdoctor": chatdoctor.chatdoctor,
    "mimic_cxr": radiology.mimic_cxr,
    "iu_xray": radiology.iu_xray,
    "mimic_iii": mimic_iii.mimic_iii,
    "bio_tags": bio_tags.bio_tags,
    "ddi": ddi.ddi,
    "gad": gad.gad,
    "hoc": hoc.hoc,
}
