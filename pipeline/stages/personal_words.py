"""Finds e-mail addresses, credentials in URLs, and keys of well-known formats."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipeline.stages.spans import Detector, Span, merged

LETTER = r"A-Za-z\u00AA\u00BA\u00C0-\u00D6\u00D8-\u00F6\u00F8-\u024F\u1E00-\u1EFF"
EMAIL = re.compile(
    rf"[{LETTER}0-9_%+-](?:[{LETTER}0-9._%+'-]{{0,62}}[{LETTER}0-9_%+-])?"
    rf"@(?:[{LETTER}0-9][{LETTER}0-9-]{{0,62}}\.){{1,8}}[{LETTER}]{{2,24}}"
)
AT = re.compile(rf"[{LETTER}0-9_%+-]@[{LETTER}0-9]")
"""The characters around the `@` of an address; few `@` in code and its documentation match."""

BEFORE_AT, AFTER_AT = 64, 256


def emails(text: str) -> Iterator[Span]:
    """Addresses, searched only around each `@`: searching the whole text would be slow."""
    places = (match.start() for match in re.finditer("@", text))
    signs = (at for at in places if at and AT.match(text, at - 1))
    for start, end in merged((at - BEFORE_AT, at + AFTER_AT) for at in signs):
        for match in EMAIL.finditer(text, start, end):
            if not _is_name(match):
                yield match.span()


IMAGES = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".svg", ".avif", ".bmp", ".ico", ".heic")


def _is_name(match: re.Match[str]) -> bool:
    """Whether an address is an image's name (`logo@2x.png`) or a repository's (`git@host:team`)."""
    place = match.group().casefold()
    repository = place.startswith("git@") and _PATH.match(match.string, match.end())
    return bool(repository) or place.endswith(IMAGES)


_PATH = re.compile(r"[:/][\w~/.-]")

CREDENTIALS = re.compile(r"(?<=://)[^\s/@:'\"<>]{0,128}:[^\s/'\"<>]{1,128}(?=@)")
"""Up to the last `@` before a slash or a blank: passwords may hold one."""


def url_credentials(text: str) -> Iterator[Span]:
    """`user:password` in `scheme://user:password@host`."""
    for match in re.finditer("://", text):
        credentials = CREDENTIALS.match(text, match.end())
        if credentials:
            yield credentials.span()


W = r"[A-Za-z0-9_-]"
SECRETS: dict[str, str] = {
    "AKIA": r"[A-Z2-7]{16}\b",  # AWS access keys, of users and of sessions
    "ASIA": r"[A-Z2-7]{16}\b",
    "ABSK": r"[A-Za-z0-9+/]{80,}={0,2}",  # Amazon Bedrock API keys
    "bedrock-api-key-": r"[A-Za-z0-9+/]{40,}={0,2}",
    "ghp_": r"[A-Za-z0-9]{36,251}",  # GitHub
    "gho_": r"[A-Za-z0-9]{36,251}",
    "ghu_": r"[A-Za-z0-9]{36,251}",
    "ghs_": r"[A-Za-z0-9]{36,251}",
    "ghr_": r"[A-Za-z0-9]{36,251}",
    "github_pat_": r"[A-Za-z0-9_]{36,251}",
    "glpat-": rf"{W}{{20,}}",  # GitLab
    "xoxb-": r"[A-Za-z0-9-]{10,}",  # Slack
    "xoxp-": r"[A-Za-z0-9-]{10,}",
    "xoxa-": r"[A-Za-z0-9-]{10,}",
    "xoxs-": r"[A-Za-z0-9-]{10,}",
    "xapp-": r"[A-Za-z0-9-]{10,}",
    "hooks.slack.com/services/": r"T[A-Z0-9]{6,}/B[A-Z0-9]{6,}/[A-Za-z0-9]{16,}",
    "sk_live_": r"[A-Za-z0-9]{16,}",  # Stripe
    "sk_test_": r"[A-Za-z0-9]{16,}",
    "rk_live_": r"[A-Za-z0-9]{16,}",
    "AIza": rf"{W}{{35}}(?!{W})",  # Google
    "ya29.": rf"{W}{{20,}}",
    "sk-ant-": rf"{W}{{20,}}",  # Anthropic
    "sk-proj-": rf"{W}{{20,}}",  # OpenAI
    "sk-": r"[A-Za-z0-9]{32,}",
    "hf_": r"[A-Za-z0-9]{30,}",  # Hugging Face
    "npm_": r"[A-Za-z0-9]{36}\b",
    "pypi-": rf"{W}{{50,}}",
    "dop_v1_": r"[0-9a-f]{64}\b",  # DigitalOcean
    "SG.": rf"{W}{{16,32}}\.{W}{{32,64}}",  # SendGrid
    "AccountKey=": r"[A-Za-z0-9+/]{86}==",  # Azure storage
    "eyJ": rf"{W}{{10,}}\.eyJ{W}{{10,}}\.{W}{{10,}}",  # JSON web tokens
    "-----BEGIN ": r"[A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----"
    r"(?:[A-Za-z0-9+/=\s:,.]|-(?!-)){16,20000}-----END [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----",
}
"""Beginnings of keys of well-known formats, each with a regex for the rest of the key."""

GIVEN = r"(?i:aws_?secret_?access_?key|secret_?key|secretaccesskey)[\"']?\s{0,3}[:=]\s{0,3}[\"']?"
"""An AWS secret key has no shape of its own, so it is recognised by the name before it."""

_STARTS = re.compile(r"(?<![A-Za-z0-9_])(?:" + "|".join(map(re.escape, SECRETS)) + ")")
_TAILS = {start: re.compile(tail) for start, tail in SECRETS.items()}
_GIVEN = re.compile(rf"{GIVEN}(?P<key>[A-Za-z0-9/+]{{40}})(?![A-Za-z0-9/+=])")


def secrets(text: str) -> Iterator[Span]:
    """Keys, tokens and private keys as their issuers write them."""
    for match in _STARTS.finditer(text):
        tail = _TAILS[match.group()].match(text, match.end())
        if tail:
            yield match.start(), tail.end()
    for match in _GIVEN.finditer(text):
        yield match.span("key")


SECRET_GATE = "|".join(re.escape(start) + r"[A-Za-z0-9]" for start in SECRETS if start != "sk-")
WORDS = (
    Detector("secret", rf"{SECRET_GATE}|sk-[A-Za-z0-9]{{32}}|{GIVEN}[A-Za-z0-9/+]{{40}}", secrets),
    Detector("url_credentials", r"://[^\s/@]*:[^\s/@]+@", url_credentials),
    Detector("email", "@", emails),
)
