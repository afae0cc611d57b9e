-- A paper's search vector: the words of title (A) and abstract (B), and marks with a letter before them for what a
-- question may ask of a field: month (m:), title (t:), category (c:), author (a:), organization (o:).
-- In its body only functions of pg_catalog: a restored dump fills the column while no schema is searched.
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
$function$;
