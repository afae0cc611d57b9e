"""Search words made by functions of the database: folded, and with what else a search may ask for."""

from typing import Any

import django.contrib.postgres.search
from django.contrib.postgres.indexes import GinIndex
from django.db import migrations, models
from django.db.models import F, Func

_GREEK = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "epsilon", "ζ": "zeta", "η": "eta", "θ": "theta",
    "ι": "iota", "κ": "kappa", "λ": "lambda", "μ": "mu", "ν": "nu", "ξ": "xi", "ο": "omicron", "π": "pi", "ρ": "rho",
    "σ": "sigma", "ς": "sigma", "τ": "tau", "υ": "upsilon", "φ": "phi", "χ": "chi", "ψ": "psi", "ω": "omega",
}  # fmt: skip
_LETTERS = {"æ": "ae", "œ": "oe", "þ": "th", "ß": "ss", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "ı": "i"}
_SIGNS = "’‘“”–—"


def _replaced(expression: str, pairs: dict[str, str]) -> str:
    for old, new in pairs.items():
        expression = f"replace({expression}, '{old}', '{new}')"
    return expression


# What is rare is looked for first and done only where it is: this runs for every paper that is stored. `replace` is
# a tenth of the work of `translate`, and of a regular expression less still.
WORDS = rf"""
CREATE FUNCTION papers_words(t text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $function$
BEGIN
    IF octet_length(t) <> char_length(t) THEN
        t := {_replaced("t", dict.fromkeys(_SIGNS, " "))};
    END IF;
    IF octet_length(t) <> char_length(t) THEN
        t := regexp_replace(
            lower(normalize(t, NFKD)), '[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]+', '', 'g');
        t := normalize(t, NFKC);
    END IF;
    IF octet_length(t) <> char_length(t) THEN
        t := {_replaced("t", _LETTERS)};
        t := regexp_replace(t, '([\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af])', ' \1 ', 'g');
        IF t ~ '[α-ω]' THEN
            t := {_replaced("t", {letter: f" {name} " for letter, name in _GREEK.items()})};
        END IF;
    END IF;
    IF strpos(t, '$') > 0 THEN
        t := regexp_replace(t, '\$[_^]\{{?(\w+)\}}?\$', '\1', 'g');
    END IF;
    IF strpos(t, '\') > 0 THEN
        t := regexp_replace(t, '\\(?:math|text|oper|bold|left|right|big|over|under|it|rm|bf|sf|tt|cal|em|hat|tilde|bar|'
            'vec|sim|frac|sqrt|times|cdot|ldots|begin|end|quad|label|ref|cite|approx|leq?|geq?|ll|gg|in|to)[a-z]*',
            ' ', 'gi');
    END IF;
    IF strpos(t, '+') > 0 OR strpos(t, '#') > 0 THEN
        t := regexp_replace(regexp_replace(t, '\m([a-z])\+\+', '\1plusplus', 'gi'), '\m([a-z])#', '\1sharp', 'gi');
    END IF;
    RETURN {_replaced("t", dict.fromkeys("-/.<&_+@~", " "))};
END
$function$
"""
# In its body only functions of pg_catalog: a restored dump fills the column while no schema is searched.
VECTOR = """
CREATE FUNCTION papers_search_vector(
    title_words text, abstract_words text, author_keys text[], organization_words text, categories text[],
    listed_at timestamptz
) RETURNS tsvector LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $function$
DECLARE
    of_title tsvector := to_tsvector('pg_catalog.english', left(title_words, 2000));
    marks text;
BEGIN
    marks := 'm:' || (date_part('year', listed_at AT TIME ZONE 'UTC') * 12
                      + date_part('month', listed_at AT TIME ZONE 'UTC'))::int
        || ' t:' || array_to_string(tsvector_to_array(of_title), ' t:')
        || ' c:' || array_to_string(categories, ' c:')
        || ' a:' || replace(array_to_string(author_keys, ' '), ' ', ' a:');
    IF organization_words <> '' THEN
        marks := marks || ' o:' || array_to_string(
            tsvector_to_array(to_tsvector('pg_catalog.simple', left(organization_words, 2000))), ' o:');
    END IF;
    RETURN setweight(of_title, 'A') || setweight(to_tsvector('pg_catalog.english', abstract_words), 'B')
        || array_to_tsvector(array_remove(string_to_array(marks, ' '), ''));
END
$function$
"""


def _words(column: str) -> Any:
    return Func(F(column), function="papers_words", output_field=models.TextField())


class Migration(migrations.Migration):
    dependencies = [("papers", "0002_imported_part")]

    operations = [
        migrations.RemoveIndex(model_name="paper", name="paper_search"),
        migrations.RemoveField(model_name="paper", name="search_vector"),
        migrations.RunSQL(WORDS, "DROP FUNCTION papers_words"),
        migrations.RunSQL(VECTOR, "DROP FUNCTION papers_search_vector"),
        migrations.AddField(
            model_name="paper",
            name="search_vector",
            field=models.GeneratedField(
                db_persist=True,
                expression=Func(
                    _words("title"),
                    _words("abstract"),
                    F("author_keys"),
                    _words("organization"),
                    F("categories"),
                    F("listed_at"),
                    function="papers_search_vector",
                ),
                output_field=django.contrib.postgres.search.SearchVectorField(),
            ),
        ),
        migrations.AddIndex(
            model_name="paper",
            index=GinIndex(
                fastupdate=True, fields=["search_vector"], gin_pending_list_limit=1024, name="paper_search"
            ),
        ),
    ]
