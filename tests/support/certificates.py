"""Certificates made by openssl: an authority of a test's own, and what it signs, for any time and name."""

import ssl
import subprocess
from datetime import datetime, timedelta, timezone
from pathlib import Path

NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
HOST = "DNS:localhost,IP:127.0.0.1"
CONFIG = """
[ca]
default_ca = ours
[ours]
database = {folder}/index
serial = {folder}/serial
new_certs_dir = {folder}
certificate = {folder}/ca.pem
private_key = {folder}/ca.key
default_md = sha256
policy = any
unique_subject = no
copy_extensions = copy
[any]
commonName = supplied
"""


def _openssl(*arguments):
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr


def _stamp(days):
    return (datetime.now(timezone.utc) + timedelta(days=days)).strftime("%Y%m%d%H%M%SZ")


class Authority:
    """A certificate authority in a folder. `file` is what its clients trust."""

    def __init__(self, folder, name="Test Authority"):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True)
        self.file = self.folder / "ca.pem"
        (self.folder / "index").touch()
        (self.folder / "serial").write_text("01")
        (self.folder / "config").write_text(CONFIG.format(folder=self.folder))
        _openssl("req", "-x509", *NEW_KEY, "-keyout", self.folder / "ca.key", "-out", self.file, "-days", 30,
                 "-subj", f"/CN={name}")

    def context(self, days=90, names=HOST, name="alpine.test"):
        """What a server shows that this authority signed; it ends in so many days (before today: it has expired)."""
        request, file, key = (self.folder / f"{name}.{kind}" for kind in ("csr", "crt", "key"))
        _openssl("req", *NEW_KEY, "-keyout", key, "-out", request, "-subj", f"/CN={name}",
                 "-addext", f"subjectAltName={names}")
        _openssl("ca", "-batch", "-notext", "-config", self.folder / "config", "-in", request, "-out", file,
                 "-startdate", _stamp(min(days, 0) - 1), "-enddate", _stamp(days))
        return server_context(file, key)

    def own_context(self):
        """What a server shows that signed for itself: the authority's own certificate."""
        return server_context(self.file, self.folder / "ca.key")


def server_context(file, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, key)
    return context
