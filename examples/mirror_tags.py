"""Mirror your tags into a folder: a Markdown file a tag, with its papers, the last tagged first.

    SITE=https://papers.example.org TOKEN=bsh_… python examples/mirror_tags.py ~/papers

Files of tags that are gone are deleted, other files are left alone. The token needs the scope read.
"""

from __future__ import annotations

import sys
from pathlib import Path

from broadsheet import Broadsheet

_MARK = "<!-- mirrored from Broadsheet -->\n"


def main(folder: Path) -> None:
    site = Broadsheet()
    folder.mkdir(parents=True, exist_ok=True)
    written = set()
    for tag in site.ask("GET", "/tags")["items"]:
        if not tag["is_own"]:
            continue
        lines = [f"# {tag['name']}\n", _MARK]
        for paper in site.every(f"/tags/{tag['owner']}/{tag['name']}/papers"):
            authors = ", ".join(author["name"] for author in paper["authors"][:3])
            lines.append(f"- [{paper['title']}]({paper['url']}), {authors}\n")
        path = folder / f"{tag['name']}.md"
        path.write_text("\n".join(lines), encoding="utf-8")
        written.add(path)
    for path in folder.glob("*.md"):
        if path not in written and _MARK in path.read_text(encoding="utf-8"):
            path.unlink()
    print(f"{len(written)} tags in {folder}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "."))
