"""Plays what of AWS the programs ask: Secrets Manager, a container's credentials, the instance metadata (version 2).

It trusts nothing: signature, date, region, session token and signed headers are checked, by code that shares nothing
with libcurl's."""

import json
import ssl
import threading
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from . import sigv4
from .server import HttpPlayer

REGION = "eu-test-1"
ROLE = "alpine-role"
TOKEN_HEADER = "X-aws-ec2-metadata-token"
SIGNED = {"content-type", "host", "x-amz-date", "x-amz-target"}


@dataclass(frozen=True)
class Identity:
    """Somebody whom AWS knows."""

    access_key: str = "AKIDFAKEFAKEFAKE0001"
    secret_key: str = "fake/secret+key/wJalrXUtnFEMIK7MDENGbPxRfiCYFA"
    token: str = None

    @property
    def settings(self):
        """As environment variables."""
        return {"AWS_ACCESS_KEY_ID": self.access_key, "AWS_SECRET_ACCESS_KEY": self.secret_key,
                "AWS_SESSION_TOKEN": self.token}

    @property
    def document(self):
        """As containers and instances are given it."""
        return {"Code": "Success", "AccessKeyId": self.access_key, "SecretAccessKey": self.secret_key,
                "Token": self.token, "Expiration": "2099-01-01T00:00:00Z"}


OWNER = Identity()
SESSION = Identity("ASIAFAKEFAKEFAKE0002", "fake/session+secret/abcdefghijklmnopqrstuv", "FakeToken+/" + "tok/en+=" * 150)


@dataclass(frozen=True)
class Refusal:
    """Instead of a secret: what AWS answers."""

    name: str
    status: int = 400


class FakeAws(HttpPlayer):
    """`secrets` has the text of each secret by name; or a Refusal, bytes for a binary one, or a whole answer as
    (status, headers, body)."""

    def __init__(self, secrets=None, identities=(OWNER, SESSION), region=REGION):
        super().__init__()
        self.secrets = dict(secrets or {})
        self.identities = {identity.access_key: identity for identity in identities}
        self.region = region
        self.asked = []      # "secret NAME", "container", "token", "roles", "role", "region", in their order
        self.complaints = []  # why requests were refused
        self.hangs = set()   # what is never answered: the first words of `asked`
        self.container_identity = SESSION
        self.container_token = None  # what has to be shown there
        self.role = ROLE
        self.tls = None
        self._tokens = set()
        self._lock = threading.Lock()

    @property
    def settings(self):
        """The variables that lead here, without credentials."""
        return {"AWS_ENDPOINT_URL_SECRETS_MANAGER": self.url, "AWS_REGION": self.region}

    @property
    def counts(self):
        """How often what was asked for."""
        return Counter(self.asked)

    @property
    def url(self):
        return super().url.replace("http:", "https:") if self.tls else super().url

    def start(self):
        super().start()
        if self.tls:
            self._server.socket = self.tls.wrap_socket(self._server.socket, server_side=True,
                                                       do_handshake_on_connect=False)
        return self

    def use_tls(self, certificate, key):
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(certificate, key)
        return self

    def handle(self, handler, method, path, headers, body):
        if method == "POST" and path == "/":
            self._secrets_manager(handler, headers, body)
        elif path == "/container/credentials":
            self._container(handler, headers)
        else:
            self._instance(handler, method, path, headers)

    def _note(self, handler, what):
        """Whether it shall be answered."""
        with self._lock:
            self.asked.append(what)
        if what.split()[0] not in self.hangs:
            return True
        self.ending.wait()
        handler.close_connection = True
        return False

    # --- Secrets Manager ---

    def _secrets_manager(self, handler, headers, body):
        name = json.loads(body).get("SecretId")
        if not self._note(handler, f"secret {name}"):
            return
        complaint = self._complaint("POST", "/", headers, body)
        if complaint:
            self.complaints.append(complaint)
            self._refuse(handler, Refusal(complaint[0]), complaint[1])
            return
        secret = self.secrets.get(name, Refusal("ResourceNotFoundException"))
        if isinstance(secret, Refusal):
            self._refuse(handler, secret, f"about {name}: a text that is not to be shown")
        elif isinstance(secret, tuple):
            status, headers, body = secret
            handler.reply(status, body, headers)
        elif isinstance(secret, bytes):
            self._json(handler, 200, {"Name": name, "SecretBinary": secret.decode()})
        else:
            self._json(handler, 200, {"ARN": f"arn:aws:secretsmanager:{self.region}:1:secret:{name}-AbCdEf",
                                      "Name": name, "VersionId": "1", "SecretString": secret,
                                      "VersionStages": ["AWSCURRENT"], "CreatedDate": 1.7e9})

    def _complaint(self, method, target, headers, body):
        """What is wrong with a request: (AWS's name for it, why); None if it is right."""
        said = sigv4.claim(headers.get("Authorization"))
        if not said:
            return "MissingAuthenticationTokenException", f"Authorization: {headers.get('Authorization')}"
        identity = self.identities.get(said.access_key)
        if not identity or headers.get("X-Amz-Security-Token") != identity.token:
            return "UnrecognizedClientException", "no such access key, or another session token"
        if (said.region, said.service) != (self.region, "secretsmanager"):
            return "InvalidSignatureException", f"signed for {said.region}/{said.service}"
        wanted = SIGNED | ({"x-amz-security-token"} if identity.token else set())
        if not wanted <= set(said.signed) or list(said.signed) != sorted(said.signed):
            return "InvalidSignatureException", f"signed headers: {said.signed}"
        moment = headers.get("X-Amz-Date", "")
        off = abs(datetime.now(timezone.utc) - datetime.strptime(moment + "+0000", "%Y%m%dT%H%M%SZ%z"))
        if off > timedelta(minutes=5) or moment[:8] != said.date or len(headers.get_all("X-Amz-Date")) != 1:
            return "InvalidSignatureException", f"Signature expired: {moment}"
        canonical = sigv4.canonical_request(method, target, headers.items(), said.signed, body)
        if not canonical or sigv4.signature(identity.secret_key, said, moment, canonical) != said.signature:
            return "InvalidSignatureException", f"The Canonical String should have been\n{canonical}"
        if (headers.get("X-Amz-Target"), headers.get("Content-Type")) != ("secretsmanager.GetSecretValue",
                                                                         "application/x-amz-json-1.1"):
            return "UnknownOperationException", str(headers)
        return None

    # --- credentials ---

    def _container(self, handler, headers):
        if not self._note(handler, "container"):
            return
        if self.container_token and headers.get("Authorization") != self.container_token:
            self._json(handler, 401, {"code": "NoIdHeader"})
        else:
            self._json(handler, 200, self.container_identity.document)

    def _instance(self, handler, method, path, headers):
        folder = "/latest/meta-data/iam/security-credentials/"
        answers = {"/latest/api/token": "token", folder: "roles", f"{folder}{self.role}": "role",
                   "/latest/meta-data/placement/region": "region"}
        what = answers.get(path, f"path {path}")
        if not self._note(handler, what):
            return
        if what == "token":
            if method != "PUT" or not 1 <= int(headers.get(f"{TOKEN_HEADER}-ttl-seconds", 0)) <= 21600:
                handler.reply(400)
                return
            token = f"token-{len(self._tokens)}-abc=="
            self._tokens.add(token)
            handler.reply(200, token.encode())
        elif method != "GET" or headers.get(TOKEN_HEADER) not in self._tokens:
            handler.reply(401)
        elif what == "region":
            handler.reply(200, self.region.encode())
        elif what == "roles" and self.role:
            handler.reply(200, self.role.encode())
        elif what == "role":
            self._json(handler, 200, SESSION.document)
        else:
            handler.reply(404)

    # ---

    def _refuse(self, handler, refusal, why):
        self._json(handler, refusal.status, {"__type": refusal.name, "Message": why})

    def _json(self, handler, status, document):
        handler.reply(status, json.dumps(document).encode(), {"Content-Type": "application/x-amz-json-1.1"})
