"""The only settings module: everything comes from the environment and `.env`; docs/configuration.md lists it all."""

from __future__ import annotations

import re
from typing import Any

import dj_database_url

from config.env import Env, contact_address, load_env_file
from config.local.paths import PROJECT, DataDir
from config.mail import default_sender, mail_domains, mail_settings
from config.site_url import Site
from papers.text.mailboxes import read_mailbox

BASE_DIR = PROJECT
load_env_file(BASE_DIR / ".env")
env = Env()


def _version() -> str:
    """The newest version named in CHANGELOG.md, its one source."""
    found = re.search(r"^## (\d\S*)", (BASE_DIR / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    return found[1] if found else "0"


VERSION = _version()
DEBUG = False

# --- where it runs -------------------------------------------------------------------------------------------------

DATA_DIR = DataDir(env.path("BROADSHEET_DATA_DIR", BASE_DIR / "data"))
# A command beside a running site speaks of that one: `PORT=8123 make run` is known to no other terminal.
PORT = env.number("PORT", 8000, at_least=1, at_most=65_535)
if not env.is_set("PORT"):
    PORT = DATA_DIR.running_port() or PORT
BIND = env.text("BROADSHEET_BIND", "127.0.0.1")
SITE = Site.from_url(env.text("BROADSHEET_SITE_URL", f"http://127.0.0.1:{PORT}"))
SITE_URL = SITE.url
SITE_URL_IS_SET = env.is_set("BROADSHEET_SITE_URL")
ADMIN_EMAIL = read_mailbox(env.mailbox("BROADSHEET_ADMIN_EMAIL", "admin@localhost")).address

_SECRET_KEY = env.secret("SECRET_KEY")
SECRET_KEY_IS_SET = bool(_SECRET_KEY)
SECRET_KEY = _SECRET_KEY or DATA_DIR.ensure_secret_key()
SECRET_KEY_FALLBACKS = env.secret("SECRET_KEY_FALLBACKS").split()
UPGRADE_BACKUP = env.flag("BROADSHEET_UPGRADE_BACKUP", default=True)
MIGRATION_LOCK_SECONDS = env.seconds("BROADSHEET_MIGRATION_LOCK_TIMEOUT", 5)
BACKUP_DIR = env.path("BROADSHEET_BACKUP_DIR", BASE_DIR) if env.is_set("BROADSHEET_BACKUP_DIR") else None
BACKUP_HOUR = env.number("BROADSHEET_BACKUP_HOUR", 2, at_most=23)
BACKUPS_DAILY = env.number("BROADSHEET_BACKUPS_DAILY", 7, at_least=1)
BACKUPS_WEEKLY = env.number("BROADSHEET_BACKUPS_WEEKLY", 4)
BACKUP_RECIPIENTS = env.list("BROADSHEET_BACKUP_RECIPIENTS")
ALLOWED_HOSTS = SITE.allowed_hosts()
CSRF_TRUSTED_ORIGINS = [SITE.origin]
# Never None: Django would believe what a server or a header says of it, and links with it go into caches.
FORCE_SCRIPT_NAME = SITE.path
USE_X_FORWARDED_HOST = False
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if SITE.is_https else None
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SITE.is_https
SESSION_COOKIE_NAME = f"{SITE.cookie_prefix}broadsheet_session"
SESSION_COOKIE_PATH = CSRF_COOKIE_PATH = SITE.path or "/"
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 60 * 60 * 24 * 30
CSRF_FAILURE_VIEW = "papers.web.ask_sign_in.form_expired"
CSRF_COOKIE_NAME = f"{SITE.cookie_prefix}broadsheet_csrf"
MESSAGE_STORAGE = "papers.web.message_storage.MessageStorage"
SECURE_HSTS_SECONDS = env.seconds("BROADSHEET_HSTS", 0)
# What `check --deploy` asks for beyond this; docs/operate.md has the reasons.
SILENCED_SYSTEM_CHECKS = [
    "security.W004",  # HSTS is the operator's choice: BROADSHEET_HSTS
    "security.W005",  # ... and says nothing of other hosts of the domain, which are not ours
    "security.W008",  # the web server in front sends http on to https; it alone has the certificate
    "security.W021",  # a preload list is asked for by hand
    *(() if SITE.is_https else ("security.W012", "security.W016")),  # broadsheet.W002 says it
]
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_500_000
FILE_UPLOAD_HANDLERS = [
    "papers.web.uploads.BoundedUploadHandler",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]

# --- what it is made of --------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "config.apps.ConfigConfig",
    "papers.apps.PapersConfig",
    "digests.apps.DigestsConfig",
    "papers.apps.SecondFactorAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.staticfiles",
    "django_htmx",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.usersessions",
]
MIDDLEWARE = [
    "config.monitoring.requests.ObservedRequestMiddleware",
    "papers.web.middleware.ResponseHeadersMiddleware",
    "config.health.HealthMiddleware",
    "papers.web.api_gate.ApiAnswerMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "papers.web.compression.CompressionMiddleware",
    "papers.web.page_cache.KeptPageMiddleware",
    "papers.web.middleware.NoTrailingSlashMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "papers.web.middleware.RightsMiddleware",
    "papers.web.api_gate.ApiCallerMiddleware",
    "papers.web.known_device.KnownDeviceMiddleware",
    "papers.web.visitor_acts.VisitorActMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "papers.web.middleware.GroupMiddleware",
    "papers.web.middleware.AccessMiddleware",
    "papers.web.middleware.BodyTooLargeMiddleware",
    "papers.web.middleware.RejectNulMiddleware",
    "papers.web.middleware.ReaderTimeZoneMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
APPEND_SLASH = False
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "loaders": [
                (
                    "config.template_loader.Loader",
                    [
                        "django.template.loaders.filesystem.Loader",
                        "django.template.loaders.app_directories.Loader",
                    ],
                )
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "papers.web.context_processors.site",
            ],
            "builtins": ["papers.templatetags.addresses", "papers.templatetags.kept"],
        },
    },
]

# --- where the truth is kept ---------------------------------------------------------------------------------------

DATABASE_IS_EMBEDDED = not env.is_set("DATABASE_URL")
REDIS_IS_EMBEDDED = not env.is_set("REDIS_URL")
DATABASE_URL = (
    DATA_DIR.database_url
    if DATABASE_IS_EMBEDDED
    else env.url("DATABASE_URL", "", schemes=("postgresql", "postgres", "pgsql"))
)
REDIS_URL = DATA_DIR.redis_url if REDIS_IS_EMBEDDED else env.url("REDIS_URL", "", schemes=("redis", "rediss", "unix"))
DATABASES: dict[str, dict[str, Any]] = {
    "default": {
        **dj_database_url.parse(DATABASE_URL, engine="config.database"),
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES: dict[str, dict[str, Any]] = {
    "default": {
        "BACKEND": "config.redis_cache.ForgivingRedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "broadsheet",
        "TIMEOUT": 60 * 60 * 24,
    }
}
SESSION_ENGINE = "papers.accounts.sessions"

# --- people --------------------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "papers.User"
LOGIN_URL = "papers:sign-in"
LOGIN_REDIRECT_URL = "papers:today"
LOGOUT_REDIRECT_URL = "papers:today"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
# None: what the first-run page chose holds.
ACCESS = env.choice("BROADSHEET_ACCESS", "", ("public", "members")) or None
GROUP_TIME_ZONE = env.time_zone("BROADSHEET_TIME_ZONE")
GROUP_NAME = env.text("BROADSHEET_GROUP_NAME") or None
TRUSTED_PROXIES = env.networks("BROADSHEET_TRUSTED_PROXIES")

# --- accounts (django-allauth) -------------------------------------------------------------------------------------

SIGNUP = env.choice("BROADSHEET_SIGNUP", "invitation", ("open", "invitation", "closed"))
SIGNUP_DOMAINS = mail_domains("BROADSHEET_SIGNUP_DOMAINS", env.list("BROADSHEET_SIGNUP_DOMAINS"))
OIDC_URL = env.url("BROADSHEET_OIDC_URL", "") if env.is_set("BROADSHEET_OIDC_URL") else ""
OIDC_NAME = env.text("BROADSHEET_OIDC_NAME", "your institution")
OIDC_SIGNUP = env.flag("BROADSHEET_OIDC_SIGNUP", default=False)
_OIDC_APP = {
    "provider_id": "oidc",
    "name": OIDC_NAME,
    "client_id": env.text("BROADSHEET_OIDC_CLIENT_ID"),
    "secret": env.secret("BROADSHEET_OIDC_SECRET"),
    # An address that the provider has verified opens the account that has it.
    "settings": {"server_url": OIDC_URL, "email_authentication": True},
}
SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": [_OIDC_APP] if OIDC_URL else [], "OAUTH_PKCE_ENABLED": True}}
SOCIALACCOUNT_ADAPTER = "papers.accounts.adapters.SocialAccountAdapter"
SOCIALACCOUNT_EMAIL_AUTHENTICATION_AUTO_CONNECT = True
SOCIALACCOUNT_FORMS = {"signup": "papers.accounts.forms.OidcSignUpForm"}
ACCOUNT_ADAPTER = "papers.accounts.adapters.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "username*", "password1*"]
ACCOUNT_FORMS = {
    "signup": "papers.accounts.forms.SignUpForm",
    "add_email": "papers.accounts.forms.ChangeEmailForm",
    "reset_password": "papers.accounts.forms.PasswordResetForm",
    "reset_password_from_key": "papers.accounts.forms.NewPasswordForm",
    "reauthenticate": "papers.accounts.forms.ConfirmPasswordForm",
}
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_CHANGE_EMAIL = True
ACCOUNT_REAUTHENTICATION_REQUIRED = True
# Not by a code that is sent by mail, as allauth offers: who has a session and reads the mail would need nothing else.
# A one-time sign-in link counts, too, for some minutes: see papers/accounts/identity.py.
ACCOUNT_REAUTHENTICATION_METHODS = ("password", "mfa")
ACCOUNT_RATE_LIMITS = False  # the one table of limits is in papers/web/ratelimit.py
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if SITE.is_https else "http"
ACCOUNT_EMAIL_CONFIRMATION_ANONYMOUS_REDIRECT_URL = LOGIN_URL
MFA_ADAPTER = "papers.accounts.adapters.MFAAdapter"
MFA_FORMS = {
    "authenticate": "papers.accounts.forms.SecondFactorCodeForm",
    "reauthenticate": "papers.accounts.forms.ConfirmCodeForm",
    "activate_totp": "papers.accounts.forms.ActivateSecondFactorForm",
    "add_webauthn": "papers.accounts.forms.AddSecurityKeyForm",
    "authenticate_webauthn": "papers.accounts.forms.SecondFactorKeyForm",
    "reauthenticate_webauthn": "papers.accounts.forms.ConfirmKeyForm",
}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
# A key is the second factor, beside a password: no page signs in by a key alone.
MFA_PASSKEY_LOGIN_ENABLED = False
# Nobody gets as far as this page without an address that is confirmed; a new one may be waiting.
MFA_ALLOW_UNVERIFIED_EMAIL = True
# Whether all who may enter the admin must have a second factor; those who have one are asked for its code anyway.
ADMIN_SECOND_FACTOR = env.flag("BROADSHEET_ADMIN_SECOND_FACTOR", default=False)
MFA_TOTP_TOLERANCE = 1  # telephones are half a minute off

# --- mail ----------------------------------------------------------------------------------------------------------

_SMTP_URL = env.secret("BROADSHEET_SMTP_URL")
# False: mails are files in the data folder, and pages say that none is on its way.
MAIL_IS_SENT = bool(_SMTP_URL)
OUTBOX_DIR = DATA_DIR.path / "outbox"
globals().update(mail_settings(_SMTP_URL, outbox=OUTBOX_DIR))
MAIL_IN_DOUBT = env.choice("BROADSHEET_MAIL_IN_DOUBT", "resend", ("resend", "skip"))
MAIL_RATE = env.text("BROADSHEET_MAIL_RATE")
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.mailbox("BROADSHEET_MAIL_FROM", default_sender(SITE.host))

# --- words, times, files -------------------------------------------------------------------------------------------

LANGUAGE_CODE = "en"
USE_I18N = False  # all of it is in English; asking for the language at every value costs a tenth of a page
USE_TZ = True
TIME_ZONE = "UTC"
STATIC_URL = f"{SITE.path}/static/"
STATIC_ROOT = env.path("BROADSHEET_STATIC_ROOT", DATA_DIR.path / "static")
STATICFILES_DIRS = [BASE_DIR / "static"]
STATICFILES_FINDERS = [
    "config.style_sheet.OwnFilesFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

# --- fetching ------------------------------------------------------------------------------------------------------

ARXIV_CATEGORIES = env.list("BROADSHEET_ARXIV_CATEGORIES", ("cs.AI", "cs.CL", "cs.CV", "cs.LG", "stat.ML"))
ARXIV_OAI_URL = env.url("BROADSHEET_ARXIV_OAI_URL", "https://oaipmh.arxiv.org/oai")
ARXIV_RSS_URL = env.url("BROADSHEET_ARXIV_RSS_URL", "https://rss.arxiv.org/atom")
ARXIV_API_URL = env.url("BROADSHEET_ARXIV_API_URL", "https://export.arxiv.org/api/query")
HUGGINGFACE_URL = env.url("BROADSHEET_HUGGINGFACE_URL", "https://huggingface.co")
DOI_URL = env.url("BROADSHEET_DOI_URL", "https://doi.org")
# Where a paper that a reader submits goes.
SUBMISSIONS = env.choice("BROADSHEET_SUBMISSIONS", "edition", ("edition", "queue"))
# From which score on a topic's find is put before the curators, where the topic has examples.
CANDIDATE_SCORE = env.decimal("BROADSHEET_CANDIDATE_SCORE", 0.6)
FETCH_ALLOW = env.list("BROADSHEET_FETCH_ALLOW")
FETCH_PROXY = env.text("BROADSHEET_FETCH_PROXY") or None

# --- ranking -------------------------------------------------------------------------------------------------------

TRENDING_HALF_LIFE_SECONDS = env.seconds("BROADSHEET_TRENDING_HALF_LIFE", 60 * 60 * 36)
TRENDING_SOURCE_WEIGHT = env.decimal("BROADSHEET_TRENDING_SOURCE_WEIGHT", 0.02)

# --- search by meaning -----------------------------------------------------------------------------------------------

EMBEDDINGS = env.flag("BROADSHEET_EMBEDDINGS", default=True)
# Empty: the model that comes with Broadsheet. Else an OpenAI-compatible API, such as https://api.example.org/v1.
EMBEDDINGS_URL = env.url("BROADSHEET_EMBEDDINGS_URL", "") if env.is_set("BROADSHEET_EMBEDDINGS_URL") else ""
EMBEDDINGS_MODEL = env.text("BROADSHEET_EMBEDDINGS_MODEL")
EMBEDDINGS_KEY = env.secret("BROADSHEET_EMBEDDINGS_KEY")
# What is put before a question and before a paper's text, for models that were trained with it.
EMBEDDINGS_QUERY_PREFIX = env.text("BROADSHEET_EMBEDDINGS_QUERY_PREFIX")
EMBEDDINGS_DOCUMENT_PREFIX = env.text("BROADSHEET_EMBEDDINGS_DOCUMENT_PREFIX")
# What languages the model at the address knows.
EMBEDDINGS_LANGUAGES = env.choice("BROADSHEET_EMBEDDINGS_LANGUAGES", "english", ("english", "many"))
# How far (cosine distance, 0 to 2) a paper may be that is offered where no paper has the words. 0: as the model has it.
EMBEDDINGS_NEAR = env.decimal("BROADSHEET_EMBEDDINGS_NEAR", 0)
EMBEDDER = env.url("BROADSHEET_EMBEDDER", f"unix://{DATA_DIR.embedder_socket}", schemes=("unix", "tcp"))
# For how long nobody asks and no paper waits before the model is given back. 0: never.
EMBEDDER_IDLE_SECONDS = env.seconds("BROADSHEET_EMBEDDER_IDLE", 10 * 60)
EMBEDDER_THREADS = env.number("BROADSHEET_EMBEDDER_THREADS", 1, at_least=1)

# --- pages ---------------------------------------------------------------------------------------------------------

# For how long an anonymous reader's page may be cached whole; a vote ends it at once. 0: not at all.
ANONYMOUS_PAGE_SECONDS = 2
# Whether browsers keep the newest edition for when there is no connection. Off: what they kept goes at the next visit.
OFFLINE_READING = env.flag("BROADSHEET_OFFLINE", default=True)
# Whether search engines may know the pages of a public site. Off: robots.txt closes all of it, and there is no sitemap.
SEARCH_ENGINES = env.flag("BROADSHEET_SEARCH_ENGINES", default=True)
SECURITY_CONTACT = contact_address(env.text("BROADSHEET_SECURITY_CONTACT"))

# --- API ------------------------------------------------------------------------------------------------------------

# Of which sites the scripts may ask the API, as https://tools.example.org; * are all. They bring a token, no cookie.
API_ORIGINS = env.list("BROADSHEET_API_ORIGINS")

# --- workers -------------------------------------------------------------------------------------------------------

WORKER_PROCESSES = env.number("BROADSHEET_WORKERS", 2, at_least=1)
WEB_PROCESSES = env.number("BROADSHEET_WEB_PROCESSES", 2, at_least=1)
WEB_THREADS = env.number("BROADSHEET_WEB_THREADS", 4, at_least=1)

# --- monitoring ----------------------------------------------------------------------------------------------------

# For a container's health check; where several parts run on one machine, each needs its own.
ALIVE_FILE = env.text("BROADSHEET_ALIVE_FILE")
METRICS_TOKEN = env.secret("BROADSHEET_METRICS_TOKEN")
SENTRY_DSN = env.secret("BROADSHEET_SENTRY_DSN")
OTEL_ENDPOINT = env.url("BROADSHEET_OTEL_ENDPOINT", "") if env.is_set("BROADSHEET_OTEL_ENDPOINT") else ""

LOG_FORMAT = env.choice("BROADSHEET_LOG_FORMAT", "text", ("text", "json"))
LOG_LEVEL = env.choice("BROADSHEET_LOG_LEVEL", "info", ("debug", "info", "warning", "error")).upper()
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": (
            {"()": "config.log_json.JsonFormatter"}
            if LOG_FORMAT == "json"
            else {
                "()": "config.log_redaction.RedactingFormatter",
                "fmt": "%(asctime)s %(levelname)s %(name)s %(message)s",
            }
        )
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {
        name: {"handlers": ["console"], "level": LOG_LEVEL, "propagate": False}
        for name in ("papers", "digests", "config")
    },
}

# --- last, when all others have been asked for ------------------------------------------------------------------------

# What was set and is no setting: a slip in `BROADSHEET_ACCESS` would leave a site open to everybody.
UNKNOWN_VARIABLES = env.unknown("BROADSHEET_")
