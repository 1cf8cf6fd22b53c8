"""Rewrites protos for Debian's protoc-c without changing a byte on the wire.

`optional T x` becomes a oneof with one member, `string` becomes `bytes`, a map becomes a repeated
entry message; maps of text to the message M share one, `MEntry`, declared behind M. Fields that are bytes in the public form are marked deprecated in the copy, so that
the code generator can tell them from text.
"""

import pathlib
import re
import sys

FIELD = re.compile(r"^(\s*)(optional |repeated )?([\w.]+) (\w+) = (\d+)( \[.*\])?;$")
MAP = re.compile(r"^(\s*)map<(\w+), ?([\w.]+)> (\w+) = (\d+);$")


def camel(name):
    return "".join(part.capitalize() for part in name.split("_"))


def rewrite_line(line, messages):
    entry = MAP.match(line)
    if entry and entry.group(3) in messages:
        indent, _, value, name, number = entry.groups()
        return [f"{indent}repeated {value}Entry {name} = {number};"]
    if entry:
        indent, key, value, name, number = entry.groups()
        key = "bytes" if key == "string" else key
        value = "bytes" if value == "string" else value
        kind = camel(name) + "Entry"
        return [
            f"{indent}message {kind} {{ {key} key = 1; {value} value = 2; }}",
            f"{indent}repeated {kind} {name} = {number};",
        ]
    field = FIELD.match(line)
    if not field or field.group(3) in ("option", "package", "reserved"):
        return [line]
    indent, label, kind, name, number, options = field.groups()
    if kind == "bytes":
        options = " [deprecated = true]"
    if kind == "string":
        kind = "bytes"
    body = f"{kind} {name} = {number}{options or ''};"
    if label == "optional ":
        return [f"{indent}oneof _{name} {{ {body} }}"]
    return [f"{indent}{label or ''}{body}"]


def map_messages(texts):
    """The messages that are values of maps with text keys."""
    entries = (MAP.match(line) for text in texts for line in text.splitlines())
    return {entry.group(3) for entry in entries if entry and entry.group(3)[0].isupper()}


def main():
    source, target = map(pathlib.Path, sys.argv[1:3])
    messages = map_messages((source / name).read_text() for name in sys.argv[3:])
    for name in sys.argv[3:]:
        lines = []
        in_comment = False
        ending = None
        for line in (source / name).read_text().splitlines():
            if "/*" in line:
                in_comment = True
            if in_comment or line.lstrip().startswith("//"):
                in_comment = in_comment and "*/" not in line
                continue
            # Services are read from the public form; protoc-c knows no streams.
            lines += rewrite_line(line, messages)
            opened = re.match(r"^message (\w+) {$", line)
            if opened:
                ending = opened.group(1)
            if line == "}" and ending in messages:
                entry = f"message {ending}Entry {{ bytes key = 1; {ending} value = 2; }}"
                lines.append(entry)
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        (target / name).write_text("\n".join(lines) + "\n")


main()
