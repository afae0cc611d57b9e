-- Words of the fields venue, journal and comment, and where a paper is from, in the search vector; and one form for what
-- formulas name: `$\ell_1$`, `ℓ₁` and `L1`; `$H_\infty$`, `H∞` and `H-infinity`; `C*-algebra` and `$C^*$-algebra`; `SU(3)`.
-- The vector was a generated column, of which the expression can't be changed without writing the whole table anew while
-- nobody reads. From here on a trigger writes it, in the same statement and the same transaction; what is stored stays,
-- and papers that are there get their new words from services/search/reindexing.py, in batches.

-- A text with its formulas as words. Letters with a number or infinity above or below them are one word with it
-- (`H_2` is `H2`), a star behind a letter is `star`, and a number in brackets behind letters belongs to them.
CREATE FUNCTION papers_symbols(t text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $function$
BEGIN
    IF strpos(t, '\') > 0 THEN
        t := replace(replace(replace(replace(t, '\infty', '∞'), '\ell', 'l'), '\ast', '*'), '\star', '*');
        t := regexp_replace(
            t, '\\(?:math[a-z]+|text[a-z]*|operatorname\*?|rm|bf|cal|it)\s*\{\s*([A-Za-z0-9]+)\s*\}', '\1', 'g');
        t := regexp_replace(t, '([A-Za-z0-9])\\', '\1 \\', 'g');
        t := regexp_replace(t, '\\(?:var)?(alpha|beta|gamma|delta|epsilon|zeta|eta|theta|iota|kappa|lambda|mu|nu|xi|pi|rho|'
            'sigma|tau|upsilon|phi|chi|psi|omega)(?![A-Za-z])', '\1', 'gi');
    END IF;
    IF strpos(t, '$') > 0 THEN
        t := regexp_replace(t, '\$[_^]\{?(\w+|∞|\*)\}?\$', '\1', 'g');
        t := replace(replace(t, '$-', '-'), '-$', '-');
    END IF;
    t := replace(t, '∗', '*');
    IF strpos(t, '*') > 0 THEN
        t := regexp_replace(t, '\m([A-Za-z])[\^_]?\{?\*\}?(?![A-Za-z0-9*])', '\1star', 'g');
    END IF;
    IF strpos(t, '_') > 0 OR strpos(t, '^') > 0 THEN
        t := regexp_replace(t, '\m([A-Za-z]{1,4})[_^]\{?(\d{1,2}|∞)\}?(?!\d)', '\1\2', 'g');
        t := regexp_replace(t, '\m([Ll])[_^]\{?([PpQq])\}?(?![A-Za-z0-9])', '\1\2', 'g');
    END IF;
    IF strpos(t, '∞') > 0 THEN
        t := replace(regexp_replace(t, '\m([A-Za-z]{1,4})∞', '\1infinity', 'g'), '∞', ' infinity ');
    END IF;
    IF strpos(t, '(') > 0 THEN
        t := regexp_replace(t, '\m([A-Za-z]{1,4})\((\d{1,2})\)', '\1\2', 'g');
    END IF;
    IF strpos(t, '\') > 0 THEN
        t := regexp_replace(t, '\\(?:math|text|oper|bold|left|right|big|over|under|it|rm|bf|sf|tt|cal|em|hat|tilde|bar|'
            'vec|sim|frac|sqrt|times|cdot|ldots|begin|end|quad|label|ref|cite|approx|leq?|geq?|ll|gg|in|to)[a-z]*',
            ' ', 'gi');
    END IF;
    RETURN t;
END
$function$;

-- As before, but formulas are read by `papers_symbols`.
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
    IF t ~ '[$\\_^*∗(∞]' THEN
        t := papers_symbols(t);
    END IF;
    IF strpos(t, '+') > 0 OR strpos(t, '#') > 0 THEN
        t := regexp_replace(regexp_replace(t, '\m([a-z])\+\+', '\1plusplus', 'gi'), '\m([a-z])#', '\1sharp', 'gi');
    END IF;
    RETURN replace(replace(replace(replace(replace(replace(replace(replace(replace(t,
        '/', ' '), '.', ' '), '<', ' '), '&', ' '), '_', ' '), '+', ' '), '@', ' '),
        '~', ' '), '=', ' ');
END
$function$;

-- Marks of the words of a field, such as `k:accept` of a comment, in each spelling. By their weight, that of compounds, they
-- do not count as a part of the paper's length.
CREATE FUNCTION papers_field_marks(mark text, words text) RETURNS tsvector LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $function$
    SELECT regexp_replace(
        papers_text_vector(left(words, 2000), 'C', 'C')::text, '(^| )''', '\1''' || mark, 'g')::tsvector
$function$;

-- Runs wherever a row is written, also by a restore: so it says where functions are.
CREATE FUNCTION papers_write_search_vector() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $function$
DECLARE
    marks tsvector := format('''s:%s'':1C', NEW.record_rank)::tsvector;
BEGIN
    IF NEW.public_id !~ '^(?:doi/|p-)' THEN
        marks := marks || '''s:arxiv'':1C'::tsvector;
    ELSIF NEW.public_id LIKE 'doi/%' THEN
        marks := marks || '''s:doi'':1C'::tsvector;
    END IF;
    IF NEW.venue <> '' THEN
        marks := marks || papers_field_marks('v:', papers_words(NEW.venue));
    END IF;
    IF NEW.journal_ref <> '' THEN
        marks := marks || papers_field_marks('j:', papers_words(NEW.journal_ref));
    END IF;
    IF NEW.comment <> '' THEN
        marks := marks || papers_field_marks('k:', papers_words(NEW.comment));
    END IF;
    NEW.search_vector := papers_search_vector(
        papers_words(NEW.title), papers_words(NEW.abstract), NEW.author_keys, papers_words(NEW.organization),
        NEW.categories, NEW.listed_at
    ) || marks;
    RETURN NEW;
END
$function$;

ALTER TABLE papers_paper ALTER COLUMN search_vector DROP EXPRESSION;

CREATE TRIGGER paper_search_vector BEFORE INSERT OR UPDATE OF
    title, abstract, author_keys, organization, categories, listed_at, venue, journal_ref, comment, public_id, record_rank
ON papers_paper FOR EACH ROW EXECUTE FUNCTION papers_write_search_vector();
