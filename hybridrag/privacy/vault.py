"""Bytes kept on this machine, encrypted with the local key."""

from __future__ import annotations

import secrets

from hybridrag.errors import BlockedByPolicy

_FORM = b"hv1\n"
_NONCE = 12


class Vault:
    """AES-256-GCM (NIST SP 800-38D) under a key derived from the local one by HKDF-SHA256 (RFC 5869).

    `purpose` sets what is kept for one thing apart from what is kept for another. A nonce is 96 random bits, which
    serves 2**32 contents under one key.
    """

    def __init__(self, key: bytes, purpose: str) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF

        info = b"hybridrag vault " + purpose.encode()
        self._cipher = AESGCM(HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(key))
        self._purpose = purpose

    def seal(self, content: bytes, context: bytes) -> bytes:
        """`content` encrypted, 32 bytes longer. It opens under the same `context` only, which is not kept in it."""
        nonce = secrets.token_bytes(_NONCE)
        return _FORM + nonce + self._cipher.encrypt(nonce, content, context)

    def open(self, sealed: bytes, context: bytes) -> bytes:
        """What was sealed. Raises BlockedByPolicy for another key or context, and for anything changed."""
        from cryptography.exceptions import InvalidTag

        nonce, rest = sealed[len(_FORM) : len(_FORM) + _NONCE], sealed[len(_FORM) + _NONCE :]
        try:
            if not sealed.startswith(_FORM):
                raise InvalidTag
            return self._cipher.decrypt(nonce, rest, context)
        except (InvalidTag, ValueError) as exc:  # ValueError: too short for a nonce
            raise BlockedByPolicy(
                f"What was kept of the {self._purpose} cannot be opened: it was changed, or sealed with another key.",
                hint="Restore it, and the key that belongs to it, from a backup.",
            ) from exc
