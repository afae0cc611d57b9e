"""Answers read from a folder of recorded ones, in place of made-up ones.

The folder may hold: `hf_daily_papers_raw/<day>.json`, `arxiv_api_recorded/*.json` (url, status_code, body),
`arxiv_rss/*.xml`, `hf_rss_feeds/<name>.xml`, and OAI answers (`<OAI-PMH`) and single records in any `oai_…` folder.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from tests.support.fake_upstream.answer import Answer

_FIRST_RECORD = re.compile(r"<record>.*?</record>", re.DOTALL)
_NOT_HERE = Answer("Nothing of this is recorded.\n", "text/plain; charset=utf-8", status=404)


class RecordedAnswers:
    """The answers of one folder. Each request reads its file again, so that a file may be changed meanwhile."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def answer(self, path: str, params: Mapping[str, str]) -> Answer:
        """What was recorded for a request; 404 where nothing was."""
        if path == "/api/query":
            return self._api(params)
        if path == "/api/daily_papers":
            return self._file(f"hf_daily_papers_raw/{params.get('date', 'none')}.json", "application/json")
        if path == "/oai":
            return self._oai(params)
        if path.startswith(("/rss/", "/atom/")):
            found = sorted(self._folder.glob("arxiv_rss/*.xml"))
            return Answer(found[0].read_bytes(), "application/xml") if found else _NOT_HERE
        if path.startswith("/feeds/"):
            return self._file(f"hf_rss_feeds/{Path(path).name}.xml", "application/rss+xml")
        return _NOT_HERE

    def _file(self, name: str, content_type: str) -> Answer:
        path = self._folder / name
        return Answer(path.read_bytes(), f"{content_type}; charset=utf-8") if path.is_file() else _NOT_HERE

    def _api(self, params: Mapping[str, str]) -> Answer:
        wanted = {name: params.get(name, "") for name in ("search_query", "id_list")}
        wanted |= {"start": params.get("start", "0"), "max_results": params.get("max_results", "10")}
        best: Answer | None = None
        for path in sorted(self._folder.glob("arxiv_api_recorded/*.json")):
            kept = json.loads(path.read_text(encoding="utf-8"))
            asked = {name: values[0] for name, values in parse_qs(urlsplit(kept["url"]).query).items()}
            if any(asked.get(name, "") != wanted[name] for name in ("search_query", "id_list")):
                continue
            answer = Answer(kept["body"], "application/atom+xml; charset=utf-8", status=kept["status_code"])
            if all(asked.get(name) == wanted[name] for name in ("start", "max_results")):
                return answer
            best = best or answer
        return best or _NOT_HERE

    def _oai(self, params: Mapping[str, str]) -> Answer:
        """A whole recorded list for ListRecords; for GetRecord the record with that identifier, wherever it is."""
        identifier = params.get("identifier", "")
        for path in sorted(self._folder.glob("oai_arxiv_*/*")):
            text = path.read_text(encoding="utf-8", errors="replace")
            if params.get("verb") == "ListRecords" and f'metadataPrefix="{params.get("metadataPrefix")}"' in text:
                if "<ListRecords>" in text:
                    return Answer(text)
            elif params.get("verb") == "GetRecord" and f"<identifier>{identifier}</identifier>" in text:
                records = [record for record in _FIRST_RECORD.findall(text) if f">{identifier}<" in record]
                if records:
                    return Answer(_envelope(f"<GetRecord>{records[0]}</GetRecord>"))
        code = "noRecordsMatch" if params.get("verb") == "ListRecords" else "idDoesNotExist"
        return Answer(_envelope(f'<error code="{code}"/>'))


def _envelope(content: str) -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/">'
        f"<responseDate>2026-11-20T23:40:00Z</responseDate><request>http://oaipmh.arxiv.org/oai</request>{content}"
        "</OAI-PMH>\n"
    )
