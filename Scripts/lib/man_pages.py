"""Writes the manual pages of a program from what it says of itself: `man_pages.py PROGRAM SECTION FOLDER`."""

import json
import pathlib
import subprocess
import sys


def escaped(text):
    """Text for a line of its own: no control line of troff, every hyphen a real one."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\n".join("\\&" + line if line[:1] in ".'" else line for line in text.split("\n"))


def names(argument):
    """As `-h, --help` or `<user>`, with the value that it takes."""
    if argument["kind"] == "positional":
        return f"<{argument['valueName']}>"
    spelt = ["-" * (1 if name["kind"] == "short" else 2) + name["name"]
             for name in argument.get("names", [])]
    value = f" <{argument['valueName']}>" if argument["kind"] == "option" else ""
    return ", ".join(spelt) + value


def options(command):
    lines = []
    for argument in command.get("arguments", []):
        if argument.get("shouldDisplay"):
            about = " ".join(filter(None, [argument.get("abstract"), argument.get("discussion")]))
            default = argument.get("defaultValue")
            if default and "Default:" not in about:
                about += f" Default: {default}."
            lines += [".TP", f"\\fB{escaped(names(argument))}\\fR", escaped(about)]
    return lines


def walk(command, path):
    """A section for each command, its own first."""
    title = " ".join(path)
    lines = [f".SS {escaped(title)}", escaped(command.get("abstract", ""))]
    if command.get("discussion"):
        lines += [".PP", escaped(command["discussion"])]
    lines += options(command)
    for child in command.get("subcommands", []):
        if child["commandName"] != "help" and child.get("shouldDisplay", True):
            lines += walk(child, [*path, child["commandName"]])
    return lines


def page(command, section, version, others):
    name = command["commandName"]
    abstract = command.get("abstract", "")
    head = [
        f'.TH {escaped(name.upper())} {section} "" "{escaped(version)}" "Bowerbird"',
        ".SH NAME", f"{escaped(name)} \\- {escaped(abstract)}",
        ".SH SYNOPSIS", f".B {escaped(name)}",
        "[\\fIOPTIONS\\fR]" if section == "8" else "\\fICOMMAND\\fR [\\fIOPTIONS\\fR]",
        ".SH DESCRIPTION", escaped(command.get("discussion") or abstract),
    ]
    children = [child for child in command.get("subcommands", []) if child["commandName"] != "help"]
    body = [".SH OPTIONS", *options(command)]
    if children:
        body += [".SH COMMANDS"]
        for child in children:
            body += walk(child, [child["commandName"]])
    return "\n".join([*head, *body, ".SH SEE ALSO", others, ""])


def main():
    program, section, folder = sys.argv[1:]
    said = subprocess.run(
        [program, "--experimental-dump-help"], capture_output=True, text=True, check=True
    ).stdout
    command = json.loads(said)["command"]
    name = command["commandName"]
    others = ".BR bowerbird\\-server (8)" if section == "1" else ".BR bowerbird (1)"
    version = "Bowerbird"
    target = pathlib.Path(folder) / f"man{section}"
    target.mkdir(parents=True, exist_ok=True)
    (target / f"{name}.{section}").write_text(page(command, section, version, others))


main()
