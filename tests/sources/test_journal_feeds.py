"""Feeds of journals, each publisher's in the shape of its own: the names and words in them are ours."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from papers.services.ingest.clean_record import CleanPaper, clean_record
from papers.sources.feed import parse_feed_entries
from papers.sources.journal_entries import journal_of_channel, read_day

URL = "https://feeds.example/journal.xml"
NAMESPACES = (
    'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:dc="http://purl.org/dc/elements/1.1/" '
    'xmlns:prism="http://prismstandard.org/namespaces/basic/2.0/" xmlns:content="http://purl.org/rss/1.0/modules/content/"'
)
DAY = datetime(2026, 11, 20, tzinfo=UTC)


def rss(item: str, channel: str = "<title>T</title>") -> CleanPaper:
    body = f'<rss version="2.0" {NAMESPACES}><channel>{channel}<item>{item}</item></channel></rss>'
    return clean_record(parse_feed_entries(body.encode(), url=URL).papers[0])


def rdf(item: str, channel: str = "<title>T</title>") -> CleanPaper:
    body = (
        f'<rdf:RDF {NAMESPACES} xmlns="http://purl.org/rss/1.0/"><channel rdf:about="a">{channel}</channel>'
        f'<item rdf:about="https://x.example/a">{item}</item></rdf:RDF>'
    )
    return clean_record(parse_feed_entries(body.encode(), url=URL).papers[0])


def names(paper: CleanPaper) -> list[str]:
    return [author["name"] for author in paper.authors or ()]


def said(paper: CleanPaper) -> tuple[str | None, list[str], str | None, datetime | None, str | None]:
    """Its DOI, authors, journal, date and abstract."""
    return (
        paper.claim[1] if paper.claim else None,
        names(paper),
        paper.journal_ref,
        paper.published_at,
        paper.abstract,
    )


def test_biorxiv() -> None:
    paper = rdf(
        "<title><![CDATA[\nA kelp gene\n]]></title><link>http://biorxiv.org/cgi/content/short/2026.11.20.654321v1?rss=1</link>"
        "<description><![CDATA[We find it.]]></description><dc:title>A kelp gene</dc:title>"
        "<dc:creator><![CDATA[ Holm, C., Ruiz-Lopez, B. C., van den Berg, A., Li, X. ]]></dc:creator>"
        "<dc:date>2026-11-20</dc:date><dc:identifier>doi:10.1101/2026.11.20.654321</dc:identifier>",
        "<title>bioRxiv Subject Collection: Neuroscience</title>",
    )
    authors = ["C. Holm", "B. C. Ruiz-Lopez", "A. van den Berg", "X. Li"]
    assert said(paper) == ("10.1101/2026.11.20.654321", authors, None, DAY, "We find it.")


def test_nature() -> None:
    paper = rdf(
        "<title><![CDATA[Ice of H<sub>3</sub>S]]></title><link>https://www.nature.com/articles/s41586-026-1</link>"
        "<content:encoded><![CDATA[<p>Nature, Published online: 20 November 2026; "
        '<a href="https://www.nature.com/articles/s41586-026-1">doi:10.5555/s41586-026-1</a></p>We freeze'
        " H<sub>3</sub>S."
        "]]></content:encoded><dc:title>Ice of H3S</dc:title><dc:creator>Ada Holm</dc:creator>"
        "<dc:creator>李雷</dc:creator>"
        "<dc:identifier>doi:10.5555/s41586-026-1</dc:identifier><dc:date>2026-11-20</dc:date>"
        "<dc:source>Nature, Published online: 2026-11-20; | doi:10.5555/s41586-026-1</dc:source>"
        "<prism:publicationName>Nature</prism:publicationName><prism:doi>10.5555/s41586-026-1</prism:doi>",
    )
    assert paper.title == "Ice of H₃S"
    assert said(paper) == ("10.5555/s41586-026-1", ["Ada Holm", "李雷"], "Nature (2026)", DAY, "We freeze H₃S.")


def test_science() -> None:
    paper = rss(
        "<title>Ice and air</title><link>https://www.science.org/doi/abs/10.5555/science.adx1?af=R</link>"
        "<description>Science, Volume 390, Issue 6776, Page 12-20, November 2026.</description>"
        "<dc:title>Ice and air</dc:title><dc:identifier>doi:10.5555/science.adx1</dc:identifier>"
        "<dc:creator>Ada Holm, Berta Ruiz, Xin Li</dc:creator><dc:date>2026-11-20T07:00:00Z</dc:date>"
        "<prism:publicationName>Science</prism:publicationName><prism:volume>390</prism:volume>"
        "<prism:number>6776</prism:number><prism:startingPage>12</prism:startingPage><prism:endingPage>20</prism:endingPage>",
        "<title>AAAS: Science: Table of Contents</title>",
    )
    authors = ["Ada Holm", "Berta Ruiz", "Xin Li"]
    day = datetime(2026, 11, 20, 7, tzinfo=UTC)
    assert said(paper) == ("10.5555/science.adx1", authors, "Science 390(6776), 12-20 (2026)", day, None)


def test_aps() -> None:
    words = "Author(s): A. Holm, B. Ruiz, and C. Li (Tidal Collaboration)"
    html = f"&lt;p&gt;{words}&lt;/p&gt;&lt;p&gt;We wait.&lt;/p&gt;&lt;br/&gt;"
    html += "[Phys. Rev. Tides 7, 21] Published Fri Nov 20, 2026"
    paper = rdf(
        f"<title>Bounds on $B_s$</title><link>http://link.aps.org/doi/10.5555/abcd-1</link><description>{html}</description>"
        f"<dc:creator>{words[11:]}</dc:creator><dc:date>2026-11-20</dc:date>"
        "<dc:source>Phys. Rev. Tides 7, 21</dc:source>"
        "<dc:identifier>doi:10.5555/abcd-1</dc:identifier>",
        "<title>Recent Articles in Phys. Rev. Tides</title>",
    )
    authors = ["A. Holm", "B. Ruiz", "C. Li", "Tidal Collaboration"]
    assert said(paper) == ("10.5555/abcd-1", authors, "Phys. Rev. Tides 7, 21", DAY, "We wait.")


def test_plos() -> None:
    body = (
        '<feed xmlns="http://www.w3.org/2005/Atom"><title>PLOS TIDES</title><id>https://journals.example/</id><entry>'
        "<title>Sleep in &lt;i&gt;Drosophila&lt;/i&gt;</title><id>10.5555/journal.1</id>"
        '<link href="https://journals.example/article?id=10.5555/journal.1"/><author><name>Ada Holm</name></author>'
        "<author><name>Bo Li</name></author><published>2026-11-20T00:00:00Z</published>"
        '<content type="html">&lt;p&gt;by Ada Holm, Bo Li&lt;/p&gt;\nFlies sleep.</content></entry></feed>'
    )
    paper = clean_record(parse_feed_entries(body.encode(), url=URL).papers[0])
    assert paper.title == "Sleep in Drosophila"
    assert said(paper) == ("10.5555/journal.1", ["Ada Holm", "Bo Li"], "PLOS TIDES (2026)", DAY, "Flies sleep.")


def test_wiley() -> None:
    paper = rss(
        "<title>Bees</title><link>https://esa.onlinelibrary.wiley.com/doi/10.5555/ecy.1?af=R</link>"
        '<guid isPermaLink="false">10.5555/ecy.1</guid>'
        "<description>Ecology, Volume 107, Issue 12, December 2026.</description>"
        "<dc:description>\nAbstract\nBees were seen.\n</dc:description><content:encoded>&lt;h2&gt;Abstract&lt;/h2&gt;"
        "&lt;p&gt;Bees were seen.&lt;/p&gt;</content:encoded><dc:creator>\nAda Holm, \nCarla de la Cruz\n</dc:creator>"
        "<pubDate>Fri, 20 Nov 2026 00:00:00 GMT</pubDate>",
        "<title>Wiley: Ecology: Table of Contents</title>",
    )
    assert said(paper) == (
        "10.5555/ecy.1",
        ["Ada Holm", "Carla de la Cruz"],
        "Ecology 107(12) (2026)",
        DAY,
        "Bees were seen.",
    )


def test_elsevier() -> None:
    paper = rss(
        "<title><![CDATA[Ice cells]]></title><link>https://www.sciencedirect.com/science/article/pii/S1?dgcid=rss_sd_all</link>"
        "<description><![CDATA[<p>Publication date: Available online 20 November 2026</p><p><b>Source:</b> Ice Cell</p>"
        "<p>Author(s): Ada Holm, Bo Li, Carla Ruiz</p>]]></description>",
        "<title>ScienceDirect Publication: Ice Cell</title>",
    )
    assert said(paper) == (None, ["Ada Holm", "Bo Li", "Carla Ruiz"], "Ice Cell (2026)", DAY, None)


def test_acs() -> None:
    paper = rss(
        "<title>[ASAP] Ice of CO&lt;sub&gt;2&lt;/sub&gt;</title><link>http://dx.doi.org/10.5555/jacs.1</link>"
        '<description><![CDATA[<p><img alt="TOC Graphic" src="https://a.example/1.gif"/></p>'
        "<div><cite>Journal of the Ice Society</cite></div><div>DOI: 10.5555/jacs.1</div>]]></description>"
        "<author>Ada Holm, Bo Li, and Carla Ruiz</author><pubDate>Fri, 20 Nov 2026 00:00:00 GMT</pubDate>",
        "<title>Journal of the Ice Society: Latest Articles (ACS Publications)</title>",
    )
    assert paper.title == "Ice of CO₂"
    authors = ["Ada Holm", "Bo Li", "Carla Ruiz"]
    assert said(paper) == ("10.5555/jacs.1", authors, "Journal of the Ice Society (2026)", DAY, None)


def test_ieee() -> None:
    paper = rss(
        "<title>Fast Depth</title><link>http://ieeexplore.ieee.org/document/1</link>"
        "<description>Depth is fast.</description>"
        "<authors>Ada Holm;Bo Li;María García</authors><pubDate>FRI, 20 NOV 2026 00:00:00 -0000</pubDate>"
        "<volume>48</volume><issue>2</issue><startPage>12</startPage><endPage>20</endPage><arnumber>1</arnumber>",
        "<title>IEEE Transactions on Ice - new TOC</title>",
    )
    authors = ["Ada Holm", "Bo Li", "María García"]
    assert said(paper) == (None, authors, "IEEE Transactions on Ice 48(2), 12-20 (2026)", DAY, "Depth is fast.")


def test_oup() -> None:
    paper = rss(
        "<title>Ice alignments</title><link>https://academic.example/article/1?rss=1</link>"
        '<description>&lt;span class="paragraphSection"&gt;&lt;div class="boxTitle"&gt;Abstract&lt;/div&gt;'
        "&lt;strong&gt;Motivation:&lt;/strong&gt; Ice is cold.&lt;/span&gt;</description>"
        "<prism:volume>42</prism:volume><prism:number>11</prism:number><prism:startingPage>btx1</prism:startingPage>"
        "<prism:publicationName>Ice Informatics</prism:publicationName><dc:identifier>doi:10.5555/btx1</dc:identifier>"
        "<pubDate>Fri, 20 Nov 2026 00:00:00 GMT</pubDate>",
        "<title>Ice Informatics Current Issue</title>",
    )
    assert said(paper) == ("10.5555/btx1", [], "Ice Informatics 42(11), btx1 (2026)", DAY, "Motivation: Ice is cold.")


def test_springer() -> None:
    paper = rss(
        "<title>Ice machines</title><link>http://link.springer.com/10.5555/s10994-026-1</link>"
        "<description>&lt;h3&gt;Abstract&lt;/h3&gt;&lt;p&gt;Machines learn ice.&lt;/p&gt;</description>"
        "<guid>http://link.springer.com/10.5555/s10994-026-1</guid><pubDate>2026-11-20</pubDate>",
        "<title>Latest Results for Machine Ice</title>",
    )
    assert said(paper) == ("10.5555/s10994-026-1", [], "Machine Ice (2026)", DAY, "Machines learn ice.")


def test_jmlr() -> None:
    paper = rss(
        "<title>Learning to rank ice</title><link>/papers/v27/26-1.html</link>"
        "<description>Ada Holm, Bo Li; 27(1):1-35, 2026.</description>",
        "<title>JMLR</title><link>http://www.jmlr.org</link>",
    )
    assert said(paper) == (None, ["Ada Holm", "Bo Li"], "JMLR 27(1), 1-35 (2026)", None, None)


@pytest.mark.parametrize("ids", [("pmid:39000001", "doi:10.5555/t.1"), ("doi:10.5555/t.1", "pmid:39000001")])
def test_pubmed(ids: tuple[str, str]) -> None:
    paper = rss(
        "<title>Tides</title><link>https://pubmed.ncbi.nlm.nih.gov/39000001/?utm_source=x</link>"
        '<guid isPermaLink="false">'
        "pubmed:39000001</guid><description>ABSTRACT: We wait.</description><content:encoded><![CDATA[<div>"
        '<p style="color: #4aa564;">J Tides. 2026 Nov 20:1-9. doi: 10.5555/t.1. Online ahead of print.</p>'
        "<p><b>ABSTRACT</b></p><p>We wait for tides.</p><p>They come.</p><p>PMID:"
        '<a href="https://pubmed.ncbi.nlm.nih.gov/39000001/">39000001</a> | DOI:<a href="https://doi.org/10.5555/t.1">'
        "10.5555/t.1</a></p></div>]]></content:encoded><pubDate>Fri, 20 Nov 2026 00:00:00 GMT</pubDate>"
        "<dc:creator>Ada Holm</dc:creator><dc:creator>Bo Li</dc:creator><dc:date>2026-11-20</dc:date>"
        f"<dc:source>J Tides</dc:source><dc:identifier>{ids[0]}</dc:identifier><dc:identifier>{ids[1]}</dc:identifier>",
        "<title>tides: search results</title>",
    )
    abstract = "We wait for tides.\n\nThey come."
    assert said(paper) == ("10.5555/t.1", ["Ada Holm", "Bo Li"], "J Tides (2026)", DAY, abstract)


def test_a_blog_has_no_journal_and_loses_only_what_its_program_adds() -> None:
    paper = rss(
        "<title>Why we wait</title><link>https://blog.example/1</link><dc:creator>Holm, Chiara</dc:creator>"
        "<dc:source>https://blog.example/2026</dc:source>"
        "<description>&lt;p&gt;by the sea, we wait.&lt;/p&gt;&lt;p&gt;Volume 2 is out.&lt;/p&gt;"
        "&lt;p&gt;The post Why we wait appeared first on Tides.&lt;/p&gt;</description>",
        "<title>Tides</title>",
    )
    assert said(paper) == (None, ["Chiara Holm"], None, None, "by the sea, we wait.\n\nVolume 2 is out.")


@pytest.mark.parametrize(
    ("author", "found"),
    [
        ("office@tides.science (Chiara Holm)", ["Chiara Holm"]),
        ("office@tides.example (Chiara Holm)", ["Chiara Holm"]),
        ("Chiara Holm &lt;office@tides.museum&gt;", ["Chiara Holm"]),
        ("Chiara Holm (office@tides.museum)", ["Chiara Holm"]),
        ("mailto:office@tides.museum (Holm, Chiara)", ["Chiara Holm"]),
        ("office@tides.museum", []),
        ("Holm, Chiara; Ruiz, Berta C.; Li, Xin", ["Chiara Holm", "Berta C. Ruiz", "Xin Li"]),
        ("Chiara Holm, PhD", ["Chiara Holm"]),
    ],
)
def test_authors_with_addresses(author: str, found: list[str]) -> None:
    for element in ("author", "dc:creator"):
        assert names(rss(f"<title>T</title><link>https://x.example/1</link><{element}>{author}</{element}>")) == found


@pytest.mark.parametrize(
    "name", ["authors", "tags", "links", "contributors", "title_detail", "published_parsed", "enclosures"]
)
def test_an_element_with_a_name_of_the_reader_s_own_takes_no_entry_with_it(name: str) -> None:
    odd = f"<item><title>Odd</title><{name}>a, b</{name}><category>c</category><author>Ada</author></item>"
    body = f"<rss version='2.0'><channel><title>T</title><item><title>Good</title></item>{odd}</channel></rss>"
    found = parse_feed_entries(body.encode(), url=URL)
    assert [paper.title for paper in found.papers] == ["Good", "Odd"]


@pytest.mark.parametrize(
    ("title", "journal"),
    [
        ("Wiley: Ecology: Table of Contents", "Ecology"),
        ("ScienceDirect Publication: Cell", "Cell"),
        ("Bioinformatics Advance Access", "Bioinformatics"),
        ("Nano Letters: Latest Articles (ACS Publications)", "Nano Letters"),
        ("Recent Articles in Phys. Rev. Lett.", "Phys. Rev. Lett."),
        ("medRxiv Subject Collection: Cardiology", ""),
        ("PLOS ONE", "PLOS ONE"),
    ],
)
def test_a_feed_s_title_names_its_journal(title: str, journal: str) -> None:
    assert journal_of_channel(title) == journal


@pytest.mark.parametrize(
    "text", ["2026-11-20", "20 November 2026", "20 Nov 2026", "November 20, 2026", "Fri, 20 Nov 2026 00:00:00 GMT"]
)
def test_days_of_publishers(text: str) -> None:
    assert read_day(text) == DAY


@pytest.mark.parametrize("text", ["", "March 2026", "2026", "soon", "32 November 2026", "9" * 200])
def test_what_is_no_day(text: str) -> None:
    assert read_day(text) is None
