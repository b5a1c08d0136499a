# SPDX-License-Identifier: GPL-2.0-only
"""Tables as text for a terminal of 100 columns, and as Markdown."""
import textwrap

WIDTH = 100


def table_lines(section):
    widths = [max(len(row[column]) for row in [section.headers, *section.rows])
              for column in range(len(section.headers))]
    for row in [section.headers, *section.rows]:
        # Words to the left, figures to the right.
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
        yield "  ".join(cells).rstrip()


def wide_lines(section):
    """Where the last column is a sentence."""
    for row in section.rows:
        yield from textwrap.wrap(f"{row[0]}, {row[1]} rules: {row[2]}", WIDTH, subsequent_indent="  ")


def text(sections):
    lines = []
    for section in sections:
        lines += ["", section.title.upper()]
        lines += textwrap.wrap(section.note, WIDTH)
        lines += wide_lines(section) if section.headers[-1] in ("why", "what") else table_lines(section)
    return "\n".join(lines) + "\n"


def markdown_row(cells):
    return "| " + " | ".join(cell.strip().replace("|", "\\|") for cell in cells) + " |"


def markdown(sections):
    lines = []
    for section in sections:
        lines += ["", f"## {section.title}", ""]
        if section.note:
            lines += [section.note, ""]
        lines += [markdown_row(section.headers), "|---" + "|---:" * (len(section.headers) - 1) + "|"]
        lines += [markdown_row(row) for row in section.rows]
    return "\n".join(lines) + "\n"
