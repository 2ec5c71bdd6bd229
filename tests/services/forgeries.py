"""Forged tokens: what an attacker would make of a token of ours, most of them even signed with the real key."""

import base64
import hmac
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from backend import tokens
from backend.keys import SigningKey
from backend.tokens import TokenSigner

FAR: Final = 10_000_000_000
SOMEBODY: Final = "1f0e2d3c-4b5a-4978-8695-a4b3c2d1e0f9"
Forge = Callable[[TokenSigner, str], str]


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _json(part: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=="))
    return value


def signing(signer: TokenSigner) -> SigningKey:
    """The key of a signer that has one."""
    (key,) = signer.keys().keys
    return key


def signed(signer: TokenSigner, header: bytes, payload: bytes) -> str:
    """Sign whatever stands in header and payload with the real key."""
    body = f"{_b64(header)}.{_b64(payload)}"
    return f"{body}.{_b64(signing(signer).private.sign(body.encode()))}"


def with_header(**changes: object) -> Forge:
    """A rightly signed token whose header differs; None removes a member."""

    def forge(signer: TokenSigner, token: str) -> str:
        header, payload, _ = token.split(".")
        changed = {name: value for name, value in {**_json(header), **changes}.items() if value is not None}
        return signed(signer, json.dumps(changed).encode(), json.dumps(_json(payload)).encode())

    return forge


def with_payload(**changes: object) -> Forge:
    """A rightly signed token whose payload differs; None removes a member."""

    def forge(signer: TokenSigner, token: str) -> str:
        header, payload, _ = token.split(".")
        changed = {name: value for name, value in {**_json(payload), **changes}.items() if value is not None}
        return signed(signer, json.dumps(_json(header)).encode(), json.dumps(changed).encode())

    return forge


def with_raw_payload(change: Callable[[str], str]) -> Forge:
    """A rightly signed token whose payload's text differs."""

    def forge(signer: TokenSigner, token: str) -> str:
        header, payload, _ = token.split(".")
        return signed(signer, json.dumps(_json(header)).encode(), change(json.dumps(_json(payload))).encode())

    return forge


def by_hmac(secret: Callable[[TokenSigner], bytes], algorithm: str = "HS256", digest: str = "sha256") -> Forge:
    """A token signed with a shared secret that an attacker can know."""

    def forge(signer: TokenSigner, token: str) -> str:
        header, payload, _ = token.split(".")
        body = f"{_b64(json.dumps({**_json(header), 'alg': algorithm}).encode())}.{payload}"
        return f"{body}.{_b64(hmac.new(secret(signer), body.encode(), digest).digest())}"

    return forge


def _unsigned(algorithm: str | None) -> Forge:
    def forge(signer: TokenSigner, token: str) -> str:
        header, payload, signature = token.split(".")
        changed = {name: value for name, value in {**_json(header), "alg": algorithm}.items() if value is not None}
        return f"{_b64(json.dumps(changed).encode())}.{payload}.{signature}"

    return forge


def _public(signer: TokenSigner) -> Mapping[str, Any]:
    return signer.keys().jwks()["keys"][0]


def _twist_last(token: str) -> str:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return token[:-1] + alphabet[alphabet.index(token[-1]) ^ 1]


MUTATIONS: Mapping[str, Forge] = {
    **{f"alg-{name}": _unsigned(name) for name in ("none", "None", "nOnE", "RS256", "ES384", "HS256")},
    "alg-missing": _unsigned(None),
    "alg-none-signature-empty": lambda s, t: _unsigned("none")(s, t).rpartition(".")[0] + ".",
    "signature-empty": lambda _, t: t.rpartition(".")[0] + ".",
    "signature-stripped": lambda _, t: t.rpartition(".")[0],
    "signature-zero": lambda _, t: f"{t.rpartition('.')[0]}.{_b64(bytes(64))}",
    "signature-short": lambda _, t: f"{t.rpartition('.')[0]}.{_b64(bytes(63))}",
    "signature-der": lambda _, t: f"{t.rpartition('.')[0]}.{_b64(bytes.fromhex('3006020101020101'))}",
    "hmac-empty": by_hmac(lambda _: b""),
    "hmac-secret": by_hmac(lambda _: b"secret"),
    "hmac-jwks": by_hmac(lambda s: json.dumps(s.keys().jwks()).encode()),
    "hmac-public-jwk": by_hmac(lambda s: json.dumps(_public(s)).encode()),
    "hmac-public-pem": by_hmac(lambda s: signing(s).public.to_pem()),
    "hmac-512": by_hmac(lambda s: signing(s).public.to_pem(), "HS512", "sha512"),
    "crit-unknown": with_header(crit=["x"]),
    "crit-empty": with_header(crit=[]),
    "b64-false": with_header(b64=False, crit=["b64"]),
    "kid-missing": with_header(kid=None),
    "kid-path": with_header(kid="../../../dev/null"),
    "kid-sql": with_header(kid="' OR 1=1 --"),
    "kid-number": with_header(kid=0),
    "kid-list": with_header(kid=[]),
    "kid-long": with_header(kid="k" * 10_000),
    "jku": with_header(jku="http://127.0.0.1:1/jwks.json"),
    "jwk": lambda s, t: with_header(jwk=dict(_public(s)))(s, t),
    "x5u": with_header(x5u="http://127.0.0.1:1/x5u"),
    "typ-refresh": with_header(typ="refresh"),
    "typ-at": with_header(typ="at+jwt"),
    "typ-missing": with_header(typ=None),
    "cty": with_header(cty="JWT"),
    "sub-twice": with_raw_payload(lambda text: text.replace("{", f'{{"sub": "{SOMEBODY}", ', 1)),
    "sub-missing": with_payload(sub=None),
    "sub-number": with_payload(sub=1),
    "sub-upper": with_payload(sub=SOMEBODY.upper()),
    "sub-urn": with_payload(sub=f"urn:uuid:{SOMEBODY}"),
    "sub-newline": with_payload(sub=f"{SOMEBODY}\n"),
    "sid-missing": with_payload(sid=None),
    "exp-missing": with_payload(exp=None),
    "exp-text": with_payload(exp=str(FAR)),
    "exp-float": with_payload(exp=FAR + 0.5),
    "exp-huge-float": with_payload(exp=1e308),
    "exp-huge": with_payload(exp=10**300),
    "exp-true": with_payload(exp=True),
    "exp-nan": with_raw_payload(lambda text: re.sub(r'"exp": \d+', '"exp": NaN', text)),
    "exp-infinity": with_raw_payload(lambda text: re.sub(r'"exp": \d+', '"exp": Infinity', text)),
    "iat-missing": with_payload(iat=None),
    "iat-future": with_payload(iat=FAR),
    "aud-list": with_payload(aud=[tokens.ACCESS, "other"]),
    "aud-other": with_payload(aud="other"),
    "aud-applicant": with_payload(aud=tokens.APPLICANT),
    "aud-missing": with_payload(aud=None),
    "iss-other": with_payload(iss="https://evil.example"),
    "iss-missing": with_payload(iss=None),
    "payload-list": with_raw_payload(lambda text: f"[{text}]"),
    "payload-deep": with_raw_payload(lambda _: "[" * 2900),
    "jwe": lambda _, t: f"{t}.{_b64(b'x')}.{_b64(b'y')}",
    "nested": lambda s, t: signed(s, base64.urlsafe_b64decode(t.split(".")[0] + "=="), t.encode()),
    "blank-after": lambda _, t: f"{t} ",
    "newline-after": lambda _, t: f"{t}\n",
    "padding": lambda _, t: f"{t}=",
    "not-canonical": lambda _, t: _twist_last(t),
    "plain-base64": lambda _, t: t.replace("-", "+").replace("_", "/") + "+",
    "non-ascii": lambda _, t: f"{t}é",
    "long": lambda _, t: t + "A" * 100_000,
    "dots": lambda _, __: "..",
    "empty": lambda _, __: "",
}
