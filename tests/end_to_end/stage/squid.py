"""A real Squid on loopback, as a user of its own, in a folder of its own: plain CONNECT, with Basic, or inspecting TLS (ssl-bump)."""
import os
import pathlib
import pwd
import shutil
import socket
import time

from .collector import free_port
from .processes import StageError, run

HELPERS = pathlib.Path("/usr/lib/squid")
OWN_USER = "proxy"    # as Debian's package makes it
ISSUER = "Example Inspection CA"


def missing():
    """Why no Squid can run here; None where one can."""
    for program in (shutil.which("squid", path="/usr/sbin:/usr/bin"), HELPERS / "basic_ncsa_auth", HELPERS / "security_file_certgen"):
        if not program or not pathlib.Path(program).exists():
            return "no Squid with ssl-bump; install Debian's squid-openssl (scripts/install-dependencies tests)"
    return None


class Squid:
    """`folder` is made here; the folders above it must let the proxy's user pass."""

    def __init__(self, folder, processes):
        self.folder, self.processes = pathlib.Path(folder), processes
        self.folder.mkdir()
        self.port = free_port(0)
        self.config = self.folder / "squid.conf"
        self.log = self.folder / "access.log"

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def url_of(self, user, password):
        return f"http://{user}:{password}@127.0.0.1:{self.port}"

    def start(self, *, users=None, inspect=False, exempt=(), deny=()):
        """`users`: name → password; `inspect`: its own certificates for all but the ports in `exempt`; `deny`: ports refused."""
        lines = [f"pid_filename {self.folder}/squid.pid", f"cache_log {self.folder}/cache.log", f"access_log stdio:{self.log} squid",
                 f"coredump_dir {self.folder}", "cache deny all", "netdb_filename none", "pinger_enable off", "shutdown_lifetime 0 seconds",
                 "visible_hostname proxy.example"]
        port = f"http_port 127.0.0.1:{self.port}"
        if inspect:
            port += f" ssl-bump tls-cert={self._authority()} generate-host-certificates=on dynamic_cert_mem_cache_size=4MB"
            lines += [f"sslcrtd_program {HELPERS}/security_file_certgen -s {self.folder}/certificates -M 4MB", "sslcrtd_children 1 startup=1"]
            lines += [f"acl exempt port {' '.join(map(str, exempt))}", "ssl_bump splice exempt"] if exempt else []
            lines += ["ssl_bump bump all"]
        lines += [port]
        lines += [f"acl refused port {' '.join(map(str, deny))}", "http_access deny refused"] if deny else []
        if users:
            lines += [f"auth_param basic program {HELPERS}/basic_ncsa_auth {self._passwords(users)}", "auth_param basic children 1 startup=1",
                      "acl known proxy_auth REQUIRED", "http_access allow CONNECT known"]
        else:
            lines += ["http_access allow CONNECT"]
        lines += ["http_access deny all"]
        self.config.write_text("\n".join(lines) + "\n")
        command = ["squid", "-N", "-f", self.config]
        if os.geteuid() == 0:
            account = pwd.getpwnam(OWN_USER)
            run(["chown", "-R", f"{account.pw_uid}:{account.pw_gid}", self.folder], what="the proxy's folder")
            command = ["setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups", "--no-new-privs", *command]
        path = os.environ.get("PATH", "") + ":/usr/sbin"
        process = self.processes.start("squid", command, self.folder / "stderr.log", env={**os.environ, "PATH": path})
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            if process.poll() is not None:
                break
            time.sleep(0.05)
        raise StageError(f"squid does not start: {(self.folder / 'stderr.log').read_text()[-2000:]}")

    def stop(self):
        self.processes.stop("squid")

    def tunnels(self, address):
        """(HTTP status, user or None) of every CONNECT to the address, oldest first."""
        if not self.log.exists():
            return []
        found = []
        for line in self.log.read_text().splitlines():
            words = line.split()    # time, milliseconds, client, result/status, octets, method, URL, user, …
            if words[5:7] == ["CONNECT", address]:
                found.append((int(words[3].split("/")[1]), None if words[7] == "-" else words[7]))
        return found

    def _passwords(self, users):
        file = self.folder / "passwords"
        file.write_text("".join(f"{name}:{run(['openssl', 'passwd', '-apr1', password], what='password').strip()}\n" for name, password in users.items()))
        return file

    def _authority(self):
        pair = self.folder / "authority.pem"
        if not pair.exists():
            run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
                 f"/O=Example Corp/CN={ISSUER}", "-keyout", self.folder / "authority.key", "-out", pair], what="the proxy's CA")
            pair.write_text(pair.read_text() + (self.folder / "authority.key").read_text())
            run([HELPERS / "security_file_certgen", "-c", "-s", self.folder / "certificates", "-M", "4MB"], what="the proxy's certificates")
        return pair
