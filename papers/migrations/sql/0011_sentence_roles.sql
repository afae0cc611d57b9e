-- Roles are of the words that are there: whoever changes an abstract, and however, lets the workers find them anew.
CREATE FUNCTION papers_forget_sentence_roles() RETURNS trigger LANGUAGE plpgsql AS $function$
BEGIN
    NEW.sentence_roles := NULL;
    RETURN NEW;
END
$function$;
CREATE TRIGGER abstract_changed_for_roles BEFORE UPDATE OF abstract ON papers_paper
    FOR EACH ROW WHEN (OLD.abstract IS DISTINCT FROM NEW.abstract)
    EXECUTE FUNCTION papers_forget_sentence_roles();
