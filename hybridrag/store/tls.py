"""TLS to a database elsewhere: the server must prove who it is, unless the address says otherwise or it is local.

libpq's own default, `sslmode=prefer`, takes any certificate, and none: whoever sits on the way reads passwords and
documents. A Unix socket and the loopback interface have no way to sit on.
"""

from __future__ import annotations

import ipaddress
import os
import ssl
from collections.abc import Mapping
from pathlib import Path

STRICT = "verify-full"
_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Alpine, Arch
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora, RHEL
    "/etc/ssl/ca-bundle.pem",  # openSUSE
    "/etc/ssl/cert.pem",  # macOS, BSD
)


def secured(url: str, environ: Mapping[str, str] = os.environ) -> str:
    """`url` with `sslmode=verify-full` and this machine's trusted roots, where nothing else is said.

    Said may be by the address, by PGSSLMODE and PGSSLROOTCERT, or by a service file. An address that cannot be read
    comes back as it is, for the connection to complain about.
    """
    import psycopg
    from psycopg.conninfo import conninfo_to_dict, make_conninfo

    try:
        given = {key: str(value) for key, value in conninfo_to_dict(url).items() if value is not None}
    except psycopg.ProgrammingError:
        return url
    service = _service(given, environ)

    def said(key: str) -> str:
        return given.get(key) or service.get(key) or environ.get(f"PG{key.upper()}") or ""

    if all(map(_is_local, _targets(said("host"), said("hostaddr")))):
        return url
    added = {} if said("sslmode") else {"sslmode": STRICT}
    roots = said("sslrootcert")
    if roots == "system" or (not roots and STRICT in (said("sslmode") or STRICT) and not _own_roots(environ).exists()):
        # libpq looks for the system's roots where its OpenSSL was built for, which is nowhere in a wheel.
        added["sslrootcert"] = _system_roots(environ)
    return make_conninfo(url, **added) if added else url


def _targets(hosts: str, addresses: str) -> list[str]:
    """Where a connection may go, numbers before names; without any, to the local socket."""
    names, numbers = hosts.split(","), addresses.split(",")
    width = max(len(names), len(numbers))
    names, numbers = ([*one, *[""] * (width - len(one))] for one in (names, numbers))
    return [number or name for name, number in zip(names, numbers, strict=True)]


def _is_local(target: str) -> bool:
    if not target or target.startswith(("/", "@")) or target.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(target.partition("%")[0]).is_loopback
    except ValueError:
        return False


def _service(given: Mapping[str, str], environ: Mapping[str, str]) -> dict[str, str]:
    """What a service file says of the service that is used; nothing where there is none. libpq complains of one."""
    name = given.get("service") or environ.get("PGSERVICE")
    if not name:
        return {}
    own = given.get("servicefile") or environ.get("PGSERVICEFILE")
    files = [Path(own) if own else _home(environ) / ".pg_service.conf"]
    if folder := environ.get("PGSYSCONFDIR"):
        files.append(Path(folder) / "pg_service.conf")
    for file in files:
        try:
            lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            continue
        sections: dict[str, dict[str, str]] = {}
        section: dict[str, str] = {}
        for line in map(str.strip, lines):
            if line.startswith("["):
                section = sections.setdefault(line[1:].partition("]")[0], {})
            elif not line.startswith("#"):
                key, _, value = line.partition("=")
                section.setdefault(key.strip(), value.strip())
        if name in sections:
            return sections[name]
    return {}


def _own_roots(environ: Mapping[str, str]) -> Path:
    """Where libpq looks for roots if it is told no other place (libpq, SSL support)."""
    return _home(environ) / ".postgresql" / "root.crt"


def _home(environ: Mapping[str, str]) -> Path:
    return Path(environ.get("HOME") or "~").expanduser()


def _system_roots(environ: Mapping[str, str]) -> str:
    """The file of roots that this machine trusts, or libpq's word for it where there is none that we know."""
    paths = (environ.get("SSL_CERT_FILE"), ssl.get_default_verify_paths().cafile, *_BUNDLES)
    return next((path for path in paths if path and Path(path).is_file()), "system")
