-- A topic may ask for the papers on a shared list: they wait to be matched again when they come onto one or leave it, and
-- when others may see it.
CREATE FUNCTION papers_queue_list_for_topics(list_id bigint) RETURNS void LANGUAGE sql AS $function$
    INSERT INTO papers_topicbacklog (paper_id, changes)
    SELECT paper_id, 1 FROM papers_sharedlistpaper WHERE shared_list_id = list_id ORDER BY paper_id
    ON CONFLICT (paper_id) DO UPDATE SET changes = papers_topicbacklog.changes + 1;
$function$;

CREATE FUNCTION papers_queue_entry_for_topics() RETURNS trigger LANGUAGE plpgsql AS $function$
BEGIN
    INSERT INTO papers_topicbacklog (paper_id, changes)
    SELECT id, 1 FROM papers_paper WHERE id IN (OLD.paper_id, NEW.paper_id) ORDER BY id
    ON CONFLICT (paper_id) DO UPDATE SET changes = papers_topicbacklog.changes + 1;
    RETURN NULL;
END
$function$;
CREATE TRIGGER list_entry_for_topics AFTER INSERT OR UPDATE OF paper_id, shared_list_id OR DELETE ON papers_sharedlistpaper
    FOR EACH ROW EXECUTE FUNCTION papers_queue_entry_for_topics();

CREATE FUNCTION papers_queue_members_list_for_topics() RETURNS trigger LANGUAGE plpgsql AS $function$
BEGIN
    PERFORM papers_queue_list_for_topics(coalesce(NEW.shared_list_id, OLD.shared_list_id));
    RETURN NULL;
END
$function$;
CREATE TRIGGER list_member_for_topics AFTER INSERT OR DELETE ON papers_sharedlistmember
    FOR EACH ROW EXECUTE FUNCTION papers_queue_members_list_for_topics();

CREATE FUNCTION papers_queue_shown_list_for_topics() RETURNS trigger LANGUAGE plpgsql AS $function$
BEGIN
    PERFORM papers_queue_list_for_topics(NEW.id);
    RETURN NULL;
END
$function$;
CREATE TRIGGER list_shown_for_topics AFTER UPDATE OF visibility, owner_id ON papers_sharedlist
    FOR EACH ROW WHEN ((OLD.visibility, OLD.owner_id) IS DISTINCT FROM (NEW.visibility, NEW.owner_id))
    EXECUTE FUNCTION papers_queue_shown_list_for_topics();

-- Curators see the lists that nobody owns.
CREATE FUNCTION papers_queue_curators_lists_for_topics() RETURNS trigger LANGUAGE plpgsql AS $function$
BEGIN
    PERFORM papers_queue_list_for_topics(id) FROM papers_sharedlist WHERE owner_id IS NULL ORDER BY id;
    RETURN NULL;
END
$function$;
CREATE TRIGGER curator_for_topics AFTER UPDATE OF is_curator ON papers_user
    FOR EACH ROW WHEN (OLD.is_curator IS DISTINCT FROM NEW.is_curator)
    EXECUTE FUNCTION papers_queue_curators_lists_for_topics();
