"""Tests of authors."""
