"""Papers that readers submit: fetched by a worker, put on the edition or before a curator."""
