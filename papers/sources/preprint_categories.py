"""The categories of bioRxiv and medRxiv, as their API writes them, and which somebody means. Pure."""

from __future__ import annotations

from collections.abc import Sequence

BIORXIV = (
    *("animal behavior and cognition", "biochemistry", "bioengineering", "bioinformatics", "biophysics"),
    *("cancer biology", "cell biology", "clinical trials", "developmental biology", "ecology", "epidemiology"),
    *("evolutionary biology", "genetics", "genomics", "immunology", "microbiology", "molecular biology"),
    *("neuroscience", "paleontology", "pathology", "pharmacology and toxicology", "physiology", "plant biology"),
    *("scientific communication and education", "synthetic biology", "systems biology", "zoology"),
)
MEDRXIV = (
    *("addiction medicine", "allergy and immunology", "anesthesia", "cardiovascular medicine"),
    *("dentistry and oral medicine", "dermatology", "emergency medicine"),
    "endocrinology (including diabetes mellitus and metabolic disease)",
    *("epidemiology", "forensic medicine", "gastroenterology", "genetic and genomic medicine", "geriatric medicine"),
    *("health economics", "health informatics", "health policy", "health systems and quality improvement"),
    *("hematology", "hiv/aids", "infectious diseases (except hiv/aids)", "intensive care and critical care medicine"),
    *("medical education", "medical ethics", "nephrology", "neurology", "nursing", "nutrition"),
    *("obstetrics and gynecology", "occupational and environmental health", "oncology", "ophthalmology"),
    *("orthopedics", "otolaryngology", "pain medicine", "palliative medicine", "pathology", "pediatrics"),
    *("pharmacology and therapeutics", "primary care research", "psychiatry and clinical psychology"),
    *("public and global health", "radiology and imaging", "rehabilitation medicine and physical therapy"),
    *("respiratory medicine", "rheumatology", "sexual and reproductive health", "sports medicine", "surgery"),
    *("toxicology", "transplantation", "urology"),
)


def chosen_categories(text: str, known: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The known categories in a text separated by commas, semicolons or lines, as the API writes them; and the unknown.

    What stands in brackets behind a name may be left out; `cell_biology` is `cell biology`.
    """
    by_name = {name.partition(" (")[0]: name for name in known} | {name: name for name in known}
    words = text.lower().replace("_", " ").replace("-", " ").replace(";", ",").replace("\n", ",").split(",")
    asked = dict.fromkeys(name for word in words if (name := " ".join(word.split())))
    found = dict.fromkeys(by_name[name] for name in asked if name in by_name)
    return tuple(found), tuple(name for name in asked if name not in by_name)
