"""A PostgreSQL that speaks TLS: a door of our own before the test server, which has none.

It answers PostgreSQL's SSLRequest as a server does, and passes on what comes through.
"""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_SSL_REQUEST = struct.pack("!ii", 8, 80877103)
"""PostgreSQL documentation, Message Formats: SSLRequest."""


@contextmanager
def tls_door(server_url: str, certificate: Path) -> Iterator[int]:
    """The port, on every address of this machine, of a door to the server; `certificate` holds its key, too."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with socket.create_server(("", 0)) as listener:
        threading.Thread(target=_serve, args=(listener, context, server_url), daemon=True).start()
        yield listener.getsockname()[1]


def _serve(listener: socket.socket, context: ssl.SSLContext, server_url: str) -> None:
    with suppress(OSError):  # the listener is closed at the end of the test
        while True:
            client, _ = listener.accept()
            threading.Thread(target=_pass_on, args=(client, context, server_url), daemon=True).start()


def _pass_on(client: socket.socket, context: ssl.SSLContext, server_url: str) -> None:
    with suppress(OSError, ssl.SSLError), client, _behind(server_url) as server:
        if client.recv(8, socket.MSG_WAITALL) != _SSL_REQUEST:
            return
        client.sendall(b"S")
        with context.wrap_socket(client, server_side=True) as secure:
            back = threading.Thread(target=_copy, args=(server, secure), daemon=True)
            back.start()
            _copy(secure, server)
            back.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    for end in (source, target):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


def _behind(server_url: str) -> socket.socket:
    parts = urlsplit(server_url)
    host = parse_qs(parts.query).get("host", [parts.hostname or ""])[0]
    if host.startswith("/"):
        server = socket.socket(socket.AF_UNIX)
        server.connect(f"{unquote(host)}/.s.PGSQL.{parse_qs(parts.query).get('port', ['5432'])[0]}")
        return server
    return socket.create_connection((host, parts.port or 5432))


def write_certificates(folder: Path, *names: str) -> tuple[Path, Path]:
    """The files of an authority's certificate, and of one it gives to `names`, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    authority = _certificate("test authority", key, key, issuer="test authority", authority=True)
    own = ec.generate_private_key(ec.SECP256R1())
    given = _certificate("test server", own, key, issuer="test authority", names=names)
    roots, server = folder / "roots.pem", folder / "server.pem"
    roots.write_bytes(authority.public_bytes(serialization.Encoding.PEM))
    private = own.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    server.write_bytes(private + given.public_bytes(serialization.Encoding.PEM))
    return roots, server


def _certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    signer: ec.EllipticCurvePrivateKey,
    *,
    issuer: str,
    authority: bool = False,
    names: tuple[str, ...] = (),
) -> x509.Certificate:
    def named(value: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, value)])

    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(named(name))
        .issuer_name(named(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName([*map(_general_name, names)]), critical=False)
    return builder.sign(signer, hashes.SHA256())


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
