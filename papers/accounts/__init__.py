"""Accounts by django-allauth, made to fit: what knows it is here, its pages are in templates/account and beside."""
