-- How many papers a topic has in each week, kept while matches come and go. Once a statement, not once a row: a day's
-- matching stores a hundred thousand rows at a time. The order of the keys keeps two writers from waiting for each other.
CREATE FUNCTION papers_count_topic_weeks() RETURNS trigger LANGUAGE plpgsql AS $function$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO papers_topicweek (topic_id, week, papers)
        SELECT topic_id, date_trunc('week', listed_at AT TIME ZONE 'UTC')::date, count(*)
        FROM added GROUP BY 1, 2 ORDER BY 1, 2
        ON CONFLICT (topic_id, week) DO UPDATE SET papers = papers_topicweek.papers + excluded.papers;
    ELSIF TG_OP = 'DELETE' THEN
        UPDATE papers_topicweek counted SET papers = greatest(0, counted.papers - change.papers)
        FROM (
            SELECT topic_id, date_trunc('week', listed_at AT TIME ZONE 'UTC')::date AS week, count(*) AS papers
            FROM removed GROUP BY 1, 2
        ) change
        WHERE counted.topic_id = change.topic_id AND counted.week = change.week;
    ELSE
        INSERT INTO papers_topicweek (topic_id, week, papers)
        SELECT topic_id, week, greatest(0, sum(change)) FROM (
            SELECT topic_id, date_trunc('week', listed_at AT TIME ZONE 'UTC')::date AS week, 1 AS change FROM added
            UNION ALL
            SELECT topic_id, date_trunc('week', listed_at AT TIME ZONE 'UTC')::date, -1 FROM removed
        ) moved GROUP BY 1, 2 HAVING sum(change) > 0 ORDER BY 1, 2
        ON CONFLICT (topic_id, week) DO UPDATE SET papers = papers_topicweek.papers + excluded.papers;
        UPDATE papers_topicweek counted SET papers = greatest(0, counted.papers + change.papers)
        FROM (
            SELECT topic_id, week, sum(change) AS papers FROM (
                SELECT topic_id, date_trunc('week', listed_at AT TIME ZONE 'UTC')::date AS week, 1 AS change FROM added
                UNION ALL
                SELECT topic_id, date_trunc('week', listed_at AT TIME ZONE 'UTC')::date, -1 FROM removed
            ) moved GROUP BY 1, 2 HAVING sum(change) < 0
        ) change
        WHERE counted.topic_id = change.topic_id AND counted.week = change.week;
    END IF;
    RETURN NULL;
END
$function$;
CREATE TRIGGER topic_weeks_added AFTER INSERT ON papers_topicmatch
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION papers_count_topic_weeks();
CREATE TRIGGER topic_weeks_removed AFTER DELETE ON papers_topicmatch
    REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION papers_count_topic_weeks();
CREATE TRIGGER topic_weeks_moved AFTER UPDATE ON papers_topicmatch
    REFERENCING NEW TABLE AS added OLD TABLE AS removed
    FOR EACH STATEMENT EXECUTE FUNCTION papers_count_topic_weeks();
