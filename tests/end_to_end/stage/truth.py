"""What the generator counted, and what should therefore be found."""
import collections
import json

SERVICE_KINDS = ("noise:", "personal", "question")


def load_rows(files):
    """All rows, each with its device and unit."""
    rows = []
    for file in files:
        document = json.loads(file.read_text())
        for row in document["rows"]:
            rows.append({**row, "device": document["device"], "unit": document["unit"]})
    return rows


def totals(rows, *, days=None):
    """Connections and payload bytes as agents report them: DNS questions are no connections to report."""
    sums = {"connections": 0, "bytes_up": 0, "bytes_down": 0}
    for row in rows:
        if row["how"] == "dns" or (days and row["day"] not in days):
            continue
        for key in sums:
            sums[key] += row[key]
    return sums


NOTHING = (0, 0, 0)


def by_device_and_day(rows):
    """(device, day) → connections, octets up, octets down; DNS questions are left out."""
    sums = {}
    for row in rows:
        if row["how"] != "dns":
            key = row["device"], row["day"]
            sums[key] = tuple(sum_ + row[name] for sum_, name in zip(sums.get(key, NOTHING), ("connections", "bytes_up", "bytes_down")))
    return sums


def services_of_hosts(scenario_file):
    """host → service id, or noise:KIND, personal, question; None for a domain that no catalogue knows."""
    return {visit["host"]: visit["service"] for visit in json.loads(scenario_file.read_text())["visits"]}


def heads(rows, services, *, days=None):
    """(unit, service id, unknown host or address) → the accounts that used it; a service's user id is nobody's."""
    people = collections.defaultdict(set)
    for row in rows:
        service = services.get(row["host"])
        if row["how"] == "dns" or row["employee"] is None or (days and row["day"] not in days):
            continue
        if service is not None and service.startswith(SERVICE_KINDS):
            continue
        people[(row["unit"], service or row["host"])].add(row["employee"])
    return people
