"""Print a one-time sign-in link."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_email

from papers.services.signin import InactiveAccountError, make_login_link


class Command(BaseCommand):
    help = "Print a one-time sign-in link for an account; an account that is not there is made. It works for 24 hours."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "email", nargs="?", default=settings.ADMIN_EMAIL, help="default: %(default)s, the administrator"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        email: str = options["email"]
        if email != settings.ADMIN_EMAIL:
            try:
                validate_email(email)
            except ValidationError as error:
                raise CommandError(f"{email} is not an e-mail address.") from error
        try:
            self.stdout.write(make_login_link(email))
        except InactiveAccountError as error:
            raise CommandError(str(error)) from error
