"""What the rows of the table of rights name: papers, a reader's own things, and those of others."""

from __future__ import annotations

from digests.models import Channel, Notice
from papers.models import FeedKey, LibraryImport, Tag
from tests.support import factories
from tests.support.people import reader
from tests.support.rights_of_clubs import clubs_for_rights
from tests.support.rights_of_lists import make_lists


def make_things() -> None:
    """In the transaction that is open; their keys are always the same."""
    paper, rita = factories.paper(public_id="2603.99001", pk=99001, organization="CERN"), reader()
    factories.listing(paper)
    LibraryImport.objects.create(pk=990001, user=rita, format="list", created_at=factories.NOW)
    FeedKey.objects.create(user=rita, key="key-of-a-feed")
    factories.paper(public_id="2603.99002", hidden_at=factories.NOW)
    factories.topic("curated")
    factories.topic("own", owner=factories.user())
    factories.topic("rita-s", owner=rita)
    factories.user("paul", pk=99099)
    factories.list_rule(pk=990001, min_votes=1)
    Channel.objects.create(pk=990001, name="Desk", kind="mail", address="desk@example.org")
    hook = Channel.objects.create(pk=990002, name="Lab", kind="webhook", address="nowhere", owner=rita)
    Notice.objects.create(
        pk=990003, channel=hook, key="test:1", uid="1", state="sent", not_before=factories.NOW, created_at=factories.NOW
    )
    factories.rejected_record(pk=990001)
    factories.comment(paper, rita, pk=9001)
    factories.comment(paper, pk=9002)
    factories.submission("10.1000/ice", pk=990001)
    factories.submission("10.1000/fire", pk=990002, by=rita)
    make_lists(paper, rita)
    Tag.objects.create(user=rita, name="own")
    Tag.objects.create(user=rita, name="shared", shared_at=factories.NOW)
    clubs_for_rights(rita, paper)
    schedule = factories.schedule(
        factories.subscriber(key="key-of-preferences"), kinds=["trending"], key="key-of-one-click"
    )
    factories.delivery(schedule, key="key-of-mail")
