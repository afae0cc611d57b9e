"""The walls between packages stand: what `lint-imports` is asked to refuse, it refuses."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.meta.source_files import ROOT, source_files

PLANTED = [
    # module that gets the import, what it imports
    ("papers.models.reading", "papers.services.reading.votes"),
    ("papers.models.paper", "config.settings"),
    ("papers.sources.feed", "papers.services.fetching.fetch_runner"),
    ("papers.sources.registry", "papers.models"),
    ("papers.outbound.client", "papers.sources.base"),
    ("papers.services.reading.votes", "papers.forms"),
    ("papers.services.reading.tags", "papers.views.tags"),
    ("papers.services.search.bm25", "papers.web.paging"),
    ("papers.services.topics.matcher", "papers.tasks"),
    ("papers.services.accounts.people", "papers.accounts.adapters"),
    ("papers.services.lists.rows", "digests.models"),
    ("papers.web.cards", "papers.views.paper"),
    ("papers.forms.curation", "papers.views.curation_desk"),
    ("papers.hooks", "papers.services.reading.votes"),
    ("papers.enqueue", "papers.services.reading.votes"),
    ("papers.text.cleaning", "papers.catalogue.identifiers"),
    ("papers.text.tex", "django.utils.html"),
    ("papers.query.parser", "papers.models"),
    ("papers.catalogue.links", "papers.query.parser"),
    ("papers.references.bibtex", "django.conf"),
    ("papers.citations.ris", "papers.models"),
    ("papers.ranking.terms", "papers.models"),
    ("papers.dates", "django.utils.timezone"),
    ("papers.retry", "papers.catalogue.links"),
    ("papers.isolation.calls", "papers.sources.base"),
    ("papers.isolation.server", "django.conf"),
    ("papers.services.fetching.completeness", "httpx"),
    ("papers.templatetags.broadsheet", "papers.tasks"),
    ("digests.models.delivery", "digests.services.sending"),
    ("digests.schedule", "digests.models"),
    ("digests.wire.smtp", "digests.content.rendering"),
    ("digests.wire.mime", "django.conf"),
    ("digests.wire.transports", "digests.services.sending"),
    ("digests.content.headers", "digests.views.outbox"),
    ("digests.content.messages", "digests.services.sending"),
    ("digests.services.sending", "digests.views.outbox"),
    ("digests.services.outbox", "digests.tasks"),
    ("digests.services.notices", "config.celery"),
]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What lint-imports says of a copy of the tree in which each of `PLANTED` stands."""
    copy = tmp_path_factory.mktemp("walls")
    shutil.copy(ROOT / "pyproject.toml", copy)
    for app in ("config", "digests", "papers"):
        for path in source_files(".py", under=app):
            target = copy / path.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
    for module, imported in PLANTED:
        path = path_of(copy, module)
        path.write_text(f"{path.read_text(encoding='utf-8') if path.exists() else ''}\nimport {imported}\n", "utf-8")
    (copy / "papers" / "nowhere.py").write_text('"""A module that no contract names."""\n', "utf-8")
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    ended = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)
    assert ended.returncode == 1, ended.stdout + ended.stderr
    return ended.stdout


def path_of(folder: Path, module: str) -> Path:
    path = folder.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


@pytest.mark.parametrize(("module", "imported"), PLANTED)
def test_a_planted_import_is_refused(report: str, module: str, imported: str) -> None:
    # The library tells an external import by the name of its distribution's package.
    imported = imported if imported.split(".")[0] in ("config", "digests", "papers") else imported.split(".")[0]
    assert any(f"{module} -> {imported}" in line for line in report.splitlines()), (module, imported)


def test_a_module_in_no_layer_is_refused(report: str) -> None:
    assert "papers.nowhere" in report
