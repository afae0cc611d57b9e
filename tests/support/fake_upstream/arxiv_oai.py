"""The shape of oaipmh.arxiv.org/oai: OAI-PMH with arXiv's formats, its errors and its resumption tokens."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, timedelta
from urllib.parse import parse_qsl, urlencode

from tests.support.fake_upstream.answer import Answer, Known, UpstreamState, apply_faults, escape
from tests.support.fake_upstream.behaviour import Behaviour

EARLIEST = date(2005, 9, 16)
_PHYSICS = ("astro-ph", "cond-mat", "gr-qc", "hep-ex", "hep-lat", "hep-ph", "hep-th", "math-ph", "nucl-th", "quant-ph")
_NAMESPACE = "http://www.openarchives.org/OAI/2.0/"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_ARGUMENTS = {
    "Identify": set[str](),
    "ListMetadataFormats": {"identifier"},
    "ListSets": {"resumptionToken"},
    "GetRecord": {"identifier", "metadataPrefix"},
    "ListIdentifiers": {"metadataPrefix", "set", "from", "until", "resumptionToken"},
    "ListRecords": {"metadataPrefix", "set", "from", "until", "resumptionToken"},
}


class OaiError(Exception):
    """An error that OAI-PMH names; it is answered with status 200."""

    def __init__(self, code: str, text: str = "") -> None:
        super().__init__(text)
        self.code = code


def answer(state: UpstreamState, pairs: list[tuple[str, str]], behaviour: Behaviour) -> Answer:
    """Answer one request; `pairs` are its parameters as they came, because a repeated one is an error."""
    params = dict(pairs)
    verb = params.get("verb", "")
    try:
        if behaviour.error is not None:
            raise OaiError(behaviour.error, "as the script says")
        if len(params) != len(pairs):
            raise OaiError("badArgument", "an argument is repeated")
        if verb not in _ARGUMENTS:
            raise OaiError("badVerb", "Illegal verb")
        if unknown := set(params) - _ARGUMENTS[verb] - {"verb"}:
            raise OaiError("badArgument", f"{unknown.pop()} is no argument of {verb}")
        content = f"<{verb}>\n{_VERBS[verb](state, params, behaviour)}</{verb}>\n"
        attributes = "".join(f' {name}="{escape(value, {chr(34): "&quot;"})}"' for name, value in params.items())
    except OaiError as error:
        content, attributes = f'<error code="{error.code}">{escape(str(error))}</error>\n', ""
    return Answer(
        f'<?xml version="1.0" encoding="UTF-8"?>\n<OAI-PMH xmlns="{_NAMESPACE}" xmlns:xsi="{_XSI}">\n'
        f"<responseDate>{state.today}T23:40:00Z</responseDate>\n"
        f"<request{attributes}>http://oaipmh.arxiv.org/oai</request>\n{content}</OAI-PMH>\n"
    )


def set_specs(categories: tuple[str, ...]) -> list[str]:
    """cs.LG → cs:cs:LG, hep-th → physics:hep-th."""
    specs = []
    for category in categories:
        archive, _, name = category.partition(".")
        group = "physics" if archive in _PHYSICS else archive
        specs.append(f"{group}:{archive}:{name}" if name else f"{group}:{archive}")
    return specs


def _identify(state: UpstreamState, params: Mapping[str, str], behaviour: Behaviour) -> str:
    return (
        "<repositoryName>arXiv</repositoryName>\n<baseURL>http://oaipmh.arxiv.org/oai</baseURL>\n"
        "<protocolVersion>2.0</protocolVersion>\n<adminEmail>help@example.org</adminEmail>\n"
        f"<earliestDatestamp>{EARLIEST}</earliestDatestamp>\n<deletedRecord>persistent</deletedRecord>\n"
        "<granularity>YYYY-MM-DD</granularity>\n"
    )


def _list_formats(state: UpstreamState, params: Mapping[str, str], behaviour: Behaviour) -> str:
    return "".join(
        f"<metadataFormat><metadataPrefix>{prefix}</metadataPrefix><schema>http://arxiv.org/OAI/{prefix}.xsd</schema>"
        f"<metadataNamespace>http://arxiv.org/OAI/{prefix}/</metadataNamespace></metadataFormat>\n"
        for prefix in FORMATS
    )


def _list_sets(state: UpstreamState, params: Mapping[str, str], behaviour: Behaviour) -> str:
    specs = {spec for paper, _ in state.catalogue.known(state.today) for spec in set_specs(paper.categories)}
    return "".join(f"<set><setSpec>{spec}</setSpec><setName>{spec}</setName></set>\n" for spec in sorted(specs))


def _get_record(state: UpstreamState, params: Mapping[str, str], behaviour: Behaviour) -> str:
    arxiv_id = params.get("identifier", "").removeprefix("oai:arXiv.org:")
    render = _format(params)
    for known in state.catalogue.known(state.today):
        if known[0].arxiv_id == arxiv_id:
            return _record(known, render, behaviour)
    raise OaiError("idDoesNotExist", f"{arxiv_id} is not known here")


def _list(state: UpstreamState, params: Mapping[str, str], behaviour: Behaviour) -> str:
    skip, query = 0, dict(params)
    if "resumptionToken" in params:
        query = dict(parse_qsl(params["resumptionToken"]))
        if len(params) != 2 or query.get("verb") != params["verb"] or not query.get("skip", "").isdigit():
            raise OaiError("badResumptionToken", "the token is invalid or has expired")
        skip = int(query["skip"])
    render = _format(query)
    found = _changed(state, query)
    if not found or behaviour.is_empty:
        raise OaiError("noRecordsMatch", "there are no records that match")
    end = skip + state.page_size
    page = [(known[0].arxiv_id, known) for known in found[skip:end]]
    only_headers = params["verb"] == "ListIdentifiers"
    records = "".join(
        _header(known) if only_headers else _record(known, render, behaviour)
        for known in apply_faults(page, replace(behaviour, repeat=0))
    )
    # Records that change during a harvest shift: the last ones of a page come again on the next.
    return records + _token(state, query, end - behaviour.repeat, len(found), is_first=skip == 0)


def _token(state: UpstreamState, query: Mapping[str, str], skip: int, count: int, *, is_first: bool) -> str:
    """Nothing where one answer holds all, else a token, on the last page an empty one."""
    if skip >= count:
        return "" if is_first else "<resumptionToken/>\n"
    token = escape(urlencode({**query, "skip": str(skip)}))
    return f'<resumptionToken expirationDate="{state.today + timedelta(days=1)}T00:00:00Z">{token}</resumptionToken>\n'


def _changed(state: UpstreamState, query: Mapping[str, str]) -> list[Known]:
    """The records of a set whose newest version is within from and until, oldest first."""
    low, high = _day(query.get("from", EARLIEST.isoformat())), _day(query.get("until", state.today.isoformat()))
    if not EARLIEST <= low <= high <= state.today:
        raise OaiError("badArgument", "from and until must be between the earliest date and today")
    wanted = query.get("set", "")
    found = [
        (paper, version)
        for paper, version in state.catalogue.known(state.today)
        if low <= version.announced_on <= high
        and any(f"{spec}:".startswith(f"{wanted}:") or not wanted for spec in set_specs(paper.categories))
    ]
    return sorted(found, key=lambda known: known[1].announced_on)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise OaiError("badArgument", f"{text} is no day of the form YYYY-MM-DD") from None


def _format(query: Mapping[str, str]) -> Callable[[Known], str]:
    if "metadataPrefix" not in query:
        raise OaiError("badArgument", "metadataPrefix is missing")
    if query["metadataPrefix"] not in FORMATS:
        raise OaiError("cannotDisseminateFormat", f"{query['metadataPrefix']} is no format here")
    return FORMATS[query["metadataPrefix"]]


def _record(known: Known, render: Callable[[Known], str], behaviour: Behaviour) -> str:
    if known[0].arxiv_id in behaviour.spoil_ids:
        metadata = f"<arXivRaw xmlns='http://arxiv.org/OAI/arXivRaw/'><id>{known[0].arxiv_id}</id></arXivRaw>"
    else:
        metadata = render(known)
    return f"<record>\n{_header(known)}<metadata>\n{metadata}\n</metadata>\n</record>\n"


def _header(known: Known) -> str:
    paper, version = known
    specs = "".join(f"<setSpec>{spec}</setSpec>" for spec in set_specs(paper.categories))
    return (
        f"<header><identifier>oai:arXiv.org:{paper.arxiv_id}</identifier>"
        f"<datestamp>{version.announced_on}</datestamp>{specs}</header>\n"
    )


def _elements(**values: str) -> str:
    """report_no="X" → <report-no>X</report-no>; nothing for an empty value."""
    tags = ((name.replace("_", "-"), value) for name, value in values.items() if value)
    return "".join(f"<{tag}>{escape(value)}</{tag}>" for tag, value in tags)


def _arxiv(known: Known) -> str:
    paper, version = known
    authors = "".join(
        f"<author>{_elements(keyname=name.rpartition(' ')[2], forenames=name.rpartition(' ')[0])}</author>"
        for name in paper.authors
    )
    updated = version.released_at.date().isoformat() if version.number > 1 else ""
    before = _elements(id=paper.arxiv_id, created=paper.versions[0].released_at.date().isoformat(), updated=updated)
    return f'<arXiv xmlns="http://arxiv.org/OAI/arXiv/">{before}<authors>{authors}</authors>{_rest(known)}</arXiv>'


def _arxiv_raw(known: Known) -> str:
    paper, newest = known
    versions = "".join(
        f'<version version="v{version.number}">'
        + _elements(
            date=f"{version.released_at:%a, %d %b %Y %H:%M:%S} GMT",
            size="120kb",
        )
        + f"<source_type>{'I' if version.is_withdrawal else 'D'}</source_type></version>\n"
        for version in paper.versions
        if version.number <= newest.number
    )
    before = _elements(id=paper.arxiv_id, submitter=paper.authors[0] if paper.authors else "")
    authors = _elements(authors=", ".join(paper.authors))
    return f'<arXivRaw xmlns="http://arxiv.org/OAI/arXivRaw/">{before}\n{versions}{_rest(known, authors)}</arXivRaw>'


def _rest(known: Known, authors: str = "") -> str:
    """What arXiv and arXivRaw have in common, in their order."""
    paper, version = known
    return (
        _elements(title=version.title)
        + authors
        + _elements(
            categories=" ".join(paper.categories),
            comments="This paper has been withdrawn" if version.is_withdrawal else paper.comment,
            journal_ref=paper.journal_ref,
            doi=paper.doi,
            license=paper.license,
            abstract=f"  {paper.abstract}\n",
        )
    )


def _oai_dc(known: Known) -> str:
    paper, version = known
    creators = "".join(
        f"<dc:creator>{escape(name.rpartition(' ')[2])}, {escape(name.rpartition(' ')[0])}</dc:creator>"
        for name in paper.authors
    )
    return (
        '<oai_dc:dc xmlns:oai_dc="http://www.openarchives.org/OAI/2.0/oai_dc/" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f"<dc:title>{escape(version.title)}</dc:title>{creators}"
        f"<dc:description>{escape(paper.abstract)}</dc:description><dc:date>{version.released_at.date()}</dc:date>"
        f"<dc:identifier>http://arxiv.org/abs/{paper.arxiv_id}</dc:identifier></oai_dc:dc>"
    )


FORMATS: Mapping[str, Callable[[Known], str]] = {"arXiv": _arxiv, "arXivRaw": _arxiv_raw, "oai_dc": _oai_dc}
_VERBS: Mapping[str, Callable[[UpstreamState, Mapping[str, str], Behaviour], str]] = {
    "Identify": _identify,
    "ListMetadataFormats": _list_formats,
    "ListSets": _list_sets,
    "GetRecord": _get_record,
    "ListIdentifiers": _list,
    "ListRecords": _list,
}
