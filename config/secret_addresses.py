"""Which parts of our addresses are secrets: whoever has one is let in, so none may stand in a log.

One table for all addresses. `tests/config/test_log_redaction.py` walks the addresses that there are, and finds what is
missing here or has become another.
"""

from __future__ import annotations

from collections.abc import Mapping

SECRET_ADDRESSES: Mapping[str, str] = {
    "papers:login-link": "sign-in/link/<token>",
    "papers:invited": "sign-up/invited/<token>",
    "papers:following-feed": "following/<key>.<form>",
    "papers:for-you-feed": "papers/for-you/<key>.<form>",
    "papers:own-feed": "feeds/<key>/papers.<form>",
    "papers:own-trending-feed": "feeds/<key>/trending.<form>",
    "papers:own-new-feed": "feeds/<key>/new.<form>",
    "papers:own-comments-feed": "feeds/<key>/comments.<form>",
    "papers:own-library-feed": "feeds/<key>/library.<form>",
    "papers:own-tag-feed": "feeds/<key>/tags/<name>.<form>",
    "papers:own-topic-feed": "feeds/<key>/topics/<slug>.<form>",
    "papers:own-list-feed": "feeds/<key>/lists/<slug>.<form>",
    "papers:own-club-calendar": "feeds/<key>/clubs/<slug>.ics",
    "papers:own-clubs-calendar": "feeds/<key>/clubs.ics",
    "account_confirm_email": "account/address/confirm/<key>",
    "account_reset_password_from_key": "forgotten/<uidb36>/<key>",
    "digests:confirm": "subscribe/confirm/<token>",
    "digests:preferences": "subscriptions/<key>",
    "digests:sent": "subscriptions/<key>/sent",
    "digests:forget": "subscriptions/<key>/forget",
    "digests:unfollow": "subscriptions/<key>/unfollow",
    "digests:save": "s/<key>/<paper_id>",
    "digests:vote": "s/<key>/<paper_id>/vote",
    "digests:seen": "s/<key>/<paper_id>/seen",
    "digests:more": "s/<key>/<paper_id>/more",
    "digests:less": "s/<key>/<paper_id>/less",
    "digests:subscription": "subscriptions/<key>/of/<pk>",
    "digests:weekly": "subscriptions/<key>/weekly",
    "digests:unsubscribe": "u/<key>",
    "digests:mail": "mail/<key>",
    "digests:mail-more": "mail/<key>/more",
    "digests:mail-below": "mail/<key>/below",
}
"""URL name → the address, with `<key>` and `<token>` where something is that opens it."""

SECRET_ARGUMENTS = frozenset({"key", "token"})
"""How the secret arguments of these addresses are named."""
