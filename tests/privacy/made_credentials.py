"""Credentials made at random in their vendors' published formats, and the source lines that hold them."""

from __future__ import annotations

import base64
import json
import random
import string
import uuid
import zlib
from collections.abc import Callable

Make = Callable[[random.Random], str]

LOWER, UPPER, DIGITS = string.ascii_lowercase, string.ascii_uppercase, string.digits
ALNUM = string.ascii_letters + DIGITS
URL_SAFE = ALNUM + "-_"
HEX = "0123456789abcdef"


def some(rng: random.Random, alphabet: str, count: int) -> str:
    return "".join(rng.choice(alphabet) for _ in range(count))


def alnum(rng: random.Random, count: int) -> str:
    """Letters and digits, some of each, as any random draw of this length is but for one in many."""
    made = [rng.choice(LOWER), rng.choice(UPPER), *(rng.choice(DIGITS) for _ in range(2)), *some(rng, ALNUM, count - 4)]
    rng.shuffle(made)
    return "".join(made)


def hexadecimal(rng: random.Random, count: int) -> str:
    return "".join(f"{rng.randrange(256):02x}" for _ in range(count // 2))


def blob(rng: random.Random, count: int, *, url: bool = False) -> str:
    content = rng.randbytes(count)
    return (base64.urlsafe_b64encode if url else base64.b64encode)(content).decode()


def github(rng: random.Random) -> str:
    """A prefix, 30 signs and the CRC-32 of them in base 62, six signs (GitHub, 2021)."""
    body = alnum(rng, 30)
    rest, check = zlib.crc32(body.encode()), ""
    for _ in range(6):
        rest, digit = divmod(rest, 62)
        check = (DIGITS + UPPER + LOWER)[digit] + check
    return f"{rng.choice(['ghp', 'gho', 'ghu', 'ghs', 'ghr'])}_{body}{check}"


def jwt(rng: random.Random) -> str:
    def part(content: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")

    head = {"alg": rng.choice(["HS256", "RS256", "ES256"]), "typ": "JWT"}
    claims = {"sub": some(rng, DIGITS, 10), "iat": rng.randrange(1_500_000_000, 1_800_000_000)}
    return f"{part(head)}.{part(claims)}.{blob(rng, 32, url=True).rstrip('=')}"


def pem(rng: random.Random) -> str:
    kind = rng.choice(["RSA ", "EC ", "OPENSSH ", "", "ENCRYPTED ", "DSA "])
    body = blob(rng, rng.randrange(200, 900))
    lines = [body[at : at + 64] for at in range(0, len(body), 64)]
    if kind == "RSA " and rng.random() < 0.3:
        lines[:0] = ["Proc-Type: 4,ENCRYPTED", f"DEK-Info: AES-128-CBC,{some(rng, HEX.upper(), 32)}", ""]
    return "\n".join([f"-----BEGIN {kind}PRIVATE KEY-----", *lines, f"-----END {kind}PRIVATE KEY-----"])


VENDORS: dict[str, Make] = {
    "aws key id": lambda r: r.choice(["AKIA", "ASIA", "ABIA", "ACCA"]) + some(r, UPPER + "234567", 16),
    "aws session": lambda r: "IQoJb3JpZ2luX2Vj" + blob(r, 240),
    "gcp api key": lambda r: "AIza" + alnum(r, 35),
    "gcp oauth": lambda r: "GOCSPX-" + alnum(r, 28),
    "gcp access": lambda r: "ya29." + alnum(r, 60),
    "azure storage": lambda r: base64.b64encode(r.randbytes(64)).decode(),
    "azure client": lambda r: alnum(r, 4)[:3] + r.choice("78") + "Q~" + some(r, ALNUM + "_-.~", 33) + "a",
    "github": github,
    "github fine": lambda r: f"github_pat_{some(r, UPPER + DIGITS, 22)}_{alnum(r, 59)}",
    "gitlab": lambda r: r.choice(["glpat-", "gldt-", "glrt-", "glcbt-", "glptt-", "glft-", "glsoat-"]) + alnum(r, 20),
    "slack bot": lambda r: f"xoxb-{some(r, DIGITS, 12)}-{some(r, DIGITS, 13)}-{alnum(r, 24)}",
    "slack user": lambda r: (
        f"xoxp-{some(r, DIGITS, 12)}-{some(r, DIGITS, 12)}-{some(r, DIGITS, 13)}-{hexadecimal(r, 32)}"
    ),
    "slack hook": lambda r: (
        f"https://hooks.slack.com/services/T{some(r, UPPER + DIGITS, 10)}/B{some(r, UPPER + DIGITS, 10)}/{alnum(r, 24)}"
    ),
    "discord hook": lambda r: f"https://discord.com/api/webhooks/{some(r, '123456789', 18)}/{alnum(r, 68)}",
    "discord bot": lambda r: f"M{alnum(r, 25)}.{alnum(r, 6)}.{alnum(r, 38)}",
    "telegram": lambda r: f"{some(r, '123456789', 10)}:AA{alnum(r, 33)}",
    "stripe": lambda r: f"{r.choice(['sk', 'rk', 'pk'])}_{r.choice(['live', 'test'])}_{alnum(r, r.choice([24, 99]))}",
    "stripe hook": lambda r: "whsec_" + alnum(r, 32),
    "square": lambda r: "sq0atp-" + alnum(r, 22),
    "braintree": lambda r: f"access_token$production${some(r, LOWER + DIGITS, 16)}${hexadecimal(r, 32)}",
    "twilio": lambda r: "SK" + hexadecimal(r, 32),
    "sendgrid": lambda r: f"SG.{alnum(r, 22)}.{alnum(r, 43)}",
    "mailgun": lambda r: "key-" + hexadecimal(r, 32),
    "mailchimp": lambda r: f"{hexadecimal(r, 32)}-us{r.randrange(1, 22)}",
    "brevo": lambda r: f"xkeysib-{hexadecimal(r, 64)}-{alnum(r, 16)}",
    "openai": lambda r: f"sk-proj-{alnum(r, 74)}T3BlbkFJ{alnum(r, 74)}",
    "openai old": lambda r: f"sk-{alnum(r, 20)}T3BlbkFJ{alnum(r, 20)}",
    "anthropic": lambda r: f"sk-ant-api03-{alnum(r, 93)}AA",
    "groq": lambda r: "gsk_" + alnum(r, 52),
    "together": lambda r: "tgp_v1_" + alnum(r, 43),
    "fireworks": lambda r: "fw_" + alnum(r, 22),
    "baseten": lambda r: f"{alnum(r, 8)}.{alnum(r, 32)}",
    "replicate": lambda r: "r8_" + alnum(r, 37),
    "hugging face": lambda r: "hf_" + some(r, string.ascii_letters, 15) + alnum(r, 19),
    "xai": lambda r: "xai-" + alnum(r, 80),
    "perplexity": lambda r: "pplx-" + alnum(r, 48),
    "npm": lambda r: "npm_" + alnum(r, 36),
    "pypi": lambda r: "pypi-AgEIcHlwaS5vcmc" + alnum(r, 120),
    "rubygems": lambda r: "rubygems_" + hexadecimal(r, 48),
    "nuget": lambda r: "oy2" + some(r, LOWER + DIGITS, 41) + "2k",
    "crates": lambda r: "cio" + alnum(r, 32),
    "docker": lambda r: "dckr_pat_" + alnum(r, 27),
    "digitalocean": lambda r: f"{r.choice(['dop', 'doo', 'dor'])}_v1_{hexadecimal(r, 64)}",
    "heroku": lambda r: "HRKU-AA" + alnum(r, 58),
    "supabase": lambda r: "sbp_" + hexadecimal(r, 40),
    "planetscale": lambda r: "pscale_tkn_" + alnum(r, 43),
    "databricks": lambda r: "dapi" + hexadecimal(r, 32),
    "new relic": lambda r: "NRAK-" + some(r, UPPER + DIGITS, 27),
    "grafana": lambda r: f"glsa_{alnum(r, 32)}_{hexadecimal(r, 8)}",
    "sentry": lambda r: "sntryu_" + hexadecimal(r, 64),
    "atlassian": lambda r: f"ATATT3xFfGF0{alnum(r, 176)}={some(r, HEX.upper(), 8)}",
    "bitbucket": lambda r: "ATBB" + alnum(r, 32),
    "linear": lambda r: "lin_api_" + alnum(r, 40),
    "notion": lambda r: "ntn_" + alnum(r, 46),
    "airtable": lambda r: f"pat{alnum(r, 14)}.{hexadecimal(r, 64)}",
    "asana": lambda r: f"1/{some(r, '123456789', 16)}:{hexadecimal(r, 32)}",
    "figma": lambda r: "figd_" + alnum(r, 40),
    "shopify": lambda r: r.choice(["shpat_", "shpca_", "shppa_", "shpss_"]) + hexadecimal(r, 32),
    "terraform": lambda r: f"{alnum(r, 14)}.atlasv1.{alnum(r, 67)}",
    "vault": lambda r: "hvs.CAES" + alnum(r, 90),
    "doppler": lambda r: "dp.pt." + alnum(r, 43),
    "age": lambda r: "AGE-SECRET-KEY-1" + some(r, "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", 58),
    "postman": lambda r: f"PMAK-{hexadecimal(r, 24)}-{hexadecimal(r, 34)}",
    "tailscale": lambda r: f"tskey-auth-{alnum(r, 16)}-{alnum(r, 32)}",
    "sonar": lambda r: "squ_" + hexadecimal(r, 40),
    "okta header": lambda r: "SSWS 00" + alnum(r, 40),
    "mapbox": lambda r: f"sk.eyJ{alnum(r, 84)}.{alnum(r, 22)}",
    "harness": lambda r: f"pat.{alnum(r, 22)}.{alnum(r, 24)}.{alnum(r, 20)}",
    "infisical": lambda r: f"st.{hexadecimal(r, 24)}.{hexadecimal(r, 32)}.{hexadecimal(r, 32)}",
    "easypost": lambda r: "EZAK" + alnum(r, 54),
    "firebase": lambda r: f"AAAA{alnum(r, 7)}:{alnum(r, 140)}",
    "twitter": lambda r: "A" * 21 + alnum(r, 60) + "%3D" + alnum(r, 40),
    "facebook app": lambda r: f"{some(r, '123456789', 15)}|{alnum(r, 27)}",
    "gocardless": lambda r: "live_" + alnum(r, 40),
    "frame.io": lambda r: "fio-u-" + alnum(r, 64),
    "firecrawl": lambda r: "fc-" + hexadecimal(r, 32),
    "adafruit": lambda r: "aio_" + alnum(r, 28),
    "apify": lambda r: "apify_api_" + alnum(r, 36),
    "prefect": lambda r: "pnu_" + alnum(r, 36),
    "typeform": lambda r: f"tfp_{alnum(r, 44)}_{alnum(r, 14)}",
    "scalingo": lambda r: "tk-us-" + alnum(r, 48),
    "yandex": lambda r: "AQVN" + alnum(r, 35),
    "maxmind": lambda r: f"{alnum(r, 6)}_{alnum(r, 29)}_mmk",
    "datastax": lambda r: f"AstraCS:{some(r, string.ascii_letters, 24)}:{hexadecimal(r, 64)}",
    "cockroach": lambda r: f"CCDB1_{alnum(r, 22)}_{alnum(r, 40)}",
    "octopus": lambda r: "API-" + some(r, UPPER, 10) + some(r, DIGITS + UPPER, 14) + "7Q",
    "openshift": lambda r: "sha256~" + alnum(r, 43),
    "launchdarkly": lambda r: "sdk-" + str(uuid.UUID(int=r.getrandbits(128))),
    "sentry dsn": lambda r: f"https://{hexadecimal(r, 32)}@o{some(r, '123456789', 6)}.ingest.sentry.io/4501",
    "no vendor": lambda r: alnum(r, 32) + "x9Q2",
    "jwt": jwt,
    "paseto": lambda r: f"v4.local.{alnum(r, 120)}",
    "unknown vendor": lambda r: (
        f"{some(r, LOWER, r.randrange(2, 8))}_{r.choice(['live', 'test', 'prod', 'sk', 'pk'])}_{alnum(r, 28)}"
    ),
    "crypt hash": lambda r: f"$2b$12${some(r, ALNUM + './', 53)}",
    "argon hash": lambda r: f"$argon2id$v=19$m=65536,t=3,p=4${alnum(r, 22)}${alnum(r, 43)}",
}
"""Tokens that show what they are, wherever they stand."""

_WORDS = (
    "summer",
    "winter",
    "dragon",
    "falcon",
    "coffee",
    "berlin",
    "hafen",
    "tiger",
    "mond",
    "garten",
    "silver",
    "rocket",
)


def password(rng: random.Random) -> str:
    word = rng.choice(_WORDS)
    forms: list[Callable[[], str]] = [
        lambda: f"{word.capitalize()}{rng.randrange(1950, 2031)}{rng.choice('!#%*?$')}",
        lambda: f"{word}{rng.randrange(10, 9999)}",
        lambda: f"{rng.choice(_WORDS)}-{rng.choice(_WORDS)}-{rng.choice(_WORDS)}-{rng.randrange(10, 99)}",
        lambda: f"{word[:3]}@{some(rng, ALNUM, 6)}!{rng.randrange(10)}x",
        lambda: alnum(rng, rng.randrange(8, 20)),
        lambda: f"{alnum(rng, 6)}+{some(rng, ALNUM, 5)}%{some(rng, ALNUM, 3)}",
        lambda: f"{word}_{rng.choice(_WORDS)}_{rng.randrange(100)}",
        lambda: f"{alnum(rng, 5)}{some(rng, '!#$%()*+,-./:;=?@[]^_{|}~', 4)}{alnum(rng, 4)}",
    ]
    return rng.choice(forms)()


def key(rng: random.Random) -> str:
    forms: list[Callable[[], str]] = [
        lambda: hexadecimal(rng, rng.choice([32, 40, 64])),
        lambda: alnum(rng, rng.choice([20, 24, 32, 40, 64])),
        lambda: blob(rng, rng.choice([24, 32, 48])),
        lambda: blob(rng, 30, url=True),
        lambda: str(uuid.UUID(int=rng.getrandbits(128))),
    ]
    return rng.choice(forms)()


_OWNERS = (
    "db",
    "mysql",
    "admin",
    "prod",
    "my",
    "app",
    "redis",
    "smtp",
    "user",
    "root",
    "backup",
    "staging",
    "ldap",
    "default",
)
_PASSWORDS = ("password", "passwd", "pwd", "pass", "passphrase")
_KEYS = (
    "secret", "token", "api_key", "secret_key", "access_token", "auth_token", "client_secret", "private_key",
    "access_key", "encryption_key", "signing_key", "jwt_secret", "refresh_token", "bot_token", "webhook_secret",
    "master_key", "salt",
)  # fmt: skip


def name(rng: random.Random, words: tuple[str, ...]) -> str:
    parts = [*([rng.choice(_OWNERS)] if rng.random() < 0.6 else []), *rng.choice(words).split("_")]
    return rng.choice(
        [
            "_".join(parts),
            "_".join(parts).upper(),
            parts[0] + "".join(part.capitalize() for part in parts[1:]),
            "".join(part.capitalize() for part in parts),
            "-".join(parts),
        ]
    )


def _identifier(text: str) -> str:
    return text.replace("-", "_")


ASSIGNED: dict[str, tuple[str, Callable[[str, str], str]]] = {
    "python": (".py", lambda n, v: f'{_identifier(n)} = "{v}"'),
    "python call": (".py", lambda n, v: f"    client = connect(host, {_identifier(n)}='{v}', timeout=3)"),
    "python dict": (".py", lambda n, v: f"    '{n}': '{v}',"),
    "python typed": (".py", lambda n, v: f'    {_identifier(n)}: str = "{v}"'),
    "python default": (".py", lambda n, v: f'value = os.environ.get("{_identifier(n).upper()}", "{v}")'),
    "javascript": (".js", lambda n, v: f"const {_identifier(n)} = '{v}';"),
    "javascript object": (".js", lambda n, v: f'  "{n}": `{v}`,'),
    "javascript fallback": (".js", lambda n, v: f"const x = process.env.{_identifier(n).upper()} || '{v}';"),
    "typescript": (".ts", lambda n, v: f'private readonly {_identifier(n)}: string = "{v}";'),
    "json": (".json", lambda n, v: f'    "{n}": "{v}",'),
    "json escaped": (".json", lambda n, v: f'    "body": "{{\\"{n}\\": \\"{v}\\"}}",'),
    "yaml": (".yaml", lambda n, v: f"  {n}: {v}"),
    "yaml quoted": (".yaml", lambda n, v: f'  {n}: "{v}"'),
    "kubernetes env": (".yaml", lambda n, v: f'        - name: {_identifier(n).upper()}\n          value: "{v}"'),
    "toml": (".toml", lambda n, v: f'{n} = "{v}"'),
    "ini": (".cfg", lambda n, v: f"{n} = {v}"),
    "env": (".env", lambda n, v: f"{_identifier(n).upper()}={v}"),
    "shell": (".sh", lambda n, v: f"export {_identifier(n).upper()}='{v}'"),
    "dockerfile": (".docker", lambda n, v: f"ENV {_identifier(n).upper()}={v}"),
    "properties": (".properties", lambda n, v: f"spring.datasource.{n}={v}"),
    "xml": (".xml", lambda n, v: f"  <{n}>{v}</{n}>"),
    "xml value": (".xml", lambda n, v: f'  <add key="{n}" value="{v}" />'),
    "java": (".java", lambda n, v: f'    private static final String {_identifier(n)} = "{v}";'),
    "java setter": (".java", lambda n, v: f'    props.setProperty("{n}", "{v}");'),
    "go": (".go", lambda n, v: f'\t{_identifier(n)} := "{v}"'),
    "go field": (".go", lambda n, v: f'\t\t{_identifier(n)}: "{v}",'),
    "c#": (".cs", lambda n, v: f'    public string {_identifier(n)} {{ get; set; }} = "{v}";'),
    "c define": (".h", lambda n, v: f'#define {_identifier(n).upper()} "{v}"'),
    "rust": (".rs", lambda n, v: f'let {_identifier(n)}: &str = "{v}";'),
    "php": (".php", lambda n, v: f"    '{n}' => '{v}',"),
    "php define": (".php", lambda n, v: f"define('{_identifier(n).upper()}', '{v}');"),
    "ruby": (".rb", lambda n, v: f"  {_identifier(n)}: '{v}',"),
    "terraform": (".tf", lambda n, v: f'variable "{n}" {{\n  default = "{v}"\n}}'),
    "powershell": (".ps1", lambda n, v: f'$env:{_identifier(n).upper()} = "{v}"'),
    "flag": (".sh", lambda n, v: f"./deploy --host a --{n} {v} --verbose"),
    "markdown": (".md", lambda n, v: f"- {n}: `{v}`"),
    "markdown bold": (".md", lambda n, v: f"**{n}**: ``{v}``"),
    "markdown table": (".md", lambda n, v: f"| {n} | `{v}` |"),
    "markdown sentence": (".md", lambda n, v: f"Set `{_identifier(n).upper()}` to `{v}` first."),
    "python brackets": (".py", lambda n, v: f'{_identifier(n)} = (\n    "{v}"\n)'),
    "python field": (".py", lambda n, v: f'    {_identifier(n)}: str = Field(default="{v}")'),
    "python argument": (".py", lambda n, v: f"parser.add_argument('--{n}', default='{v}')"),
    "python compared": (".py", lambda n, v: f'    if given["{n}"] != "{v}":'),
    "nullish": (".ts", lambda n, v: f'const {_identifier(n)} = options.value ?? "{v}";'),
    "visual basic": (".vb", lambda n, v: f'Dim {_identifier(n)} As String = "{v}"'),
    "c++": (".cpp", lambda n, v: f'std::string {_identifier(n)}("{v}");'),
    "c array": (".c", lambda n, v: f'static char {_identifier(n)}[] = "{v}";'),
    "gradle": (".gradle", lambda n, v: f'buildConfigField "String", "{_identifier(n).upper()}", "\\"{v}\\""'),
    "secure string": (".ps1", lambda n, v: f"${_identifier(n)} = ConvertTo-SecureString '{v}' -AsPlainText -Force"),
    "shell default": (".sh", lambda n, v: f"{_identifier(n).upper()}=${{{_identifier(n).upper()}:-{v}}}"),
    "dockerfile blank": (".docker", lambda n, v: f"ENV {_identifier(n).upper()} {v}"),
    "property list": (".plist", lambda n, v: f"<key>{n}</key>\n<string>{v}</string>"),
    "xml setting": (".xml", lambda n, v: f"<setting name='{n}' type='string'>{v}</setting>"),
    "helm": (".tf", lambda n, v: f'set_sensitive {{\n  name  = "{n}"\n  value = "{v}"\n}}'),
    "cloudformation": (".yaml", lambda n, v: f"  {_identifier(n)}:\n    Type: String\n    Default: {v}"),
    "yaml block": (".yaml", lambda n, v: f"{n}: |\n  {v}"),
    "pipeline": (".yml", lambda n, v: f"echo '##vso[task.setvariable variable={_identifier(n)}]{v}'"),
    "csv": (".csv", lambda n, v: f"host,{n},port\ndb1,{v},5432"),
    "tsv": (".tsv", lambda n, v: f"host\t{n}\ndb1\t{v}"),
    "sql insert": (".sql", lambda n, v: f"INSERT INTO t (id, {_identifier(n)}) VALUES (7, '{v}');"),
    "joined": (".js", lambda n, v: f'const {_identifier(n)} = "{v}" + "";'),
}
"""How one name is given one value, by file kind."""

_SAID = ("The password is", "Das Passwort lautet", "Password for staging is", "pw:")


def _basic(user: str, secret: str) -> str:
    return base64.b64encode(f"{user}:{secret}".encode()).decode()


CARRIED: dict[str, tuple[str, Callable[[random.Random, str], str]]] = {
    "url": (".py", lambda r, v: f'DATABASE = "postgresql://app:{v}@db{r.randrange(9)}.internal:5432/shop"'),
    "redis url": (".env", lambda r, v: f"REDIS_URL=redis://:{v}@cache.internal:6379/0"),
    "git url": (".sh", lambda r, v: f"git clone https://ci:{v}@git.internal/team/app.git"),
    "basic header": (".sh", lambda r, v: f"curl -H 'Authorization: Basic {_basic('app', v)}' x"),
    "curl user": (".sh", lambda r, v: f"curl -u admin:{v} https://api.internal/v1"),
    "netrc": (".netrc", lambda r, v: f"machine api.internal\n  login build\n  password {v}"),
    "pgpass": (".pgpass", lambda r, v: f"db.internal:5432:shop:app:{v}"),
    "connection string": (".cs", lambda r, v: f'var c = "Server=db;Database=shop;User Id=sa;Password={v};Ssl=True";'),
    "jdbc": (".properties", lambda r, v: f"url=jdbc:mysql://db:3306/shop?user=app&password={v}"),
    "sql": (".sql", lambda r, v: f"CREATE USER 'app'@'%' IDENTIFIED BY '{v}';"),
    "prose": (".md", lambda r, v: f"{r.choice(_SAID)} {v}"),
    "docker login": (".sh", lambda r, v: f"docker login -u bot -p {v} hub.internal"),
    "htpasswd": (".sh", lambda r, v: f"htpasswd -b .htpasswd admin {v}"),
    "net user": (".bat", lambda r, v: f"net user backup {v} /add"),
    "chpasswd": (".sh", lambda r, v: f"echo 'root:{v}' | chpasswd"),
    "sqlplus": (".sh", lambda r, v: f"sqlplus scott/{v}@//db:1521/shop"),
    "ldapsearch": (".sh", lambda r, v: f"ldapsearch -D cn=admin -w {v} -b dc=internal"),
    "mysqli": (".php", lambda r, v: f'mysqli_connect("localhost", "root", "{v}", "shop");'),
    "pdo": (".php", lambda r, v: f"new PDO('mysql:host=db;dbname=shop', 'root', '{v}');"),
    "mail login": (".py", lambda r, v: f'server.login("me@internal.example", "{v}")'),
    "jwt sign": (".js", lambda r, v: f"jwt.sign({{ id: 1 }}, '{v}', {{ algorithm: 'HS256' }})"),
    "typed": (".py", lambda r, v: f'driver.find_element(By.ID, "password").send_keys("{v}")'),
    "below": (".md", lambda r, v: f"The database password:\n\n    {v}\n"),
    "docker auth": (".json", lambda r, v: f'  "auths": {{"hub": {{"auth": "{_basic("bot", v)}"}}}}'),
    "kubernetes": (
        ".yaml",
        lambda r, v: f"---\nkind: Secret\ndata:\n  one: {base64.b64encode(v.encode()).decode()}\n---",
    ),
}  # fmt: skip
"""Passwords in what carries them; of encoded ones the encoded form is the value."""

_DELIMITED = {
    "url", "redis url", "git url", "jdbc", "curl user", "pgpass", "connection string", "prose", "docker login",
    "htpasswd", "net user", "chpasswd", "sqlplus", "ldapsearch", "mysqli", "pdo", "mail login", "jwt sign", "typed",
    "below",
}  # fmt: skip

KEYS_CARRIED: dict[str, tuple[str, Callable[[random.Random, str], str]]] = {
    "bearer header": (".sh", lambda r, v: f'curl -H "Authorization: Bearer {v}" https://api.internal'),
    "key header": (".py", lambda r, v: f'headers = {{"X-API-Key": "{v}", "Accept": "*/*"}}'),
    "parameter": (".md", lambda r, v: f"GET https://api.internal/v1/items?page=2&api_key={v}&sort=up"),
    "signed": (".md", lambda r, v: f"https://store.internal/b/c?se=2030-01-01&sp=r&sig={v.replace('+', '%2B')}"),
    "cookie": (".txt", lambda r, v: f"Cookie: theme=dark; sessionid={v}; lang=de"),
    "npmrc": (".npmrc", lambda r, v: f"//registry.internal/:_authToken={v}"),
    "azure": (".env", lambda r, v: f"CONN=DefaultEndpointsProtocol=https;AccountName=a;AccountKey={blob(r, 64)}"),
    "aws": (".cfg", lambda r, v: f"aws_secret_access_key = {blob(r, 30)}"),
    "prose key": (
        ".md",
        lambda r, v: f"{r.choice(['Use the API key', 'Der API-Key ist', 'Our access token is'])} {v} for now.",
    ),
}


def embedded_values(kind: str, line: str, value: str) -> str:
    """The part of `line` that is the credential, where the carrier encodes or makes it."""
    if value in line:
        return value
    if kind == "azure":
        return line.rpartition("AccountKey=")[2]
    if kind == "aws":
        return line.rpartition(" = ")[2]
    if kind == "signed":
        return line.rpartition("sig=")[2]
    encoded = [base64.b64encode((before + value).encode()).decode() for before in ("", "app:", "bot:")]
    return next(form for form in encoded if form in line)


def credential(rng: random.Random, family: str) -> tuple[str, str, str]:
    """A (kind, source lines, value in them) of one of `FAMILIES`."""
    if family == "pem":
        value = pem(rng)
        return "pem", *_framed(rng, value)
    if family in {"carrier", "key carrier"}:
        table = CARRIED if family == "carrier" else KEYS_CARRIED
        kind = rng.choice(sorted(table))
        value = _without_signs(rng) if kind in _DELIMITED else password(rng)
        if family == "key carrier":
            value = key(rng)
        line = table[kind][1](rng, value)
        return kind, line, embedded_values(kind, line, value)
    kind = rng.choice(sorted(ASSIGNED))
    if family == "vendor":
        vendor = rng.choice(sorted(VENDORS))
        value = VENDORS[vendor](rng)
        return vendor, ASSIGNED[kind][1](name(rng, (*_KEYS, "value", "setting")), value), value
    value, words = (password(rng), _PASSWORDS) if family == "password" else (key(rng), _KEYS)
    return kind, ASSIGNED[kind][1](name(rng, words), value), value


FAMILIES = ("vendor", "password", "key", "carrier", "key carrier", "pem")


def _without_signs(rng: random.Random) -> str:
    return alnum(rng, rng.randrange(8, 24))


def _framed(rng: random.Random, value: str) -> tuple[str, str]:
    form = rng.randrange(4)
    if form == 0:
        value = value.replace("\n", "\\n")
        return f'  "private_key": "{value}\\n",', value
    if form == 1:
        value = value.replace("\n", "\n    ")
        return f"  key: |\n    {value}", value
    if form == 2:
        lines = value.split("\n")
        value = "\n".join(lines[: max(4, len(lines) // 2)])  # cut
        return value, value
    return value, value
