-- Numbers stamped on listings and topic matches; a digest asks for what was released after its last one. Drawn under a
-- lock that is held until the commit, so that they grow in commit order: see papers/services/ingest/releases.py.
CREATE SEQUENCE papers_release;
