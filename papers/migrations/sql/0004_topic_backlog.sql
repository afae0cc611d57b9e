-- Whoever writes a paper, and however: what changes about it and may be asked for is noted in the same transaction.
CREATE FUNCTION papers_queue_for_topics() RETURNS trigger LANGUAGE plpgsql AS $function$
BEGIN
    INSERT INTO papers_topicbacklog (paper_id, changes) VALUES (NEW.id, 1)
    ON CONFLICT (paper_id) DO UPDATE SET changes = papers_topicbacklog.changes + 1;
    RETURN NULL;
END
$function$;
CREATE TRIGGER paper_new_for_topics AFTER INSERT ON papers_paper
    FOR EACH ROW EXECUTE FUNCTION papers_queue_for_topics();
CREATE TRIGGER paper_changed_for_topics AFTER UPDATE OF
    title, abstract, author_keys, organization, categories, listed_at, links, withdrawn_at, vote_count ON papers_paper
    FOR EACH ROW WHEN (
        (OLD.vote_count, OLD.listed_at, OLD.withdrawn_at, OLD.links, OLD.title, OLD.abstract, OLD.author_keys,
            OLD.organization, OLD.categories)
        IS DISTINCT FROM
        (NEW.vote_count, NEW.listed_at, NEW.withdrawn_at, NEW.links, NEW.title, NEW.abstract, NEW.author_keys,
            NEW.organization, NEW.categories))
    EXECUTE FUNCTION papers_queue_for_topics();
-- A vector comes later than its paper. Only topics with examples ask for it.
CREATE FUNCTION papers_queue_vector_for_topics() RETURNS trigger LANGUAGE plpgsql AS $function$
BEGIN
    IF EXISTS (SELECT FROM papers_topic_examples) THEN
        INSERT INTO papers_topicbacklog (paper_id, changes) VALUES (NEW.paper_id, 1)
        ON CONFLICT (paper_id) DO UPDATE SET changes = papers_topicbacklog.changes + 1;
    END IF;
    RETURN NULL;
END
$function$;
CREATE TRIGGER vector_for_topics AFTER INSERT OR UPDATE ON papers_papervector
    FOR EACH ROW EXECUTE FUNCTION papers_queue_vector_for_topics();
