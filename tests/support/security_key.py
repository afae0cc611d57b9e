"""A security key as a browser shows it: makes credentials and signs challenges (WebAuthn, without attestation)."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from fido2.cose import ES256
from fido2.utils import websafe_encode
from fido2.webauthn import Aaguid, AttestationObject, AttestedCredentialData, AuthenticatorData, CollectedClientData

_PRESENT = AuthenticatorData.FLAG.UP | AuthenticatorData.FLAG.UV


@dataclass
class SecurityKey:
    """One key, at one site."""

    origin: str
    domain: str
    _private: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    _id: bytes = field(default_factory=lambda: secrets.token_bytes(32))

    def register(self, options: str) -> str:
        """What a browser sends after `navigator.credentials.create`, for the options of a page."""
        public: Any = ES256.from_cryptography_key(self._private.public_key())  # type: ignore[no-untyped-call]
        credential = AttestedCredentialData.create(Aaguid.NONE, self._id, public)
        flags = _PRESENT | AuthenticatorData.FLAG.AT
        data = AuthenticatorData.create(sha256(self.domain.encode()).digest(), flags, 1, bytes(credential))
        attestation = AttestationObject.create("none", data, {})
        client = self._client("webauthn.create", options)
        return self._answer(client, attestationObject=websafe_encode(bytes(attestation)))

    def sign(self, options: str) -> str:
        """What a browser sends after `navigator.credentials.get`, for the options of a page."""
        data = AuthenticatorData.create(sha256(self.domain.encode()).digest(), _PRESENT, 2)
        client = self._client("webauthn.get", options)
        signature = self._private.sign(bytes(data) + sha256(bytes(client)).digest(), ec.ECDSA(SHA256()))
        return self._answer(
            client, authenticatorData=websafe_encode(bytes(data)), signature=websafe_encode(signature), userHandle=None
        )

    def _client(self, what: str, options: str) -> CollectedClientData:
        return CollectedClientData.create(what, json.loads(options)["challenge"], self.origin)

    def _answer(self, client: CollectedClientData, **response: Any) -> str:
        return json.dumps(
            {
                "id": websafe_encode(self._id),
                "rawId": websafe_encode(self._id),
                "type": "public-key",
                "response": {"clientDataJSON": websafe_encode(bytes(client)), **response},
                "clientExtensionResults": {},
            }
        )
