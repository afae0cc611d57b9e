-- What a mirror has to hear of is noted in the transaction of whoever writes it. Rows are only added here, so writers
-- never wait for one another because of it; papers/services/changes/numbering.py gives the positions afterwards.
CREATE SEQUENCE papers_change_position;
CREATE FUNCTION papers_note_change() RETURNS trigger LANGUAGE plpgsql AS $function$
BEGIN
    INSERT INTO papers_pendingchange (paper_id) VALUES (CASE WHEN TG_OP = 'DELETE' THEN OLD.id ELSE NEW.id END);
    RETURN NULL;
END
$function$;
CREATE FUNCTION papers_note_change_of_paper() RETURNS trigger LANGUAGE plpgsql AS $function$
BEGIN
    INSERT INTO papers_pendingchange (paper_id)
    VALUES (CASE WHEN TG_OP = 'DELETE' THEN OLD.paper_id ELSE NEW.paper_id END);
    RETURN NULL;
END
$function$;
CREATE TRIGGER paper_came_or_went AFTER INSERT OR DELETE ON papers_paper
    FOR EACH ROW EXECUTE FUNCTION papers_note_change();
-- The columns that papers/services/changes/read_changes.py shows.
CREATE TRIGGER paper_changed_for_mirrors AFTER UPDATE OF
    public_id, title, abstract, authors, organization, categories, primary_category, published_at, announced_on,
    listed_at, updated_at, version, doi, journal_ref, comment, license, withdrawn_at, hidden_at, links, vote_count,
    comment_count ON papers_paper
    FOR EACH ROW WHEN (
        (OLD.public_id, OLD.title, OLD.abstract, OLD.authors, OLD.organization, OLD.categories, OLD.primary_category,
            OLD.published_at, OLD.announced_on, OLD.listed_at, OLD.updated_at, OLD.version, OLD.doi, OLD.journal_ref,
            OLD.comment, OLD.license, OLD.withdrawn_at, OLD.hidden_at, OLD.links, OLD.vote_count, OLD.comment_count)
        IS DISTINCT FROM
        (NEW.public_id, NEW.title, NEW.abstract, NEW.authors, NEW.organization, NEW.categories, NEW.primary_category,
            NEW.published_at, NEW.announced_on, NEW.listed_at, NEW.updated_at, NEW.version, NEW.doi, NEW.journal_ref,
            NEW.comment, NEW.license, NEW.withdrawn_at, NEW.hidden_at, NEW.links, NEW.vote_count, NEW.comment_count))
    EXECUTE FUNCTION papers_note_change();
CREATE TRIGGER listing_came_or_went AFTER INSERT OR DELETE ON papers_listing
    FOR EACH ROW EXECUTE FUNCTION papers_note_change_of_paper();
CREATE TRIGGER listing_changed_for_mirrors AFTER UPDATE OF day, paper_id, "by", kind, hidden_at ON papers_listing
    FOR EACH ROW WHEN (
        (OLD.day, OLD.paper_id, OLD."by", OLD.kind, OLD.hidden_at)
        IS DISTINCT FROM (NEW.day, NEW.paper_id, NEW."by", NEW.kind, NEW.hidden_at))
    EXECUTE FUNCTION papers_note_change_of_paper();
CREATE TRIGGER identifier_changed_for_mirrors AFTER INSERT OR DELETE OR UPDATE ON papers_identifier
    FOR EACH ROW EXECUTE FUNCTION papers_note_change_of_paper();
-- The papers that are there before this.
INSERT INTO papers_changedpaper (paper_id, public_id, position, changed_at)
SELECT id, public_id, nextval('papers_change_position'), changed_at FROM papers_paper;
