"""Requests in, answers out: a module a page. Thin: they call services and QuerySets."""
