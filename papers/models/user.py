"""Who reads, votes and curates; and the one-time links that sign them in."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import AnonymousUser, PermissionsMixin
from django.core.exceptions import PermissionDenied
from django.core.validators import RegexValidator
from django.db import connection, models
from django.db.models.functions import Lower
from django.utils import timezone

from papers.models.email_fields import AddressField
from papers.text.mailboxes import canonical_or_same


class Role(models.TextChoices):
    """What somebody may do beyond reading."""

    READER = "reader", "reader"
    CURATOR = "curator", "curator"
    ADMINISTRATOR = "administrator", "administrator"

    @property
    def flags(self) -> dict[str, bool]:
        """The columns of an account that make it so."""
        is_administrator = self is Role.ADMINISTRATOR
        return {
            "is_curator": self is not Role.READER,
            "is_staff": is_administrator,
            "is_superuser": is_administrator,
        }


class Density(models.TextChoices):
    """How much of each paper a list shows."""

    COMFORTABLE = "comfortable", "Comfortable: the beginning of each abstract"
    COMPACT = "compact", "Compact: title, authors and one line of facts"


class CardLead(models.TextChoices):
    """What a list shows of an abstract."""

    LINE = "line", "What the paper does: its aim and its result"
    BEGINNING = "beginning", "The first lines of the abstract"


class TextSize(models.TextChoices):
    """How large a reader wants all text."""

    NORMAL = "normal", "Normal"
    LARGE = "large", "Large"
    LARGER = "larger", "Larger"


class UserQuerySet(models.QuerySet["User"]):
    def newest(self, *, before: int | None = None) -> UserQuerySet:
        """The newest accounts first, those made before the one with the key `before`; along the primary key."""
        found = self if before is None else self.filter(pk__lt=before)
        return found.order_by("-pk")

    def named(self, words: str) -> UserQuerySet:
        """Whose name or address has `words` in it."""
        return self.filter(models.Q(username__icontains=words) | models.Q(email__icontains=canonical_or_same(words)))

    def in_role(self, role: str) -> UserQuerySet:
        """Accounts of one role: `reader`, `curator`, `administrator`; or `suspended` ones; anything else: all."""
        if role == "suspended":
            return self.filter(is_active=False)
        found = {
            Role.READER: {"is_curator": False, "is_staff": False},
            Role.CURATOR: {"is_curator": True, "is_staff": False},
            Role.ADMINISTRATOR: {"is_staff": True},
        }
        return self.filter(**found.get(role, {}))  # type: ignore[call-overload]


class UserManager(BaseUserManager["User"]):
    def get(self, *args: Any, **lookups: Any) -> User:
        """As every manager's; an account by its key alone by a plain statement, as each page of a reader needs one.

        Its columns are many, and Django takes a millisecond to write them out.
        """
        if args or lookups.keys() != {"pk"} or self._db:
            return super().get(*args, **lookups)
        fields = self.model._meta.concrete_fields
        key = fields[0].get_prep_value(lookups["pk"])
        with connection.cursor() as cursor:
            cursor.execute(_account_by_key(), [key])
            row = cursor.fetchone()
        if row is None:
            raise self.model.DoesNotExist("There is no account with this key.")
        return self.model.from_db(connection.alias, [field.attname for field in fields], row)

    def create_user(self, email: str, username: str, password: str | None = None, **extra: Any) -> User:
        """A stored account; without a password it can only be entered by a one-time link."""
        user = self.model(email=email.strip(), username=username.strip(), **extra)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, username: str, password: str | None = None, **extra: Any) -> User:
        return self.create_user(email, username, password, is_staff=True, is_superuser=True, is_curator=True, **extra)

    def lock_against_deletion(self, user: User) -> None:
        """Keep an account from being deleted until the caller's transaction ends.

        To be called before a paper is locked: deletion locks the account first, and then its papers. One query.

        Raises:
            PermissionDenied: it was deleted meanwhile.
        """
        with connection.cursor() as cursor:
            cursor.execute("SELECT FROM papers_user WHERE id = %s FOR KEY SHARE", [user.pk])
            if not cursor.rowcount:
                raise PermissionDenied("This account is gone.")

    def get_by_natural_key(self, username: str | None) -> User:
        """Addresses are compared without regard to case, and to how the domain is written."""
        return self.get(email__iexact=username)


@cache
def _account_by_key() -> str:
    table, columns = User._meta.db_table, (str(field.column) for field in User._meta.concrete_fields)
    return f"SELECT {', '.join(columns)} FROM {table} WHERE id = %s"  # noqa: S608  our own names


class User(AbstractBaseUser, PermissionsMixin):
    """An account: signs in by e-mail address, is shown by its username."""

    email = AddressField("e-mail address", unique=True)
    username = models.CharField(
        max_length=30,
        help_text="Shown beside comments and submissions.",
        validators=[
            RegexValidator(
                r"^[A-Za-z0-9][A-Za-z0-9_.-]{1,29}$", "2 to 30 letters, digits, dots, hyphens or underscores."
            )
        ],
    )
    time_zone = models.CharField(max_length=64, blank=True, help_text="Empty: the group's time zone.")
    votes_unnamed = models.BooleanField(default=False, help_text="New votes don't show the reader's name.")
    uses_shortcuts = models.BooleanField(default=True, help_text="Single keys act on pages.")
    density = models.CharField(
        max_length=12,
        choices=Density,
        default=Density.COMFORTABLE,
        db_default="comfortable",
        help_text="How much of each paper a list shows.",
    )
    card_lead = models.CharField(
        max_length=12,
        choices=CardLead,
        default=CardLead.LINE,
        db_default="line",
        help_text="What a list shows of an abstract.",
    )
    text_size = models.CharField(
        max_length=12,
        choices=TextSize,
        default=TextSize.NORMAL,
        db_default="normal",
        help_text="Beside what the browser is set to.",
    )
    folds_related = models.BooleanField(
        default=False, db_default=False, help_text="A day shows papers on one theme as one line behind the first."
    )
    hides_seen = models.BooleanField(default=False, help_text="Lists leave out what the reader has seen.")
    mails_mentions = models.BooleanField(default=False, help_text="A mail says where the reader was named.")
    unread_mentions = models.PositiveIntegerField(default=0, help_text="Copy of what Mention says.")
    # Of the visit that goes on: when a list was last asked for, and the newest release then.
    # See services/reading/visits.py.
    visited_at = models.DateTimeField(null=True, blank=True)
    visited_release = models.BigIntegerField(null=True, blank=True)
    # Of the visit before it: what was listed since is what the reader missed.
    previous_visit_at = models.DateTimeField(null=True, blank=True)
    previous_visit_release = models.BigIntegerField(null=True, blank=True)
    is_curator = models.BooleanField("curator", default=False)
    is_staff = models.BooleanField("may enter the admin", default=False)
    is_active = models.BooleanField("active", default=True)
    # Of an account that is not active: services/accounts/people.py writes them with it.
    suspended_at = models.DateTimeField(null=True, blank=True)
    suspended_by = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    suspension_reason = models.TextField("reason", blank=True)
    date_joined = models.DateTimeField(default=timezone.now)

    lacks_code = False
    """Whether this is an administrator in a session that has not shown its second factor: it has a reader's rights.

    Of the account of a request, where `papers.web.middleware.RightsMiddleware` sets it; not stored."""

    objects = UserManager()
    people = UserQuerySet.as_manager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = ["username"]

    class Meta:
        constraints = [
            models.UniqueConstraint(
                Lower("email"),
                name="user_email_once",
                violation_error_message="There is an account with this address.",
            ),
            models.UniqueConstraint(
                Lower("username"), name="user_username_once", violation_error_message="This name is taken."
            ),
        ]

    def __str__(self) -> str:
        return self.username

    def save(self, *args: Any, **options: Any) -> None:
        """Store the account. A new password, wherever it comes from, ends the one-time links made before."""
        # Django's note of it, which is not set where a hash is renewed.
        has_new_password = getattr(self, "_password", None) is not None
        super().save(*args, **options)
        if has_new_password:
            LoginLink.objects.filter(user=self, used_at=None).delete()

    @property
    def role(self) -> Role:
        if self.is_staff:
            return Role.ADMINISTRATOR
        return Role.CURATOR if self.is_curator else Role.READER

    @property
    def may_curate(self) -> bool:
        """Whether this account may do here and now what curators do."""
        return self.is_curator and not self.lacks_code

    @property
    def may_administer(self) -> bool:
        """Whether this account may do here and now what administrators do."""
        return self.is_staff and not self.lacks_code

    def zone(self) -> ZoneInfo | None:
        """The reader's own time zone, None where the group's applies."""
        try:
            return ZoneInfo(self.time_zone) if self.time_zone else None
        except (KeyError, ValueError, OSError):
            return None


def can_curate(user: User | AnonymousUser) -> bool:
    """Whether the one who asks may do here and now what curators do."""
    return user.is_authenticated and user.may_curate


class LoginLinkQuerySet(models.QuerySet["LoginLink"]):
    def usable(self, now: datetime) -> LoginLinkQuerySet:
        return self.filter(used_at=None, expires_at__gt=now, user__is_active=True)


class LoginLink(models.Model):
    """A one-time way in. Only a digest of its token is stored, so a leaked table opens nothing."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="login_links")
    token_digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    objects = LoginLinkQuerySet.as_manager()

    def __str__(self) -> str:
        return f"login link of {self.user_id}"
