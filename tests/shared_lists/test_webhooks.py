"""Webhooks for shared lists: told what is put on them, once, while their owners may read them."""

from __future__ import annotations

import pytest
from django.utils import timezone

from digests.models import Notice
from digests.services.channel_lists import ListNotFoundError, find_lists
from papers.models import Paper
from papers.services.shared_lists.entries import add_papers, remove_papers
from papers.services.shared_lists.settings import ListDraft, change_list, create_list
from tests.digests.test_readers_webhooks import new_paper, told, webhook
from tests.support import factories
from tests.support.people import reader

pytestmark = pytest.mark.django_db


def test_a_list_tells_what_is_put_on_it_while_it_may_be_read() -> None:
    rita, now = reader(), timezone.now()
    tides = create_list(ListDraft("Tides"), owner=factories.user(), now=now)
    owner = tides.owner
    assert owner is not None

    def put(paper: Paper) -> str:
        add_papers(tides, paper_ids=[paper.pk], by=owner, now=timezone.now())
        return paper.public_id

    put(new_paper())
    channel, desk = webhook(rita, tides.get_absolute_url()), webhook(None, tides.get_absolute_url())
    paper = new_paper()
    first = put(paper)
    assert told(channel) == [first]
    assert told(desk) == [first]
    assert "1 new paper on the list Tides" in Notice.objects.filter(channel=channel).get().content["title"]
    remove_papers(tides, paper_ids=[paper.pk], by=owner, now=timezone.now())
    put(paper)
    assert told(channel) == [first]
    change_list(tides, ListDraft("Tides", visibility="named"), now=timezone.now())
    put(new_paper())
    assert told(channel) == [first]
    assert told(desk) == [first]
    for who in (rita, None):
        with pytest.raises(ListNotFoundError):
            find_lists([tides.get_absolute_url()], owner=who)
    assert len(find_lists([tides.get_absolute_url()], owner=owner)) == 1
