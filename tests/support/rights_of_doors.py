"""Who gets what of feeds, channels and of what programs ask for: rows of the table in tests/web/test_rights.py."""

from __future__ import annotations

from tests.support.rights import ASKED_FOR_CODE, WAY_IN, Row, everybody, members, office, staff_alone

DOORS: dict[str, list[Row]] = {
    "papers:hf-daily-papers": [
        everybody("/api/daily_papers", on_members_site=401),
        everybody("/api/daily_papers?date=2026-03-04", on_members_site=401),
        everybody("/api/daily_papers?date=x", 400, on_members_site=401),
        everybody("/api/daily_papers", 405, on_members_site=401, method="POST"),
    ],
    "papers:hf-search": [everybody("/api/papers/search?q=ice", on_members_site=401)],
    "papers:hf-paper": [
        everybody("/api/papers/2603.99001", on_members_site=401),
        everybody("/api/papers/2603.00000", 404, on_members_site=401),
        Row("/api/papers/2603.99002", 404, 404, 404, 200, 200, on_members_site=401),  # hidden by a curator
    ],
    "papers:api-tokens": [members("/account/tokens")],
    "papers:api-token-new": [
        members("/account/tokens/new", 302, no_code=ASKED_FOR_CODE),
        members("/account/tokens/new", 302, method="POST", no_code=ASKED_FOR_CODE),
    ],
    "papers:api-token-revoke": [members("/account/tokens/990001/revoke", 302, method="POST")],
    "digests:channels": [staff_alone("/curate/channels")],
    "digests:channel-new": [
        staff_alone("/curate/channels/new"),
        staff_alone("/curate/channels/new", 422, method="POST"),
    ],
    "digests:channel-edit": [staff_alone("/curate/channels/990001"), staff_alone("/curate/channels/990002", 404)],
    "digests:channel-test": [staff_alone("/curate/channels/990001/test", 302, method="POST")],
    "digests:channel-remove": [staff_alone("/curate/channels/990001/remove", 302, method="POST")],
    "digests:notice-repeat": [staff_alone("/curate/notices/990001/again", 404, method="POST")],
    "digests:more": [everybody("/s/key-of-preferences/0/more", 404, on_members_site=404)],
    "digests:less": [everybody("/s/key-of-preferences/0/less", 404, on_members_site=404)],
    "digests:mail-below": [everybody("/mail/key-of-mail/below", on_members_site=200)],
    "digests:subscription": [everybody("/subscriptions/key-of-preferences/of/990099", 404, on_members_site=404)],
    "digests:own-subscription": [members("/subscriptions/of/990099", 404)],
    "digests:weekly": [everybody("/subscriptions/key-of-preferences/weekly", on_members_site=200)],
    "digests:own-weekly": [members("/subscriptions/weekly")],
    "papers:feedback": [
        members("/papers/2603.99001/feedback", 302, method="POST"),
        Row("/papers/2603.99002/feedback", WAY_IN, 404, 404, 302, 302, method="POST"),
    ],
    "papers:recommendation-profile": [
        members("/account/recommendations"),
        members("/account/recommendations", 302, method="POST"),
    ],
    "papers:recommendation-seed": [members("/account/recommendations/papers/990099", 404, method="POST")],
    "papers:forget-recommendations": [members("/account/recommendations/forget", 302, method="POST")],
    "digests:webhooks": [members("/account/webhooks")],
    "digests:webhook-new": [
        members("/account/webhooks/new"),
        members("/account/webhooks/new", 422, method="POST"),
    ],
    "digests:webhook-edit": [
        Row("/account/webhooks/990002", WAY_IN, 200, 404, 404, 404),
        members("/account/webhooks/990001", 404),  # the group's
    ],
    "digests:webhook-test": [Row("/account/webhooks/990002/test", WAY_IN, 302, 404, 404, 404, method="POST")],
    "digests:webhook-remove": [Row("/account/webhooks/990002/remove", WAY_IN, 302, 404, 404, 404, method="POST")],
    "digests:webhook-repeat": [
        Row("/account/webhooks/deliveries/990003/again", WAY_IN, 302, 404, 404, 404, method="POST"),
    ],
    "papers:api-docs": [everybody("/api/docs")],
    "papers:api-schema": [everybody("/api/v1/openapi.json", on_members_site=401)],
    "papers:opensearch": [everybody("/opensearch.xml")],
    "papers:opensearch-suggestions": [everybody("/papers/opensearch-suggestions?q=ice")],
    "papers:sitemap": [everybody("/sitemap.xml")],
    "papers:sitemap-part": [
        everybody("/sitemap-0.xml"),
        everybody("/sitemap-1.xml"),
        everybody("/sitemap-99.xml", 404),
    ],
    "papers:change-password": [everybody("/.well-known/change-password", 302, on_members_site=302)],
    "papers:security-txt": [everybody("/.well-known/security.txt", 404, on_members_site=404)],
    "papers:day-feed": [everybody("/papers/date/2026-03-04/feed.atom"), everybody("/papers/date/x/feed.json", 404)],
    "papers:week-feed": [everybody("/papers/week/2026-W10/feed.atom"), everybody("/papers/week/x/feed.json", 404)],
    "papers:newest-week-feed": [everybody("/papers/week.atom")],
    "papers:month-feed": [everybody("/papers/month/2026-03/feed.json"), everybody("/papers/month/x/feed.atom", 404)],
    "papers:newest-month-feed": [everybody("/papers/month.json")],
    "papers:new-feed": [
        everybody("/papers/new.atom"),
        everybody("/papers/new.json?category=cs.CL"),
        everybody("/papers/new.atom?category=none", 404),
    ],
    "papers:comments-feed": [everybody("/comments.atom"), everybody("/comments.json")],
    "papers:feeds": [everybody("/feeds")],
    "papers:opml": [everybody("/feeds.opml")],
    "papers:own-feed": [
        everybody("/feeds/key-of-a-feed/papers.atom", on_members_site=200),
        everybody("/feeds/key-of-a-feed/papers.json?q=ice", on_members_site=200),
        everybody("/feeds/key-of-none/papers.atom", 404, on_members_site=404),
    ],
    "papers:own-trending-feed": [
        everybody("/feeds/key-of-a-feed/trending.atom", on_members_site=200),
        everybody("/feeds/key-of-none/trending.atom", 404, on_members_site=404),
    ],
    "papers:own-new-feed": [
        everybody("/feeds/key-of-a-feed/new.atom", on_members_site=200),
        everybody("/feeds/key-of-none/new.json", 404, on_members_site=404),
    ],
    "papers:own-comments-feed": [
        everybody("/feeds/key-of-a-feed/comments.atom", on_members_site=200),
        everybody("/feeds/key-of-none/comments.atom", 404, on_members_site=404),
    ],
    "papers:own-library-feed": [
        everybody("/feeds/key-of-a-feed/library.json", on_members_site=200),
        everybody("/feeds/key-of-none/library.json", 404, on_members_site=404),
    ],
    "papers:own-tag-feed": [
        everybody("/feeds/key-of-a-feed/tags/own.atom", on_members_site=200),
        everybody("/feeds/key-of-a-feed/tags/none.atom", 404, on_members_site=404),
        everybody("/feeds/key-of-none/tags/own.atom", 404, on_members_site=404),
    ],
    "papers:own-topic-feed": [
        everybody("/feeds/key-of-a-feed/topics/rita-s.atom", on_members_site=200),
        everybody("/feeds/key-of-a-feed/topics/curated.json", on_members_site=200),
        everybody("/feeds/key-of-a-feed/topics/own.atom", 404, on_members_site=404),
        everybody("/feeds/key-of-none/topics/curated.atom", 404, on_members_site=404),
    ],
    "papers:own-list-feed": [
        everybody("/feeds/key-of-a-feed/lists/open.atom", on_members_site=200),
        everybody("/feeds/key-of-a-feed/lists/members.json", on_members_site=200),
        everybody("/feeds/key-of-a-feed/lists/ritas.atom", on_members_site=200),
        everybody("/feeds/key-of-a-feed/lists/named.atom", 404, on_members_site=404),
        everybody("/feeds/key-of-none/lists/open.atom", 404, on_members_site=404),
    ],
    "papers:own-club-calendar": [
        everybody("/feeds/key-of-a-feed/clubs/lunch.ics", on_members_site=200),
        everybody("/feeds/key-of-a-feed/clubs/secret.ics", on_members_site=200),  # rita is in it
        everybody("/feeds/key-of-none/clubs/lunch.ics", 404, on_members_site=404),
    ],
    "papers:own-clubs-calendar": [
        everybody("/feeds/key-of-a-feed/clubs.ics", on_members_site=200),
        everybody("/feeds/key-of-none/clubs.ics", 404, on_members_site=404),
    ],
    "papers:sources-opml": [office("/curate/sources/opml"), office("/curate/sources/opml", 422, method="POST")],
}
