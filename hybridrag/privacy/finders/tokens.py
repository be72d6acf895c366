"""Tokens that show their vendor: a prefix, an alphabet, a length, as the vendors publish them for secret scanners."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hybridrag.privacy.finders.patterns import compiled, view
from hybridrag.privacy.finders.placeholders import entropy, random_looking
from hybridrag.types import Span

_T = rb"[A-Za-z0-9_-]"
_W = rb"[A-Za-z0-9]"
_VENDORS = (
    # models
    rb"sk-" + _T + rb"{16,}",  # OpenAI, Anthropic, OpenRouter, DeepSeek
    rb"sess-" + _W + rb"{40}",
    rb"fw_" + _T + rb"{16,}",
    rb"tgp_v1_" + _T + rb"{16,}",
    rb"[A-Za-z0-9]{8}[.][A-Za-z0-9]{32}",  # Baseten
    rb"(?:hf|api_org)_" + _W + rb"{16,}",
    rb"gsk_" + _W + rb"{16,}",
    rb"xai-" + _W + rb"{16,}",
    rb"pplx-" + _W + rb"{16,}",
    rb"r8_" + _W + rb"{16,}",
    rb"nvapi-" + _T + rb"{16,}",
    rb"(?:jina|pcsk|tvly|csk|vck|voyage|pa|lsv2_(?:pt|sk)|pk-lf|sk-lf|rpa|esecret|key_live)[_-]" + _T + rb"{24,}",
    rb"wandb_v1_" + _T + rb"{20,}",
    # clouds
    rb"(?:A3T[A-Z0-9]|AKIA|ASIA|AGPA|AIDA|AROA|AIPA|ANPA|ANVA|ABIA|ACCA)[A-Z0-9]{16}",
    rb"ABSK[A-Za-z0-9+/]{40,}={0,2}",
    rb"(?:FwoGZXIvYXdz|IQoJb3JpZ2lu|AQoDYXdz)[A-Za-z0-9+/=]{16,}",  # AWS session tokens
    rb"amzn[.]mws[.][0-9a-f-]{36}",
    rb"amzn1[.]oa2-cs[.]v1[.][0-9a-f]{64}",
    rb"AIza" + _T + rb"{30,}",
    rb"ya29[.][A-Za-z0-9_-]{16,}",
    rb"GOCSPX-" + _T + rb"{16,}",
    rb"1//0" + _T + rb"{30,}",
    rb"[A-Za-z0-9_~.]{3}[0-9]Q~[A-Za-z0-9_~.-]{31,34}",  # Entra client secret
    rb"[A-Za-z0-9+/]{86}==",  # Azure storage, Cosmos DB
    rb"[A-Za-z0-9+/]{33}(?:AIoT|\+ASt|\+AEh|\+ARm)[A-Za-z0-9+/]{5}=",  # Azure IoT, Service Bus, Event Hubs, relay
    rb"[A-Za-z0-9+/]{42}(?:AzSe|\+ACR)[A-Za-z0-9]{5,8}",  # Azure search, container registry
    rb"do[opr]_v1_[a-f0-9]{32,}",
    rb"LTAI[A-Za-z0-9]{12,26}",
    rb"AKID[A-Za-z0-9]{32}",
    rb"v1[.]0-[a-f0-9]{24}-[a-f0-9]{146}",
    rb"HRKU-" + _T + rb"{32,}",
    rb"ocid1[.]credential[.]" + _T + rb"[A-Za-z0-9_.-]{16,}",
    rb"(?:PSK|pscale_(?:tkn|pw|oauth))_" + _T + rb"[A-Za-z0-9_.=-]{15,}",
    rb"(?:sbp|sb_secret|sb_publishable)_" + _T + rb"{20,}",
    rb"(?:vcp|vci|vca|vcr|vck|nfp|nfc|nfo|nfu|nfb|rnd|fo1|FlyV1|fm[12]|render|neon|napi|railway)_" + _T + rb"{24,}",
    rb"FlyV1 fm[12]_[A-Za-z0-9+/=,_-]{32,}",
    rb"dapi[0-9a-f]{32}(?:-[0-9])?",
    rb"AVNS_" + _T + rb"{16,}",
    rb"v1[.][0-9A-Z]{20,}[.][0-9a-f]{32,}",
    # forges and packages
    rb"gh[pousr]_" + _W + rb"{16,}",
    rb"github_pat_[A-Za-z0-9_]{16,}",
    rb"gl(?:pat|dt|rt|rtr|cbt|ptt|ft|imt|agent|soat|ffct|oas|wt)-" + _T + rb"{16,}(?:[.][0-9a-z]{2,12}){0,3}",
    rb"GR1348941" + _T + rb"{16,}",
    rb"_gitlab_session=[0-9a-z]{32}",
    rb"ATBB" + _W + rb"{32}",
    rb"ATCTT3xFfG" + _T + rb"{32,}=?[A-F0-9]*",
    rb"ATATT3" + _T + rb"{32,}=?[A-F0-9]*",
    rb"BBDC-[A-Za-z0-9+/@_-]{32,}",
    rb"npm_" + _W + rb"{30,}",
    rb"pypi-" + _T + rb"{32,}",
    rb"rubygems_[0-9a-f]{32,}",
    rb"oy2[a-z0-9]{43}",
    rb"cio" + _W + rb"{32}",
    rb"dckr_(?:pat|oat)_" + _T + rb"{16,}",
    rb"AKCp" + _W + rb"{32,}",
    rb"cmVmdGtuOj" + _W + rb"{32,}",  # JFrog reference token
    rb"CLOJARS_[0-9a-z]{60}",
    rb"(?:bkua|bkat|CCIPAT|CCIPRJ|tc_token|cpt|cnpm|ionic|hc[aibx]{0,2}k|drn|crp)_" + _T + rb"{24,}",
    rb"t?figd_" + _T + rb"{32,}",
    rb"(?:squ|sqp|sqa)_[0-9a-f]{40}",
    rb"phc_" + _W + rb"{32,}|ph[xs]_" + _W + rb"{32,}",
    # chat and mail
    rb"xox[a-z](?:[.]xox[a-z])?-[A-Za-z0-9-]{8,}",
    rb"xapp-[A-Za-z0-9-]{8,}",
    rb"(?:https?://)?hooks[.]slack[.]com/(?:services|workflows|triggers)/[A-Za-z0-9/_-]{16,}",
    rb"(?:https?://)?discord(?:app)?[.]com/api/(?:v[0-9]{1,2}/)?webhooks/[0-9]{16,20}/" + _T + rb"{32,}",
    rb"(?:https?://)?[A-Za-z0-9-]+[.]webhook[.]office[.]com/webhookb2/[A-Za-z0-9@/-]{64,}",
    rb"(?:https?://)?hooks[.]zapier[.]com/hooks/catch/[0-9]{4,12}/[A-Za-z0-9]{5,12}",
    rb"[MNO][A-Za-z0-9_-]{23,27}[.]" + _T + rb"{6}[.]" + _T + rb"{27,}",  # Discord
    rb"mfa[.]" + _T + rb"{80,}",
    rb"[0-9]{8,10}:AA" + _T + rb"{30,}",  # Telegram
    rb"SG[.]" + _T + rb"{16,}[.]" + _T + rb"{16,}",
    rb"(?:SK|AC)[0-9a-f]{32}",
    rb"key-[0-9a-f]{32}",
    rb"pubkey-[0-9a-f]{32}",
    rb"[0-9a-f]{32}-[0-9a-f]{8}-[0-9a-f]{8}",  # Mailgun
    rb"[0-9a-f]{32}-us[0-9]{1,2}",  # Mailchimp
    rb"xkeysib-[0-9a-f]{64}-" + _W + rb"{16}",
    rb"xsmtpsib-[0-9a-f]{64}-" + _W + rb"{16}",
    rb"re_" + _W + rb"{8}_" + _W + rb"{24}",  # Resend
    rb"mlsn[.][0-9a-f]{64}",
    rb"EAA[A-Za-z0-9]{60,}",
    # money and shops
    rb"[spr]k_(?:live|test|prod)_" + _W + rb"{8,}",
    rb"whsec_[A-Za-z0-9+/=]{16,}",
    rb"sq0(?:atp|csp|idp|csb)-" + _T + rb"{16,}",
    rb"EAAA" + _T + rb"{56,}",
    rb"access_token\$(?:production|sandbox)\$[0-9a-z]{16}\$[0-9a-f]{32}",
    rb"rzp_(?:live|test)_" + _W + rb"{14,}",
    rb"(?:FLW(?:PUBK|SECK)(?:_TEST)?-)[0-9a-zA-Z-]{12,}",
    rb"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}",
    rb"(?:live|test)_" + _W + rb"{30,}",
    rb"plaid-(?:sandbox|development|production)|access-(?:sandbox|development|production)-[0-9a-f-]{36}",
    # operations
    rb"hv[sbr][.]" + _T + rb"{20,}",
    rb"[sb][.][A-Za-z0-9]{24}",
    rb"[A-Za-z0-9]{14}[.]atlasv1[.]" + _T + rb"{60,70}",
    rb"glsa_" + _W + rb"{16,}_[A-Fa-f0-9]{8}",
    rb"glc_[A-Za-z0-9+/=]{16,}",
    rb"eyJrIjoi[A-Za-z0-9+/=_-]{32,}",  # Grafana's older keys
    rb"dp[.](?:pt|st|ct|sa|scim|audit)[.][A-Za-z0-9_.-]{16,}",
    rb"dt0[a-z][0-9]{2}[.][A-Z0-9]{24}[.][A-Z0-9]{64}",
    rb"PMAK-[a-f0-9]{24}-[a-f0-9]{34}",
    rb"NR(?:AK|AA|RA|II|BR|JS)-[A-Za-z0-9-]{16,}",
    rb"[0-9a-f]{36}NRAL",
    rb"tskey-[a-z]+-[A-Za-z0-9-]{16,}",
    rb"AGE-SECRET-KEY-1[0-9A-Z]{32,}",
    rb"sntr(?:ys|yu)_[A-Za-z0-9+/=_-]{32,}",
    rb"sgp_(?:[0-9a-f]{16}_|local_)?[0-9a-f]{40}",
    rb"pul-[0-9a-f]{40}",
    rb"ops_eyJ[A-Za-z0-9+/=_-]{64,}",  # 1Password
    rb"A3-[A-Z0-9]{6}-(?:[A-Z0-9]{5,11}-){2,4}[A-Z0-9]{5}",
    rb"(?:ddp|ddapi|ddapp)_" + _W + rb"{32,}",
    rb"p8e-" + _W + rb"{32}",
    rb"SSWS [A-Za-z0-9_-]{40,44}",  # Okta
    rb"[0-9A-F]{32}-(?:live|test)",
    # offices
    rb"lin_(?:api|oauth)_" + _W + rb"{16,}",
    rb"(?:ntn|secret)_" + _W + rb"{32,}",
    rb"pat" + _W + rb"{14}[.][a-f0-9]{64}",
    rb"[0-2]/[0-9]{12,16}(?:/[0-9]{12,16})?:[0-9a-f]{32}",  # Asana
    rb"figo?[dur]_" + _T + rb"{32,}",
    rb"pat-(?:na|eu)[0-9]-[0-9a-f-]{36}",
    rb"CFPAT-" + _T + rb"{40,}",
    rb"dG9rO[A-Za-z0-9+/=_-]{32,}",
    rb"sl[.][ub]?[.]?" + _T + rb"{120,}",  # Dropbox
    rb"v[1-4][.](?:local|public)[.]" + _T + rb"{32,}(?:[.]" + _T + rb"+)?",  # PASETO
    # more of the kind
    rb"[ps]k[.]eyJ[A-Za-z0-9_-]{16,}(?:[.]" + _T + rb"+)?",  # Mapbox
    rb"[ps]at[.]" + _T + rb"{22}[.][A-Za-z0-9]{24}[.][A-Za-z0-9]{20}",  # Harness
    rb"st[.][0-9a-f]{24}[.][0-9a-f]{32}[.][0-9a-f]{32}",  # Infisical
    rb"EZ[AT]K[A-Za-z0-9]{54}",
    rb"AAAA" + _T + rb"{7}:[A-Za-z0-9_-]{100,}",  # Firebase messaging
    rb"A{16,}[A-Za-z0-9%]{40,}",  # Twitter bearer
    rb"https://[0-9a-f]{32}(?::[0-9a-f]{32})?@[A-Za-z0-9.-]{1,80}/[0-9]{1,20}",  # Sentry
    rb"cloudinary://[0-9]{12,18}:" + _T + rb"+@" + _T + rb"+",
    rb"[0-9]{14,17}(?:\||%7[Cc])" + _T + rb"{27,40}",  # Facebook application
    rb"[0-9]/[0-9]{16}:[0-9a-f]{32}",
    rb"(?:live|sandbox)_" + _T + rb"{40}",  # GoCardless
    rb"fio-u-" + _T + rb"{64}",
    rb"(?:fc|m0|e2b|hm|ls|ico|intapi|lm)[-_][0-9a-f]{32,40}",
    rb"(?:aio|pnu|rdme|tfp|sm_(?:aat|pat|sat)|napi|apify_api|waka|polar_pat|polar_oat|rootly|samsara_api|unkey|"
    rb"zpka|xau|tss"
    rb"|pina|obp|lma|cal_live|os_v2_app|salad_cloud_user|bws|lcp|ghu|hcp|atlas|scw|exo|kb|pk_prod|sgapi|"
    rb"dvc_server|ionic"
    rb"|ion|logfire|spk|fla|nvcf|cog|lago|novu|trk|upk|pat_|tok|tkn|apikey|apitoken)_" + _T + rb"{14,}",
    rb"dnkey-" + _T + rb"{26}-" + _T + rb"{52}",
    rb"tk-us-" + _T + rb"{48}",
    rb"AQVN" + _T + rb"{35,38}",
    rb"t1[.][A-Z0-9a-z_-]+=*[.]" + _T + rb"{60,}=*",
    rb"y[0-3]_" + _T + rb"{50,}",
    rb"[A-Za-z0-9]{6}_[A-Za-z0-9]{29}_mmk",
    rb"endr\+[A-Za-z0-9-]{16}",
    rb"hawk[.]" + _T + rb"{20}[.]" + _T + rb"{20}",
    rb"AstraCS:[A-Za-z]{24}:[0-9a-f]{64}",
    rb"CCDB1_[A-Za-z0-9]{22}_[A-Za-z0-9]{40}",
    rb"API-[A-Z0-9]{25,34}",
    rb"eyJ0eXAiOiAiVENWMiJ9[.][A-Za-z0-9_.-]{60,}",
    rb"sha256~" + _T + rb"{43}",
    rb"(?:sdk|mob|api|rel|srv)-[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}",
    rb"xaat-[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}",
    rb"4b1d[A-Za-z0-9]{38}",  # ClickHouse cloud
    rb"s-s4t2(?:ud|af)-[a-f0-9]{64}",
    rb"0x4AAAAAAA" + _T + rb"{20,30}",
    rb"[a-z0-9]{10}msh[a-z0-9]{15}p1[a-z0-9]{6}jsn[a-z0-9]{12}",
    rb"(?:AKLT|AKTP|LTTAI|JDC_)[A-Za-z0-9]{20,}",
    rb"NF-[A-Za-z0-9]{32}",
    rb"b_[A-Za-z0-9=_-]{44}",
    rb"KEY[0-9A-F]{32}_[A-Za-z0-9]{22}",  # Telnyx
    rb"(?:[a-z]{2,12}_){0,2}(?:sc|ext|scauth|authress)_[a-z0-9]{5,30}[.][a-z0-9]{4,6}[.][a-z0-9_.+/=-]{30,}",
)
_VENDOR = rb"(?:^|[^A-Za-z0-9]|\\[nrt])(" + rb"|".join(_VENDORS) + rb")"
_JWT = rb"eyJ[A-Za-z0-9_-]{6,}(?:[.]" + _T + rb"*){1,4}"
_OTHERS = (
    rb"(?:^|[^A-Za-z0-9])(?:((?i:(?:gh[pousr]_|github_pat_|glpat-|xox[abp]-|hf_|npm_|pypi-|sk_live_|sk-ant-|sk-proj-)"
    + _T + rb"{20,}|(?:akia|asia)[a-z0-9]{16}|aiza" + _T + rb"{35}))"
    rb"|([A-Za-z][A-Za-z0-9]{1,11}_(?:live|test|prod|sandbox|secret|priv|sk|pk|key|api|pat|token|"
    rb"v[0-9])_" + _T + rb"{16,}))"
)  # fmt: skip
_HASH = (
    rb"\$(?:1|2[abxy]?|5|6|7|y|gy|apr1|sha1|argon2(?:id|i|d)|scrypt|pbkdf2[a-z0-9-]*|bcrypt-sha256|md5)\$"
    rb"[A-Za-z0-9./+$=,_-]{20,}"
    rb"|(?:pbkdf2_sha(?:1|256|512)|bcrypt_sha256|scrypt|argon2|bcrypt)\$[A-Za-z0-9./+$=,_:-]{20,}"
    rb"|\{(?:S?SHA(?:256|512)?|S?MD5|CRYPT|PBKDF2[A-Z0-9-]*)\}[A-Za-z0-9./+=$]{16,}"
    rb"|:[0-9a-fA-F]{32}:[0-9a-fA-F]{32}:::"
)
_MORE = re.compile(rb"-?=?\r?\n[ \t>]{0,8}([A-Za-z0-9_-]{4,64})(?![A-Za-z0-9_-])")


def tokens(text: str) -> Iterator[Span]:
    """The tokens in `text`, with what follows on the next line where one was wrapped. Spans may overlap."""
    data = view(text)
    for match in compiled(_VENDOR).finditer(data):
        start, end = match.span(1)
        if _is_token(match.group(1)):
            yield Span(start, _wrapped_end(data, start, end), "SECRET", "vendor-token")
    if b"eyJ" in data:
        for match in compiled(_JWT).finditer(data):
            yield Span(match.start(), _wrapped_end(data, *match.span()), "SECRET", "jwt")
    if b"$" in data or b"}" in data or b":::" in data:
        for match in compiled(_HASH).finditer(data):
            yield Span(match.start(), match.end(), "SECRET", "password-hash")
    for match in compiled(_OTHERS).finditer(data):
        group = match.lastindex
        token = match.group(group)
        if random_looking(token.rpartition(b"_")[2] or token, shortest=12):
            yield Span(
                match.start(group), match.end(group), "SECRET", "vendor-token" if group == 1 else "prefixed-token"
            )


_HEX = frozenset(b"0123456789abcdef")
# Prefixes that words, names of models and of variables begin with as well.
_WORDLIKE = (
    b"sk-", b"fw_", b"key-", b"pypi-", b"xapp-", b"xai-", b"r8_", b"hf_", b"pa-", b"pa_", b"live_", b"test_",
    b"secret_", b"voyage", b"neon", b"render", b"railway", b"ionic", b"cpt_", b"crp_", b"drn_", b"jina", b"rnd_",
    b"ntn_", b"gsk_", b"csk", b"pcsk", b"re_", b"npm_", b"api_org", b"napi", b"rpa", b"hc", b"s.", b"b.", b"fig",
    b"tfig", b"fm", b"sess-", b"cio", b"EAA", b"dG9r", b"pplx-", b"AKID", b"LTAI", b"xox", b"sb_", b"nf", b"vc",
    b"tvly", b"fo1", b"PSK", b"AAAA", b"fc", b"m0", b"hm", b"ls", b"ico", b"intapi", b"lm", b"aio", b"pnu", b"rdme",
    b"tfp", b"sm_", b"waka", b"polar", b"rootly", b"samsara", b"unkey", b"zpka", b"xau", b"tss", b"pina", b"obp",
    b"cal_", b"os_v2", b"bws", b"lcp", b"ghu", b"atlas", b"scw", b"exo", b"kb_", b"pk_prod", b"sgapi", b"dvc",
    b"ion", b"logfire", b"spk", b"fla", b"nvcf", b"cog", b"lago", b"novu", b"trk", b"upk", b"pat_", b"tok", b"tkn",
    b"api", b"AQVN", b"YC", b"y0_", b"y1_", b"y2_", b"y3_", b"4b1d", b"b_", b"NF-", b"AKLT", b"AKTP", b"JDC",
    b"live", b"sandbox", b"st.", b"tk-",
)  # fmt: skip


def _is_token(token: bytes) -> bool:  # noqa: PLR0911 - one family a return
    """Prefixes that names begin with as well need digits or both cases: "sk-learn-contrib-packages" is a name."""
    if token[8:9] == b"." and len(token) == 41:
        return (
            any(48 <= byte <= 57 for byte in token[:8]) and random_looking(token[9:]) and not _HEX.issuperset(token[9:])
        )
    if token[3:4].isdigit() and token[4:6] == b"Q~":
        return True
    if token.endswith(b"=="):
        return random_looking(token[:64]) or any(byte in b"0123456789" for byte in token)
    if token.startswith(b"API-"):
        return any(byte in b"0123456789" for byte in token)
    if not token.startswith(_WORDLIKE):
        return True
    if token.startswith((b"hf_", b"api_org_")) and len(token) >= 34:
        body = token.rpartition(b"_")[2]
        return not body.islower() and not body.isupper() and entropy(body) > 3.5
    body = token[3:]
    digits = sum(48 <= byte <= 57 for byte in body)
    if token.startswith((b"sk-", b"fw_", b"key-", b"pypi-", b"xapp-", b"xox")):
        return digits > 0 or not (body.islower() or body.isupper())
    return random_looking(body[-64:], shortest=8)


def _wrapped_end(data: bytes, start: int, end: int) -> int:
    """Where a token ends that was broken at the end of a line: the next line goes on with signs as random."""
    if end < len(data) and data[end] in b"\r\n=" and end - start >= 8:
        more = _MORE.match(data, end, end + 80)
        if more is not None and random_looking(more.group(1), shortest=4):
            return more.end(1)
    return end
