"""Whoever turns to the agents' listener with a certificate (or none) and bytes of his own choice: honest or not."""
import json
import pathlib
import socket
import ssl
import subprocess
import time

from .processes import run


def context(identity=None, version=ssl.TLSVersion.TLSv1_3):
    """A client's TLS settings; `identity` is a PEM file with certificate and key."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    made.minimum_version = made.maximum_version = version
    if identity:
        made.load_cert_chain(identity)
    return made


def enrol(agent_program, collector, folder, device="sales-01"):
    """Enrols with the real agent; returns (identity file, agent id)."""
    home = pathlib.Path(folder)
    home.mkdir()
    config = home / "agent.json"
    config.write_text(json.dumps({"collector": collector.url, "data_directory": str(home / "data"), "device_name": device}))
    run([agent_program, *collector.enrol_command()[1:], "--config", config], what="enrolment")
    enrolment = json.loads((home / "data/enrolment.json").read_text())
    identity = home / "identity.pem"
    identity.write_text(enrolment["certificate"] + enrolment["key"])
    return identity, enrolment["agent"]


def forge(folder, name, subject, *, authority=None, start=None, end=None):
    """A client certificate made with openssl: self-signed, or signed by the authority (certificate, key) given; `start` and
    `end` as YYYYMMDDHHMMSSZ. Returns the PEM file with certificate and key."""
    home = pathlib.Path(folder) / name
    home.mkdir()
    key, request, certificate = home / "key.pem", home / "request.pem", home / "certificate.pem"
    run(["openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", request,
         "-subj", f"/CN={subject}"], what="signing request")
    signer_certificate, signer_key = authority or (None, key)
    rules = home / "rules.cnf"
    rules.write_text(f"[ca]\ndefault_ca=here\n[here]\ndatabase={home}/index\nnew_certs_dir={home}\nserial={home}/serial\ndefault_md=sha256\n"
                     "policy=any\nx509_extensions=client\n[any]\ncommonName=supplied\n[client]\nextendedKeyUsage=clientAuth\n")
    (home / "index").touch()
    (home / "serial").write_text("4711\n")
    signer = ["-cert", signer_certificate] if signer_certificate else ["-selfsign"]
    run(["openssl", "ca", "-batch", "-config", rules, "-in", request, "-out", certificate, "-keyfile", signer_key, *signer, "-notext",
         "-startdate", start or "20200101000000Z", "-enddate", end or "20491231235959Z"], what="certificate")
    identity = home / "identity.pem"
    identity.write_text(certificate.read_text() + key.read_text())
    return identity


class Line:
    """One TLS connection, spoken by hand."""

    def __init__(self, port, settings, patience=30):
        self.raw = socket.create_connection(("127.0.0.1", port), timeout=patience)
        self.tls = settings.wrap_socket(self.raw)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.tls.close()

    def send(self, data):
        """False where the other side has had enough."""
        try:
            self.tls.sendall(data)
            return True
        except (OSError, ssl.SSLError):
            return False

    def answer(self):
        """(status, body) of one response; (None, b"") where the connection ends without one."""
        data = b""
        try:
            while b"\r\n\r\n" not in data:
                piece = self.tls.recv(65536)
                if not piece:
                    return None, data
                data += piece
            head, _, body = data.partition(b"\r\n\r\n")
            length = next((int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
            while len(body) < length:
                piece = self.tls.recv(65536)
                if not piece:
                    break
                body += piece
            return int(head.split()[1]), body
        except (ConnectionError, ssl.SSLError):
            return None, data

    def seconds_until_closed(self):
        """How long the other side keeps the connection; raises TimeoutError after the patience of the line."""
        begin = time.monotonic()
        try:
            while self.tls.recv(4096):
                pass
        except (ConnectionError, ssl.SSLError):
            pass
        return time.monotonic() - begin


def request(path, body=b"", kind="application/json", extra=b"", method="POST"):
    return (f"{method} {path} HTTP/1.1\r\nHost: collector\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n".encode() + extra
            + b"\r\n" + body)
