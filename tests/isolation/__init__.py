"""Tests of papers.isolation."""
