#!/usr/bin/env python3
"""Compares the names that `daylight-agent observe` finds in captures with a table of known names.

names_check.py AGENT CAPTURES [--required PERCENT] [--verbose]

AGENT is the program, CAPTURES a folder with names.tsv (capture, kind, server_ip, port, l4, name) and the captures it names.
Exits 0 when every kind reaches the required share and every name that was found is known or written down in
docs/disputed-names.md, 1 otherwise, 77 (skipped) when the folder is not there.
"""
import argparse
import collections
import json
import pathlib
import subprocess
import sys

KINDS = {"tls_sni": "tls", "ech_outer": "tls", "quic_sni": "quic", "http_host": "http", "http_connect": "connect", "dns_query": "dns"}
REQUIRED = ("tls", "quic", "http", "connect", "dns")


def without_port(name):
    """Host of "host:port" and "[v6]:port"."""
    if name.startswith("["):
        return name[1:].split("]")[0]
    host, colon, port = name.rpartition(":")
    return host if colon and ":" not in host and (port.isdigit() or port == "") else name


def comparable(kind, name):
    name = name.lower()
    if kind in ("http", "connect"):
        name = without_port(name)
    if name == "<root>":    # tshark's word for the root of the name space
        return "."
    return name[:-1] if len(name) > 1 and name.endswith(".") else name


def known_names(captures):
    known = collections.defaultdict(set)
    ignored = collections.defaultdict(set)
    with open(captures / "names.tsv", encoding="utf-8", errors="surrogateescape") as table:
        next(table)
        for line in table:
            capture, kind, server, port, l4, name = line.rstrip("\n").split("\t")
            kept = "quic" if kind == "gquic" else kind
            target = known if kept in REQUIRED and kind != "gquic" else ignored
            target[capture].add((kept, server, int(port), l4, comparable(kept, name)))
    return known, ignored


def found_names(agent, path):
    done = subprocess.run([agent, "observe", "--pcap", str(path), "--format", "jsonl"], capture_output=True, timeout=300)
    if done.returncode < 0:
        print(f"{path}: died of signal {-done.returncode}", file=sys.stderr)
        sys.exit(1)
    rows = set()
    for line in done.stdout.decode("utf-8", "surrogateescape").splitlines():
        row = json.loads(line)
        kind = KINDS.get(row["evidence"])
        if kind and row["name"]:
            rows.add((kind, row["server"], row["port"], row["transport"], comparable(kind, row["name"])))
    return rows


def disputed_names(path):
    """Rows of the tables of the page of disputed names: (capture, name). Control octets stand there in JSON's or tshark's way."""
    rows = set()
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            cells = [cell.strip().strip("`") for cell in line.split("|")]
            if len(cells) > 4 and "/" in cells[1]:
                rows.add((cells[1], cells[3]))
    return rows


def as_written(name):
    """How the page of disputed names writes a name."""
    if any(ord(c) > 126 and not c.isprintable() for c in name) or name.count("\\000") > 3:
        return "a label of control octets"
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in name)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("agent")
    parser.add_argument("captures", type=pathlib.Path)
    parser.add_argument("--required", type=float, default=99.5, help="percent of each kind (default 99.5)")
    parser.add_argument("--verbose", action="store_true")
    arguments = parser.parse_args()
    if not (arguments.captures / "names.tsv").exists():
        print(f"skipped: {arguments.captures} has no names.tsv")
        return 77
    disputed = disputed_names(pathlib.Path(__file__).resolve().parents[2] / "docs" / "disputed-names.md")
    known, ignored = known_names(arguments.captures)
    total, hit, wrong, excused = (collections.Counter() for _ in range(4))
    captures = [p for p in sorted(arguments.captures.glob("*/*")) if p.is_file()]
    unexplained = []
    for path in captures:
        capture = f"{path.parent.name}/{path.name}"
        found = found_names(arguments.agent, path)
        for row in sorted(known[capture]):
            total[row[0]] += 1
            if row in found:
                hit[row[0]] += 1
            elif (capture, as_written(row[4])) in disputed:
                excused[row[0]] += 1
            else:
                unexplained.append(("missing", capture) + row)
        for row in sorted(found - known[capture] - ignored[capture]):
            wrong[row[0]] += 1
            if (capture, as_written(row[4])) not in disputed:
                unexplained.append(("extra", capture) + row)
    print("kind      known  found      %  disputed  extra")
    good = True
    for kind in REQUIRED:
        share = 100.0 * hit[kind] / max(total[kind], 1)
        good = good and 100.0 * (hit[kind] + excused[kind]) / max(total[kind], 1) >= arguments.required and share >= 95
        print(f"{kind:8} {total[kind]:6} {hit[kind]:6} {share:6.1f} {excused[kind]:9} {wrong[kind]:6}")
    for row in unexplained:
        print("\t".join(str(cell) for cell in row).encode("utf-8", "backslashreplace").decode())
    return 0 if good and not unexplained else 1


if __name__ == "__main__":
    sys.exit(main())
