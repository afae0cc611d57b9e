"""The tables, each with its QuerySet above its model."""

from papers.models.api import ApiToken, ClientKey, TokenScope
from papers.models.author import Author, AuthorClaim, AuthorName, Follow, Followed, FollowedPaper
from papers.models.backup_run import BackupRun
from papers.models.change import ChangedPaper, PendingChange
from papers.models.club import AgendaItem, Club, ClubMeeting, ClubMember
from papers.models.comment import Comment, CommentReport, Mention
from papers.models.curation import (
    Candidate,
    CurationEvent,
    DuplicateCheck,
    DuplicatePair,
    PaperEdit,
    PlannedListing,
    TopicPick,
)
from papers.models.embedding import SHIPPED_DIMENSIONS, SHIPPED_MODEL, EmbeddingBacklog, EmbeddingModel, PaperVector
from papers.models.installation import Installation
from papers.models.invitation import Invitation
from papers.models.library import LibraryItem, Tag, TaggedPaper
from papers.models.library_import import LibraryImport, LibraryImportRow, LibraryUpload, LibraryUploadPart
from papers.models.limits import AttemptCount, MailAllowance
from papers.models.listing import (
    AnnouncedList,
    Announcement,
    Edition,
    EditionClusters,
    Listing,
    RecordedAnnouncement,
)
from papers.models.paper import (
    FormerAddress,
    Identifier,
    Paper,
    PaperCategory,
    PaperExternalCounts,
    PaperVersion,
)
from papers.models.reading import FeedKey, MutedQuery, SeenPaper, Vote
from papers.models.recommendation import (
    Recommendation,
    RecommendationFeedback,
    RecommendationProfile,
    RecommendationState,
    ShownRecommendation,
)
from papers.models.rule import ListRule, RuleListing
from papers.models.search_index import SearchReindex, SearchStatistics, SuggestedAuthor, TitleWord, WordCount
from papers.models.security import SecurityEvent
from papers.models.shared_list import (
    ListRole,
    ListVisibility,
    SharedList,
    SharedListChange,
    SharedListMember,
    SharedListPaper,
)
from papers.models.source import (
    FetchRun,
    Heartbeat,
    HostSlot,
    HostWaiter,
    ImportedPart,
    RejectedRecord,
    Source,
    SourceDay,
)
from papers.models.submission import Submission
from papers.models.thumbnail import Thumbnail
from papers.models.topic import Topic, TopicBacklog, TopicMatch, TopicWeek
from papers.models.user import CardLead, LoginLink, Role, User
from papers.models.wanted_record import WantedRecord

__all__ = [
    "SHIPPED_DIMENSIONS",
    "SHIPPED_MODEL",
    "AgendaItem",
    "AnnouncedList",
    "Announcement",
    "ApiToken",
    "AttemptCount",
    "Author",
    "AuthorClaim",
    "AuthorName",
    "BackupRun",
    "Candidate",
    "CardLead",
    "ChangedPaper",
    "ClientKey",
    "Club",
    "ClubMeeting",
    "ClubMember",
    "Comment",
    "CommentReport",
    "CurationEvent",
    "DuplicateCheck",
    "DuplicatePair",
    "Edition",
    "EditionClusters",
    "EmbeddingBacklog",
    "EmbeddingModel",
    "FeedKey",
    "FetchRun",
    "Follow",
    "Followed",
    "FollowedPaper",
    "FormerAddress",
    "Heartbeat",
    "HostSlot",
    "HostWaiter",
    "Identifier",
    "ImportedPart",
    "Installation",
    "Invitation",
    "LibraryImport",
    "LibraryImportRow",
    "LibraryItem",
    "LibraryUpload",
    "LibraryUploadPart",
    "ListRole",
    "ListRule",
    "ListVisibility",
    "Listing",
    "LoginLink",
    "MailAllowance",
    "Mention",
    "MutedQuery",
    "Paper",
    "PaperCategory",
    "PaperEdit",
    "PaperExternalCounts",
    "PaperVector",
    "PaperVersion",
    "PendingChange",
    "PlannedListing",
    "Recommendation",
    "RecommendationFeedback",
    "RecommendationProfile",
    "RecommendationState",
    "RecordedAnnouncement",
    "RejectedRecord",
    "Role",
    "RuleListing",
    "SearchReindex",
    "SearchStatistics",
    "SecurityEvent",
    "SeenPaper",
    "SharedList",
    "SharedListChange",
    "SharedListMember",
    "SharedListPaper",
    "ShownRecommendation",
    "Source",
    "SourceDay",
    "Submission",
    "SuggestedAuthor",
    "Tag",
    "TaggedPaper",
    "Thumbnail",
    "TitleWord",
    "TokenScope",
    "Topic",
    "TopicBacklog",
    "TopicMatch",
    "TopicPick",
    "TopicWeek",
    "User",
    "Vote",
    "WantedRecord",
    "WordCount",
]
