"""Seeds of authenticator apps and recovery codes are stored encrypted from now on; what is there is encrypted."""

from typing import Any

from django.db import migrations

from papers.models.encrypted import renewed


def encrypt_factors(apps: Any, schema_editor: Any) -> None:
    for factor in apps.get_model("mfa", "Authenticator").objects.exclude(type="webauthn").iterator():
        data = dict(factor.data)
        for name in ("secret", "seed"):
            if isinstance(data.get(name), str):
                data[name] = renewed(data[name]) or data[name]
        if isinstance(data.get("migrated_codes"), list):
            data["migrated_codes"] = [renewed(code) or code for code in data["migrated_codes"]]
        if data != factor.data:
            factor.data = data
            factor.save(update_fields=["data"])


class Migration(migrations.Migration):
    dependencies = [
        ("papers", "0004_attempts_and_mail_allowances"),
        ("mfa", "0003_authenticator_type_uniq"),
    ]

    operations = [migrations.RunPython(encrypt_factors, migrations.RunPython.noop)]
