-- One form for all spellings of a word: `GPT4`, `GPT-4` and `GPT 4`; `pre-training` and `pretraining`. See "Spellings" in
-- docs/design.md. The functions have the names and arguments they had, so no table is rewritten: papers that are there
-- get their new words from services/search/reindexing.py, in batches.

-- As before, but hyphens stay, in one form, for `papers_compounds`; a Greek letter keeps the hyphen beside it.
CREATE OR REPLACE FUNCTION papers_words(t text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $function$
BEGIN
    IF octet_length(t) <> char_length(t) THEN
        t := replace(replace(replace(replace(replace(replace(replace(replace(replace(t,
            '’', ' '), '‘', ' '), '“', ' '), '”', ' '), '—', ' '), '–', '-'), '‐', '-'), '‑', '-'), '−', '-');
    END IF;
    IF octet_length(t) <> char_length(t) THEN
        t := regexp_replace(
            lower(normalize(t, NFKD)), '[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]+', '', 'g');
        t := normalize(t, NFKC);
    END IF;
    IF octet_length(t) <> char_length(t) THEN
        t := replace(replace(replace(replace(replace(replace(replace(replace(replace(t,
            'æ', 'ae'), 'œ', 'oe'), 'þ', 'th'), 'ß', 'ss'), 'ø', 'o'), 'ł', 'l'), 'đ', 'd'), 'ð', 'd'),
            'ı', 'i');
        t := regexp_replace(t, '([\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af])', ' \1 ', 'g');
        IF t ~ '[α-ω]' THEN
            t := replace(replace(replace(replace(replace(replace(replace(replace(replace(
                replace(replace(replace(replace(replace(replace(replace(replace(replace(
                replace(replace(replace(replace(replace(replace(replace(t,
                'α', E'\x1falpha\x1f'), 'β', E'\x1fbeta\x1f'), 'γ', E'\x1fgamma\x1f'), 'δ', E'\x1fdelta\x1f'),
                'ε', E'\x1fepsilon\x1f'), 'ζ', E'\x1fzeta\x1f'), 'η', E'\x1feta\x1f'), 'θ', E'\x1ftheta\x1f'),
                'ι', E'\x1fiota\x1f'), 'κ', E'\x1fkappa\x1f'), 'λ', E'\x1flambda\x1f'), 'μ', E'\x1fmu\x1f'),
                'ν', E'\x1fnu\x1f'), 'ξ', E'\x1fxi\x1f'), 'ο', E'\x1fomicron\x1f'), 'π', E'\x1fpi\x1f'),
                'ρ', E'\x1frho\x1f'), 'σ', E'\x1fsigma\x1f'), 'ς', E'\x1fsigma\x1f'), 'τ', E'\x1ftau\x1f'),
                'υ', E'\x1fupsilon\x1f'), 'φ', E'\x1fphi\x1f'), 'χ', E'\x1fchi\x1f'), 'ψ', E'\x1fpsi\x1f'),
                'ω', E'\x1fomega\x1f');
            t := replace(replace(replace(t, E'\x1f-', '-'), E'-\x1f', '-'), E'\x1f', ' ');
        END IF;
    END IF;
    IF strpos(t, '$') > 0 THEN
        t := regexp_replace(t, '\$[_^]\{?(\w+)\}?\$', '\1', 'g');
    END IF;
    IF strpos(t, '\') > 0 THEN
        t := regexp_replace(t, '\\(?:math|text|oper|bold|left|right|big|over|under|it|rm|bf|sf|tt|cal|em|hat|tilde|bar|'
            'vec|sim|frac|sqrt|times|cdot|ldots|begin|end|quad|label|ref|cite|approx|leq?|geq?|ll|gg|in|to)[a-z]*',
            ' ', 'gi');
    END IF;
    IF strpos(t, '+') > 0 OR strpos(t, '#') > 0 THEN
        t := regexp_replace(regexp_replace(t, '\m([a-z])\+\+', '\1plusplus', 'gi'), '\m([a-z])#', '\1sharp', 'gi');
    END IF;
    RETURN replace(replace(replace(replace(replace(replace(replace(replace(replace(t,
        '/', ' '), '.', ' '), '<', ' '), '&', ' '), '_', ' '), '+', ' '), '@', ' '),
        '~', ' '), '=', ' ');
END
$function$;

-- Words of which spellings differ, with a sign between all their parts: a hyphen, or `=` between letters and digits, so
-- `gpt4o` is `gpt=4=o`, `gpt-4o` is `gpt-4=o`, and `pre training` is `pre-training`. Numbers side by side are no word:
-- `10-20` is `10 20`. What has more than five parts is a checksum or a chain, and is left as it is, hyphens as spaces.
CREATE FUNCTION papers_compounds(words text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $function$
DECLARE parts text := regexp_replace(
    regexp_replace(words, '([A-Za-z])([0-9])', '\1=\2', 'g'), '([0-9])([A-Za-z])', '\1=\2', 'g');
BEGIN
    IF parts ~ '(?:[A-Za-z0-9]+[-=]){5}' THEN
        parts := (
            SELECT string_agg(
                CASE WHEN split.word ~ '(?:[A-Za-z0-9]+[-=]){5}' THEN replace(asked.word, '-', ' ') ELSE split.word END,
                ' ' ORDER BY asked.place)
            FROM regexp_split_to_table(words, '\s+') WITH ORDINALITY AS asked (word, place),
                regexp_replace(regexp_replace(asked.word, '([A-Za-z])([0-9])', '\1=\2', 'g'),
                               '([0-9])([A-Za-z])', '\1=\2', 'g') AS split (word));
    END IF;
    IF parts ~ '[0-9]-[0-9]' THEN
        parts := regexp_replace(parts, '([0-9])-(?=[0-9])', '\1 ', 'g');
    END IF;
    RETURN regexp_replace(
        parts, '\m(pre|post|multi|non|semi|anti|inter|intra|sub|super|meta|micro|nano|pseudo|quasi|auto|self|cross|fine) '
        '([a-z]{3,})\M', '\1-\2', 'gi');
END
$function$;

-- The words of such a text with each compound as one word, in the place of its first part; `xxjxx` is in those of the
-- others, so that all other words are where they are in the text with spaces for hyphens.
CREATE FUNCTION papers_joined(compounds text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $function$
    SELECT replace(regexp_replace(regexp_replace(regexp_replace(regexp_replace(compounds,
        '([A-Za-z0-9]+)[-=]([A-Za-z0-9]+)[-=]([A-Za-z0-9]+)[-=]([A-Za-z0-9]+)[-=]([A-Za-z0-9]+)',
        '\1\2\3\4\5 xxjxx xxjxx xxjxx xxjxx', 'g'),
        '([A-Za-z0-9]+)[-=]([A-Za-z0-9]+)[-=]([A-Za-z0-9]+)[-=]([A-Za-z0-9]+)', '\1\2\3\4 xxjxx xxjxx xxjxx', 'g'),
        '([A-Za-z0-9]+)[-=]([A-Za-z0-9]+)[-=]([A-Za-z0-9]+)', '\1\2\3 xxjxx xxjxx', 'g'),
        '([A-Za-z0-9]+)[-=]([A-Za-z0-9]+)', '\1\2 xxjxx', 'g'), '-', ' ')
$function$;

-- The search vector of a text of `papers_words`: the parts of its words in their places with the first weight, and
-- compounds beside them with the second; of `flan-t5` also what stands between hyphens, `t5`.
CREATE FUNCTION papers_text_vector(words text, of_parts "char", of_compounds "char")
RETURNS tsvector LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $function$
DECLARE
    compounds text := papers_compounds(words);
    found tsvector := setweight(to_tsvector('pg_catalog.english', translate(compounds, '-=', '  ')), of_parts);
BEGIN
    IF compounds !~ '[A-Za-z0-9][-=][A-Za-z0-9]' THEN
        RETURN found;
    END IF;
    -- Read as one vector: `||` would put the second's words behind those of the first. Of two weights the heavier stays.
    found := (found::text || ' ' || setweight(
        to_tsvector('pg_catalog.english', papers_joined(compounds)), of_compounds)::text)::tsvector;
    IF compounds ~ '=[A-Za-z0-9]+-|-[A-Za-z0-9]+=' THEN
        found := (found::text || ' ' || setweight(to_tsvector(
            'pg_catalog.english', papers_joined(replace(compounds, '-', ' '))), of_compounds)::text)::tsvector;
    END IF;
    RETURN found;
END
$function$;

-- As before, of these vectors. A restored dump fills the column while no schema is searched: so it says where.
CREATE OR REPLACE FUNCTION papers_search_vector(
    title_words text, abstract_words text, author_keys text[], organization_words text, categories text[],
    listed_at timestamptz
) RETURNS tsvector LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path FROM CURRENT AS $function$
DECLARE
    of_title tsvector := papers_text_vector(left(title_words, 2000), 'A', 'D');
    marks text;
BEGIN
    marks := 'm:' || (date_part('year', listed_at AT TIME ZONE 'UTC') * 12
                      + date_part('month', listed_at AT TIME ZONE 'UTC'))::int
        || ' t:' || array_to_string(tsvector_to_array(of_title), ' t:')
        || ' c:' || array_to_string(categories, ' c:')
        || ' a:' || replace(array_to_string(author_keys, ' '), ' ', ' a:');
    IF organization_words <> '' THEN
        marks := marks || ' o:' || array_to_string(
            tsvector_to_array(to_tsvector('pg_catalog.simple', replace(left(organization_words, 2000), '-', ' '))),
            ' o:');
    END IF;
    RETURN of_title || papers_text_vector(abstract_words, 'B', 'C')
        || array_to_tsvector(array_remove(string_to_array(marks, ' '), ''));
END
$function$;
