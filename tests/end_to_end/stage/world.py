"""Network namespaces: one for each device, one for the internet, a veth pair between each device and the internet."""
import os
import pathlib
import subprocess

from .processes import StageError, run

RANGES = ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")  # RFC 5737


def missing():
    """Why no world can be made here; empty where it can."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    probe = f"daylight-probe-{os.getpid()}"
    done = subprocess.run(["ip", "netns", "add", probe], capture_output=True, text=True)
    if done.returncode != 0:
        return f"no network namespace can be made: {done.stderr.strip()}"
    veth = subprocess.run(["ip", "-n", probe, "link", "add", "probe0", "type", "veth", "peer", "name", "probe1"], capture_output=True, text=True)
    mount = subprocess.run(["unshare", "--mount", "true"], capture_output=True, text=True)
    subprocess.run(["ip", "netns", "delete", probe], capture_output=True)
    if veth.returncode != 0:
        return f"no veth pair can be made: {veth.stderr.strip()}"
    if mount.returncode != 0:
        return f"no mount namespace can be made: {mount.stderr.strip()}"
    return ""


class World:
    """Everything is named with the prefix: what an earlier run left under it is removed first."""

    def __init__(self, prefix, traffic, scenario, today):
        self.prefix = prefix
        rows = run([traffic, "--scenario", scenario, "--today", today, "network"], what="scenario").splitlines()
        self.rows = [row.split("\t") for row in rows]
        self.devices = {name: unit for name, unit, _, _ in self.rows}
        self.internet = f"{prefix}internet"

    def namespace(self, device):
        return f"{self.prefix}{device}"

    def path(self, device):
        return pathlib.Path("/run/netns") / self.namespace(device)

    def create(self):
        remove(self.prefix)
        lines = []
        run(["ip", "netns", "add", self.internet], what="network namespace")
        lines.append("link set lo up")
        lines += [f"route add local {network} dev lo" for network in RANGES]
        for place, (name, _, gateway, _) in enumerate(self.rows):
            run(["ip", "netns", "add", self.namespace(name)], what="network namespace")
            lines.append(f"link add d{place} type veth peer name eth0 netns {self.namespace(name)}")
            lines.append(f"addr add {gateway}/24 dev d{place}")
            lines.append(f"link set d{place} up")
        self._batch(self.internet, lines)
        for name, _, gateway, addresses in self.rows:
            lines = ["link set lo up"]
            lines += [f"addr add {address}/24 dev eth0" for address in addresses.split(",")]
            lines += ["link set eth0 up", f"route add default via {gateway}"]
            self._batch(self.namespace(name), lines)

    def _batch(self, namespace, lines):
        run(["ip", "-n", namespace, "-batch", "-"], what=f"network of {namespace}", stdin="\n".join(lines) + "\n")

    def remove(self):
        remove(self.prefix)


def remove(prefix):
    """Removes the namespaces of the prefix; their veth pairs and addresses go with them. Returns how many there were."""
    listed = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True).stdout
    names = [line.split()[0] for line in listed.splitlines() if line.startswith(prefix)]
    for name in names:
        run(["ip", "netns", "delete", name], what="network namespace")
    return len(names)


def require():
    reason = missing()
    if reason:
        raise StageError(f"{reason}; run this as root on a machine (not in a container without CAP_SYS_ADMIN)")
