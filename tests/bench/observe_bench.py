#!/usr/bin/env python3
"""Measures what `observe` costs on large captures, beside bare libpcap loops and other programs on the same captures.

observe_bench.py AGENT TOOLS CAPTURES [--work FOLDER] [--runs N] [--size OCTETS] [--slow]

Builds the floors and the generator of TOOLS (floor.c, floor_flow.c, make_capture.cpp), makes a mixed and a bulk capture from CAPTURES, and
runs each program N times in turns. Prints rows of name, value, unit, target and verdict, separated by tabs. What is not installed
leaves its cell empty. --slow also runs tshark, which takes minutes.
"""
import argparse
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile

# name, share of the size, arguments of make_capture after the size, target of the CPU ratio. The bulk capture comes out several times
# larger than asked for, because instances that began are ended.
CAPTURES = [("mixed", 1.0, ["300", "20000", "1.5", "7"], 2.0), ("bulk", 0.2, ["120", "800000", "1.0", "11"], 1.3)]


# Runs a program from a small process: peak memory that wait4 tells of a child of Python's own is never below Python's.
METER = r"""
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
int main(int argc, char** argv)
{
    struct rusage used;
    int status = 1;
    pid_t child = argc > 2 ? fork() : -1;
    if (child == 0) { execvp(argv[2], argv + 2); _exit(127); }
    if (child < 0 || wait4(child, &status, 0, &used) < 0) return 1;
    FILE* out = fopen(argv[1], "w");
    if (!out) return 1;
    fprintf(out, "%.6f %ld\n", used.ru_utime.tv_sec + used.ru_stime.tv_sec + (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6,
            used.ru_maxrss);
    fclose(out);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
"""


def row(name, value, unit, target="", good=None):
    shown = "" if value is None else f"{value:.2f}"
    verdict = "" if good is None else "good" if good else "not yet"
    print("\t".join((name, shown, unit, target, verdict)), flush=True)


def build(tools, folder):
    """The floors and the generator, as far as there are sources and a compiler."""
    built = {}
    (folder / "meter.c").write_text(METER)
    for source, compiler, more in (("floor.c", "cc", []), ("floor_flow.c", "cc", []), ("make_capture.cpp", "c++", ["-std=c++17"]),
                                   ("meter.c", "cc", [])):
        target = folder / source.split(".")[0]
        place = (folder if source == "meter.c" else tools) / source
        if not target.exists() and place.exists():
            done = subprocess.run([compiler, "-O2", *more, str(place), "-lpcap", "-o", str(target)], capture_output=True)
            if done.returncode != 0:
                print(f"observe_bench: {source} does not build (libpcap's headers?)", file=sys.stderr)
        if target.exists():
            built[target.name] = target
    return built


def list_of(captures, kind):
    """Captures with names; of a bulk capture those with TLS or QUIC."""
    wanted = set()
    with open(captures / "names.tsv", encoding="utf-8", errors="surrogateescape") as table:
        next(table)
        for line in table:
            capture, evidence = line.split("\t")[:2]
            if kind == "mixed" or evidence in ("tls", "quic"):
                wanted.add(capture)
    if kind == "mixed":
        wanted = {f"{path.parent.name}/{path.name}" for path in captures.glob("*/*") if path.is_file()}
    return sorted(str(captures / capture) for capture in wanted)


def make(generator, captures, kind, arguments, size, folder):
    target = folder / f"{kind}.{size}.pcap"
    if not target.exists():
        names = folder / f"{kind}.list"
        names.write_text("\n".join(list_of(captures, kind)) + "\n")
        subprocess.run([generator, str(names), str(target), str(size), *arguments], capture_output=True, check=True)
    return target


def cost(meter, command, folder):
    """CPU seconds and peak resident memory in MiB of one run."""
    told = folder / "cost"
    with open(folder / "out", "wb") as out, open(os.devnull, "wb") as nothing:
        if subprocess.run([meter, told, *command], stdout=out, stderr=nothing).returncode != 0:
            return None
    cpu, kibibytes = told.read_text().split()
    return float(cpu), int(kibibytes) / 1024


def programs(agent, built, capture, slow):
    """What runs on a capture: the name of its row and its command, or None where it is missing."""
    def installed(name, *arguments):
        return [name, *arguments] if shutil.which(name) else None
    path = str(capture)
    return {
        "floor": [str(built["floor"]), path] if "floor" in built else None,
        "floor with a 5-tuple table": [str(built["floor_flow"]), path] if "floor_flow" in built else None,
        "daylight-agent observe": [agent, "observe", "--pcap", path, "--format", "jsonl"],
        "tcpdump -w /dev/null": installed("tcpdump", "-r", path, "-w", "/dev/null"),
        "ndpiReader": installed("ndpiReader", "-q", "-i", path),
        "tshark": installed("tshark", "-n", "-r", path, "-q", "-z", "conv,tcp") if slow else None,
    }


def measure(meter, commands, runs, folder):
    """Median CPU seconds and largest memory of each, in turns so that a noisy moment meets all."""
    seen = {name: [] for name in commands}
    for turn in range(runs):
        for name, command in commands.items():
            once = name in ("ndpiReader", "tshark") and turn > 0    # slow: one run tells enough
            result = cost(meter, command, folder) if command and not once else None
            if result:
                seen[name].append(result)
    return {name: (statistics.median(cpu for cpu, _ in results), max(memory for _, memory in results)) if results else None
            for name, results in seen.items()}


def report(kind, target, capture, measured):
    floor = measured["floor"]
    row(f"{kind} capture", capture.stat().st_size / 1e6, "MB")
    for name, result in measured.items():
        ours = name.startswith("daylight")
        ratio = result[0] / floor[0] if result and floor else None
        row(f"{kind}: {name}, CPU", result[0] if result else None, "s")
        row(f"{kind}: {name}, CPU beside the floor", ratio, "x", f"<= {target}" if ours else "", ratio and ratio <= target if ours else None)
        row(f"{kind}: {name}, peak memory", result[1] if result else None, "MiB", "<= 32" if ours else "",
            result[1] <= 32 if ours and result else None)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("agent")
    parser.add_argument("tools", type=pathlib.Path)
    parser.add_argument("captures", type=pathlib.Path)
    parser.add_argument("--work", type=pathlib.Path, help="folder in which what was made stays for the next time")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--size", type=int, default=1_250_000_000, help="octets to aim at (default 1,250,000,000)")
    parser.add_argument("--slow", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = arguments.work or pathlib.Path(made)
        folder.mkdir(parents=True, exist_ok=True)
        built = build(arguments.tools, folder)
        if not {"make_capture", "meter"} <= set(built) or not (arguments.captures / "names.tsv").exists():
            print(f"observe_bench: no generator in {arguments.tools} or no captures in {arguments.captures}: the rows stay empty", file=sys.stderr)
            for kind, _, _, target in CAPTURES:
                row(f"{kind}: daylight-agent observe, CPU beside the floor", None, "x", f"<= {target}")
            return 0
        for kind, share, generator_arguments, target in CAPTURES:
            capture = make(built["make_capture"], arguments.captures, kind, generator_arguments, int(arguments.size * share), folder)
            report(kind, target, capture, measure(built["meter"], programs(arguments.agent, built, capture, arguments.slow), arguments.runs, folder))
    return 0


if __name__ == "__main__":
    sys.exit(main())
