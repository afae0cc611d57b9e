"""Whether a question is in English."""

from __future__ import annotations

import pytest

from papers.text.language import is_probably_english


@pytest.mark.parametrize(
    "text",
    [
        "diffusion models",
        "how do language models learn from few examples",
        "Jiaqi Wang",
        "de novo protein design",
        "la dynamique",  # too short to tell
        "van der waals forces in graphene",
        "los alamos neutron source",
        "estimation of α and β decay in 𝛼-particles",
        "a survey on DES and LES of turbulent flow",
        "Juan de la Cruz de los Santos",
        "los alamos la jolla",
        "el niño and la niña",
        "EM for the E and M of e y o",
        r"$e$ y $o$ de la $\mathcal{O}$",
        "van der waals de la torre",
        "",
        "2401.00001",
    ],
)
def test_english_is_and_so_are_names_and_terms(text: str) -> None:
    assert is_probably_english(text)


@pytest.mark.parametrize(
    "text",
    [
        "大语言模型的推理能力",
        "обучение с подкреплением",
        "wie lernen große Sprachmodelle aus der Erfahrung und dem Text",
        "comment les modèles de langage apprennent dans le texte",
        "cómo aprenden los modelos de lenguaje para la traducción",
        "come si addestra il modello della lingua",
        "言語モデル",
    ],
)
def test_other_scripts_and_languages_are_not(text: str) -> None:
    assert not is_probably_english(text)


def test_a_long_text_is_read_in_part() -> None:
    assert is_probably_english("the model " * 100 + "大" * 100_000)
