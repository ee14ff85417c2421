"""Mail providers whose other spellings of an address reach the same person, each with its source.

Wrongly merging two people is worse than missing a duplicate, so a rule stands here only where the provider
says so itself or its behaviour is well documented. Left out on purpose: Yahoo (no plus; its hyphenated
addresses have a base name of their own, unrelated to the login), Yandex's and Mail.ru's dots and hyphens,
ukr.net and i.ua (nothing found), and companies' own domains at Google (dots matter there) or Microsoft (an
administrator can switch the plus off).
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Provider:
    """How one provider reads the part before the @.

    Attributes:
        domains: Where these rules hold.
        canonical: The domain that stands for all of them, where they are one name space; else None.
        plus: Whether a plus sign and what follows is a tag.
        ignored: Characters that the provider does not look at.
        subdomains: Whether `tag@name.domain` is `name@domain`.
        source: Where this is documented.
    """

    domains: frozenset[str]
    source: str
    canonical: str | None = None
    plus: bool = False
    ignored: str = ""
    subdomains: bool = False


PROVIDERS = (
    Provider(
        domains=frozenset({"gmail.com", "googlemail.com"}),
        canonical="gmail.com",
        plus=True,
        ignored=".",
        source="Gmail Help, 'Dots don't matter in Gmail addresses' (answer 7436150); Official Gmail Blog, "
        "'2 hidden ways to get more from your Gmail address' (plus, googlemail.com)",
    ),
    Provider(
        domains=frozenset(
            {
                *("outlook.com", "outlook.fr", "outlook.de", "outlook.es", "outlook.it", "outlook.com.br"),
                *("hotmail.com", "hotmail.co.uk", "hotmail.fr", "hotmail.de", "hotmail.it", "hotmail.es"),
                *("live.com", "live.co.uk", "live.fr", "live.nl", "live.ie", "msn.com"),
            }
        ),
        plus=True,
        source="ZDNet on Microsoft's roadmap, 2020: plus addressing in Hotmail since 2013; Microsoft Learn, "
        "'Plus Addressing in Exchange Online'",
    ),
    Provider(
        domains=frozenset({"icloud.com", "me.com", "mac.com"}),
        canonical="icloud.com",
        plus=True,
        source="Apple Support 118230, 'About your @icloud.com, @me.com, and @mac.com email addresses'; the "
        "plus is described by users only",
    ),
    Provider(
        domains=frozenset({"proton.me", "protonmail.com", "protonmail.ch", "pm.me"}),
        canonical="proton.me",
        plus=True,
        ignored=".-_",
        source="Proton Support, 'Addresses and aliases' (plus, the four domains); ProtonMail/WebClients, "
        "removeEmailAlias (dot, hyphen and underscore)",
    ),
    Provider(
        domains=frozenset({"fastmail.com", "fastmail.fm"}),
        plus=True,
        subdomains=True,
        source="Fastmail Help, 'Plus addressing and subdomain addressing' (article 360060591053)",
    ),
    Provider(
        domains=frozenset(
            {"yandex.ru", "yandex.com", "yandex.by", "yandex.kz", "yandex.ua", "yandex.com.tr", "ya.ru"}
        ),
        canonical="yandex.ru",
        plus=True,
        source="Yandex Support, 'Mailbox aliases' (one mailbox in all of Yandex's domains); the plus is "
        "described by users only",
    ),
)

BY_DOMAIN = {domain: provider for provider in PROVIDERS for domain in provider.domains}

WELL_KNOWN_DOMAINS = (
    *("gmail.com", "hotmail.com", "outlook.com", "yahoo.com", "icloud.com", "hotmail.co.uk", "yahoo.co.uk"),
    *(
        "btinternet.com",
        "googlemail.com",
        "live.co.uk",
        "live.com",
        "msn.com",
        "me.com",
        "mac.com",
        "aol.com",
    ),
    *("sky.com", "virginmedia.com", "talktalk.net", "ntlworld.com", "blueyonder.co.uk", "ymail.com"),
    *(
        "rocketmail.com",
        "mail.com",
        "email.com",
        "gmx.com",
        "gmx.net",
        "gmx.de",
        "gmx.at",
        "gmx.co.uk",
        "web.de",
    ),
    *("t-online.de", "proton.me", "protonmail.com", "pm.me", "fastmail.com", "fastmail.fm", "tutanota.com"),
    *(
        "tuta.com",
        "zoho.com",
        "ukr.net",
        "i.ua",
        "meta.ua",
        "bigmir.net",
        "yandex.ru",
        "yandex.com",
        "yandex.ua",
    ),
    *(
        "mail.ru",
        "inbox.ru",
        "list.ru",
        "bk.ru",
        "inbox.lv",
        "wp.pl",
        "onet.pl",
        "o2.pl",
        "interia.pl",
        "op.pl",
    ),
    *(
        "orange.fr",
        "free.fr",
        "laposte.net",
        "hotmail.fr",
        "yahoo.fr",
        "libero.it",
        "hotmail.it",
        "seznam.cz",
    ),
    *("hotmail.de", "hotmail.es", "yahoo.de", "yahoo.it", "yahoo.es", "outlook.fr", "outlook.de", "qq.com"),
)
"""Where most readers have their mail, the likeliest first: what a mistyped domain may have meant."""
