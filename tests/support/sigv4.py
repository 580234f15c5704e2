"""Amazon's Signature Version 4, written from its published description, to check what others have signed.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html"""

import hashlib
import hmac
import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, unquote

AUTHORIZATION = re.compile(r"^AWS4-HMAC-SHA256 Credential=([^/\s]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request, ?"
                           r"SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})$")


@dataclass(frozen=True)
class Claim:
    """What an Authorization header says."""

    access_key: str
    date: str
    region: str
    service: str
    signed: tuple
    signature: str


def claim(header):
    """The header taken apart, or None if it is none of this kind."""
    match = AUTHORIZATION.match(header or "")
    if not match:
        return None
    access_key, date, region, service, signed, signature = match.groups()
    return Claim(access_key, date, region, service, tuple(signed.split(";")), signature)


def _hmac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def signing_key(secret_key, date, region, service):
    key = ("AWS4" + secret_key).encode()
    for part in (date, region, service, "aws4_request"):
        key = _hmac(key, part)
    return key


def canonical_request(method, target, headers, signed, body):
    """`headers` is a list of pairs, as they came."""
    path, _, query = target.partition("?")
    pairs = sorted((quote(name, safe="-_.~"), quote(value, safe="-_.~"))
                   for name, value in parse_qsl(query, keep_blank_values=True))
    lines = []
    for wanted in signed:
        values = [" ".join(value.split()) for name, value in headers if name.lower() == wanted]
        if not values:
            return None  # signed, but not sent
        lines.append(f"{wanted}:{','.join(values)}\n")
    return "\n".join([method, quote(unquote(path), safe="/-_.~"), "&".join(f"{name}={value}" for name, value in pairs),
                      "".join(lines), ";".join(signed), hashlib.sha256(body).hexdigest()])


def signature(secret_key, said, moment, canonical):
    """`said` is a Claim, `moment` the X-Amz-Date."""
    scope = f"{said.date}/{said.region}/{said.service}/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", moment, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    return _hmac(signing_key(secret_key, said.date, said.region, said.service), text).hex()
