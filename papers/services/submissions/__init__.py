"""Papers that readers submit: asked for, fetched by a worker, put on the edition or before a curator."""
