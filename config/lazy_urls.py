"""Addresses whose modules are imported when one of them is asked for.

The API's validation takes half a second and 30 MB to import. Only the web server answers its addresses, but every
process that writes a link reads all addresses, down to each of them.
"""

from __future__ import annotations

from django.urls import URLResolver
from django.urls.resolvers import RoutePattern


class LazyUrls(URLResolver):
    """A namespace of addresses under a route, in a module that is named and not imported.

    What is looked up by name, Django reads from the module itself; what is not in the namespace needs nothing of it.
    """

    def __init__(self, route: str, module: str, *, namespace: str) -> None:
        super().__init__(RoutePattern(route), module, app_name=namespace, namespace=namespace)

    def _populate(self) -> None:
        """Django's table of names above this one has a namespace, and nothing of what is in it."""
