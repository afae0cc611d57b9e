"""The API of this site, version 1: a module a resource, under /api/v1/. docs/api.md describes it to its callers."""
