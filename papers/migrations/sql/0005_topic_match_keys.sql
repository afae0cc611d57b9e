-- As a foreign key does, but for all rows that a statement writes together: what they point to must be there, and can't
-- go before this transaction has ended. What goes takes its matches along.
CREATE FUNCTION papers_topicmatch_keys() RETURNS trigger LANGUAGE plpgsql AS $function$
DECLARE found bigint;
BEGIN
    PERFORM FROM papers_topic WHERE id IN (SELECT topic_id FROM written) ORDER BY id FOR KEY SHARE;
    GET DIAGNOSTICS found = ROW_COUNT;
    IF found < (SELECT count(*) FROM (SELECT DISTINCT topic_id FROM written) topics) THEN
        RAISE foreign_key_violation USING MESSAGE = 'papers_topicmatch names a topic that is not there';
    END IF;
    PERFORM FROM papers_paper WHERE id IN (SELECT paper_id FROM written) ORDER BY id FOR KEY SHARE;
    GET DIAGNOSTICS found = ROW_COUNT;
    IF found < (SELECT count(*) FROM (SELECT DISTINCT paper_id FROM written) papers) THEN
        RAISE foreign_key_violation USING MESSAGE = 'papers_topicmatch names a paper that is not there';
    END IF;
    RETURN NULL;
END
$function$;
CREATE TRIGGER topicmatch_keys_of_new AFTER INSERT ON papers_topicmatch
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION papers_topicmatch_keys();
CREATE TRIGGER topicmatch_keys_of_changed AFTER UPDATE ON papers_topicmatch
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION papers_topicmatch_keys();
CREATE FUNCTION papers_topicmatch_of_topic() RETURNS trigger LANGUAGE plpgsql AS $function$
BEGIN
    DELETE FROM papers_topicmatch WHERE topic_id IN (SELECT id FROM gone);
    RETURN NULL;
END
$function$;
CREATE TRIGGER topic_takes_matches AFTER DELETE ON papers_topic
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION papers_topicmatch_of_topic();
CREATE FUNCTION papers_topicmatch_of_paper() RETURNS trigger LANGUAGE plpgsql AS $function$
BEGIN
    DELETE FROM papers_topicmatch WHERE paper_id IN (SELECT id FROM gone);
    RETURN NULL;
END
$function$;
CREATE TRIGGER paper_takes_matches AFTER DELETE ON papers_paper
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION papers_topicmatch_of_paper();
