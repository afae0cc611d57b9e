"""The addresses of pages. Readers of Hugging Face papers know most of them."""

from __future__ import annotations

from django.urls import URLPattern, path, register_converter
from django.urls.converters import IntConverter, StringConverter

from papers.citations.registry import CITATION_FORMATS
from papers.views import (
    account,
    authors,
    comments,
    curation_desk,
    curation_log,
    curation_queue,
    editions,
    exports,
    feeds,
    follows,
    for_you,
    invitations,
    library,
    library_import,
    list_rules,
    paper,
    paper_actions,
    people,
    privacy,
    read_state,
    robots,
    search,
    security_log,
    setup,
    statistics,
    status,
    submissions,
    tags,
    topics,
)


class FormConverter(StringConverter):
    """The end of an address that asks for a file, such as `bib`."""

    regex = "|".join(CITATION_FORMATS)


class FeedConverter(StringConverter):
    """The end of a feed's address."""

    regex = "atom|json"


class RowConverter(IntConverter):
    """A row's key, no longer than a key can be: Postgres takes no greater number."""

    regex = "[0-9]{1,18}"


register_converter(RowConverter, "row")
register_converter(FormConverter, "form")
register_converter(FeedConverter, "feed")

app_name = "papers"
urlpatterns: list[URLPattern] = [
    path("", editions.today, name="today"),
    path("papers", search.papers, name="papers"),
    path("papers.<feed:form>", feeds.edition, name="feed"),
    path("papers/trending.<feed:form>", feeds.trending, name="trending-feed"),
    path("papers/search.<form:form>", exports.search, name="search-export"),
    path("papers/date", editions.go_to_day, name="go-to-day"),
    path("papers/date/<str:day>.<form:form>", exports.day, name="day-export"),
    path("papers/date/<str:day>", editions.day, name="day"),
    path("papers/date/<str:day>/done", read_state.mark_day_done, name="mark-day-done"),
    path("papers/since", read_state.missed_papers, name="missed"),
    path("papers/week", editions.week, name="newest-week"),
    path("papers/week/<str:week>.<form:form>", exports.week, name="week-export"),
    path("papers/week/<str:week>", editions.week, name="week"),
    path("papers/month", editions.month, name="newest-month"),
    path("papers/month/<str:month>.<form:form>", exports.month, name="month-export"),
    path("papers/month/<str:month>", editions.month, name="month"),
    path("papers/trending", editions.trending, name="trending"),
    path("papers/new", editions.new, name="new"),
    path("papers/for-you", for_you.for_you, name="for-you"),
    path("papers/for-you/<str:key>.<feed:form>", for_you.for_you_feed, name="for-you-feed"),
    path("papers/<path:public_id>/vote", paper_actions.vote, name="vote"),
    path("papers/<path:public_id>/shelf", paper_actions.save_to_library, name="save-to-library"),
    path("papers/<path:public_id>/mine", paper_actions.edit_annotations, name="annotations"),
    path("papers/<path:public_id>/comments", comments.comments, name="comments"),
    path("papers/<path:public_id>.<form:form>", exports.paper, name="paper-export"),
    path("papers/<path:public_id>", paper.paper, name="paper"),
    path("abs/<path:arxiv_id>", paper.by_arxiv_id, name="abs"),
    path("pdf/<path:arxiv_id>", paper.by_arxiv_id, name="pdf"),
    path("comments/<row:comment_id>/edit", comments.edit, name="edit-comment"),
    path("comments/<row:comment_id>/delete", comments.delete, name="delete-comment"),
    path("comments/<row:comment_id>/report", comments.report, name="report-comment"),
    path("topics", topics.topics, name="topics"),
    path("topics/new", topics.new_topic, name="topic-new"),
    path("topics/try", topics.try_topic, name="topic-try"),
    path("topics/<slug:slug>.<feed:form>", feeds.topic, name="topic-feed"),
    path("topics/<slug:slug>", topics.topic, name="topic"),
    path("topics/<slug:slug>/edit", topics.edit_topic, name="topic-edit"),
    path("topics/<slug:slug>/offer", topics.offer_topic, name="topic-offer"),
    path("topics/<slug:slug>/delete", topics.remove_topic, name="topic-delete"),
    path("authors/<str:slug>.<feed:form>", authors.author_feed, name="author-feed"),
    path("authors/<str:slug>", authors.author, name="author"),
    path("authors/<str:slug>/follow", follows.follow_author, name="author-follow"),
    path("authors/<str:slug>/merge", authors.merge, name="author-merge"),
    path("authors/<str:slug>/split", authors.split, name="author-split"),
    path("authors/<str:slug>/orcid", authors.orcid, name="author-orcid"),
    path("authors/acts/<row:event_id>/undo", authors.undo_curation, name="author-undo"),
    path("organizations/<str:slug>.<feed:form>", authors.organization_feed, name="organization-feed"),
    path("organizations/<str:slug>", authors.organization, name="organization"),
    path("organizations/<str:slug>/follow", follows.follow_organization, name="organization-follow"),
    path("following", follows.following, name="following"),
    path("following/address", follows.renew_feed_addresses, name="renew-feed-addresses"),
    path("following/stop", follows.stop_following, name="unfollow"),
    path("following/<str:key>.<feed:form>", follows.following_feed, name="following-feed"),
    path("mentions", comments.mentions, name="mentions"),
    path("library", library.library, name="library"),
    path("library.<form:form>", exports.library, name="library-export"),
    path("library/import", library_import.new_import, name="library-imports"),
    path("library/import/<row:pk>", library_import.import_detail, name="library-import"),
    path("library/import/<row:pk>/take", library_import.apply_import, name="library-import-apply"),
    path("library/import/<row:pk>/retry", library_import.retry_import, name="library-import-retry"),
    path("library/import/<row:pk>/drop", library_import.discard_import, name="library-import-discard"),
    path("library/bulk", library.bulk, name="bulk"),
    path("tags", tags.tags, name="tags"),
    path("tags/<str:owner>/<str:name>.<form:form>", exports.tag, name="tag-export"),
    path("tags/<str:owner>/<str:name>", tags.tag, name="tag"),
    path("tags/<str:owner>/<str:name>/feed.<feed:form>", feeds.tag, name="tag-feed"),
    path("tags/<str:owner>/<str:name>/for-you", for_you.for_tag, name="tag-for-you"),
    path("tags/<str:owner>/<str:name>/change", tags.change_tag, name="change-tag"),
    path("tags/<str:owner>/<str:name>/delete", tags.remove_tag, name="delete-tag"),
    path("hide-seen", read_state.hide_seen, name="hide-seen"),
    path("account/muted", read_state.muted_queries, name="muted"),
    path("account/muted/<row:key>/remove", read_state.unmute, name="unmute"),
    path("account/reading", read_state.reading_preferences, name="reading-preferences"),
    path("submit", submissions.submit, name="submit"),
    path("submit/<row:submission_id>", submissions.submission, name="submission"),
    path("submit/<row:submission_id>/retry", submissions.submission_retry, name="submission-retry"),
    path("curate/figures", statistics.statistics, name="statistics"),
    path("curate/security", security_log.security_log, name="security-log"),
    path("curate/people", people.people, name="people"),
    path("curate/people/<row:pk>", people.person, name="person"),
    path("curate/people/<row:pk>/<slug:act>", people.person_act, name="person-act"),
    path("curate/rules", list_rules.rules, name="rules"),
    path("curate/rules/new", list_rules.new_rule, name="rule-new"),
    path("curate/rules/<row:pk>", list_rules.edit_rule, name="rule-edit"),
    path("curate/rules/<row:pk>/delete", list_rules.remove_rule, name="rule-delete"),
    path("curate", curation_queue.queue, name="curate"),
    path("curate/decide/<slug:kind>/<row:key>", curation_queue.decision, name="curate-decide"),
    path("curate/records/<row:key>", curation_queue.record, name="curate-record"),
    path("curate/undo/<row:event_id>", curation_queue.undo, name="curate-undo"),
    path("curate/papers/<row:paper_id>", curation_desk.paper, name="curate-paper"),
    path("curate/papers/<row:paper_id>/place", curation_desk.place, name="curate-place"),
    path("curate/papers/<row:paper_id>/edit", curation_desk.edit, name="curate-edit"),
    path("curate/bulk", curation_queue.bulk, name="curate-bulk"),
    path("curate/papers/<row:paper_id>/topic", curation_desk.assign_topic, name="curate-topic"),
    path("curate/days/<str:day>/schedule", curation_desk.schedule, name="curate-schedule"),
    path("curate/days/<str:day>/note", curation_desk.note, name="curate-note"),
    path("curate/days", curation_desk.days, name="curate-days"),
    path("curate/days/<str:day>", curation_desk.day, name="curate-day"),
    path("curate/days/<str:day>/order", curation_desk.order, name="curate-order"),
    path("curate/log", curation_log.log, name="curation-log"),
    path("curate/log.<feed:form>", curation_log.log_feed, name="curation-log-feed"),
    path("robots.txt", robots.robots, name="robots"),
    path("favicon.ico", robots.icon, name="icon"),
    path("theme", paper_actions.theme, name="theme"),
    path("privacy", privacy.privacy, name="privacy"),
    path("status", status.status, name="status"),
    path("setup", setup.setup, name="setup"),
    path("setup/skip", setup.setup_skip, name="setup-skip"),
    path("setup/progress", setup.setup_progress, name="setup-progress"),
    path("setup/remove-sample", setup.sample_remove, name="sample-remove"),
    path("sign-in", account.sign_in, name="sign-in"),
    path("sign-in/link/<str:token>", account.login_link, name="login-link"),
    path("sign-out", account.sign_out, name="sign-out"),
    path("sign-up/invited/<str:token>", invitations.accept_invitation, name="invited"),
    path("invitations", invitations.invitations, name="invitations"),
    path("invitations/<row:pk>/revoke", invitations.revoke, name="invitation-revoke"),
    path("account", account.account, name="account"),
    path("account/password", account.password, name="password"),
    path("account/security", security_log.own_log, name="security"),
    path("account/sessions", account.sessions, name="sessions"),
    path("account/export", account.export, name="account-export"),
    path("account/delete", account.delete, name="account-delete"),
]
