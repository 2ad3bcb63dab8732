"""Writes one measurement's section of docs/performance.md and leaves the others as they are."""

SECTIONS = [("host", "Watching a host"), ("series", "The series engine"),
            ("queries", "Queries over a day"), ("samples", "What a sample costs")]
OPENING = "# Performance\n\nMeasured, not promised: each section says which script wrote it and how to repeat it.\n"


def write_section(page, key, text):
    old = page.read_text() if page.exists() else ""
    parts = [OPENING]
    for name, title in SECTIONS:
        begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
        if name == key:
            body = text.strip()
        elif begin in old and end in old:
            body = old.split(begin, 1)[1].split(end, 1)[0].strip().split("\n", 2)[2].strip()
        else:
            continue
        parts.append(f"{begin}\n## {title}\n\n{body}\n{end}\n")
    page.write_text("\n".join(parts))
