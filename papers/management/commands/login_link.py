"""Print a one-time sign-in link."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_email

from papers.accounts.second_factor import reset_second_factor
from papers.models import User
from papers.models.email_fields import checked
from papers.services.accounts.login_links import InactiveAccountError, create_login_link


class Command(BaseCommand):
    help = "Print a one-time sign-in link for an account; an account that is not there is made. It works for 24 hours."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "email", nargs="?", default=settings.ADMIN_EMAIL, help="default: %(default)s, the administrator"
        )

        parser.add_argument(
            "--forget-second-factor",
            action="store_true",
            help="turn the account's second factor off: for a telephone that is lost, and its recovery codes too",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        email: str = options["email"]
        if email != settings.ADMIN_EMAIL:
            try:
                email = checked(email)
                validate_email(email)
            except ValidationError as error:
                raise CommandError(f"{email} is not an e-mail address. {' '.join(error.messages)}") from error
        try:
            link = create_login_link(email)
        except InactiveAccountError as error:
            raise CommandError(str(error)) from error
        if options["forget_second_factor"] and reset_second_factor(User.objects.get(email__iexact=email)):
            self.stdout.write("The second factor is off.")
        self.stdout.write(link)
