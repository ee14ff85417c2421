"""Which nation or region of the United Kingdom a postcode lies in, from its area letters alone.

Sources: the 121 geographic postcode areas are Royal Mail's (Postcode Address File); the regions and their
codes are those of the ONS Postcode Directory (GSS codes of the nine regions of England and the three other
nations). An area that crosses a border counts where most of its addresses lie: CH is North West although
CH5 to CH8 lie in Wales, SY West Midlands although SY15 to SY25 do, TD Scotland although Berwick is in it,
DA and KT South East although Bexley and Kingston are London boroughs (DA is nearly even). For a breakdown
of signatures that is right enough, and it needs no more of a postcode than its first letters.
"""

import re
from types import MappingProxyType
from typing import Final

REGION_NAMES: Final = MappingProxyType(
    {
        "E12000001": {"en": "North East", "uk": "Північно-Східна Англія", "ar": "شمال شرق إنجلترا"},
        "E12000002": {"en": "North West", "uk": "Північно-Західна Англія", "ar": "شمال غرب إنجلترا"},
        "E12000003": {
            "en": "Yorkshire and the Humber",
            "uk": "Йоркшир і Гамбер",
            "ar": "يوركشاير وهمبر",
        },
        "E12000004": {"en": "East Midlands", "uk": "Східний Мідленд", "ar": "شرق ميدلاندز"},
        "E12000005": {"en": "West Midlands", "uk": "Західний Мідленд", "ar": "غرب ميدلاندز"},
        "E12000006": {"en": "East of England", "uk": "Східна Англія", "ar": "شرق إنجلترا"},
        "E12000007": {"en": "London", "uk": "Лондон", "ar": "لندن"},
        "E12000008": {"en": "South East", "uk": "Південно-Східна Англія", "ar": "جنوب شرق إنجلترا"},
        "E12000009": {"en": "South West", "uk": "Південно-Західна Англія", "ar": "جنوب غرب إنجلترا"},
        "N92000002": {"en": "Northern Ireland", "uk": "Північна Ірландія", "ar": "أيرلندا الشمالية"},
        "S92000003": {"en": "Scotland", "uk": "Шотландія", "ar": "اسكتلندا"},
        "W92000004": {"en": "Wales", "uk": "Уельс", "ar": "ويلز"},
    }
)
"""Names by ONS code and language."""

_AREAS = {
    "E12000001": "DH DL NE SR TS",
    "E12000002": "BB BL CA CH CW FY L LA M OL PR SK WA WN",
    "E12000003": "BD DN HD HG HU HX LS S WF YO",
    "E12000004": "DE LE LN NG NN",
    "E12000005": "B CV DY HR ST SY TF WR WS WV",
    "E12000006": "AL CB CM CO IP LU NR PE SG SS WD",
    "E12000007": "BR CR E EC EN HA IG N NW RM SE SM SW TW UB W WC",
    "E12000008": "BN CT DA GU HP KT ME MK OX PO RG RH SL SO TN",
    "E12000009": "BA BH BS DT EX GL PL SN SP TA TQ TR",
    "N92000002": "BT",
    "S92000003": "AB DD DG EH FK G HS IV KA KW KY ML PA PH TD ZE",
    "W92000004": "CF LD LL NP SA",
}
REGION_OF_AREA: Final = MappingProxyType(
    {area: region for region, areas in _AREAS.items() for area in areas.split()}
)
"""ONS code by postcode area.

Without JE, GY and IM, which are countries of their own in ISO 3166-1, and BF, BX, GIR and XX, which lie
nowhere.
"""

_AREA = re.compile(r"([A-Z]{1,2})(?=[0-9])", re.ASCII | re.IGNORECASE)
_SPACING = re.compile(r"[\s\-]")


def region_of(country: str, postcode: str | None) -> str | None:
    """The ONS code of the region that a British postcode lies in ("SW1A 1AA" → "E12000007").

    None for any other country, without a postcode, and for one whose area is not geographic.

    Args:
        country: ISO 3166-1 alpha-2.
        postcode: As typed or as normalised; only the letters in front are read.
    """
    if country.upper() != "GB" or not postcode:
        return None
    found = _AREA.match(_SPACING.sub("", postcode))
    return REGION_OF_AREA.get(found[1].upper()) if found else None


def region_name(code: str, locale: str = "en") -> str:
    """The region's name in a language, else in English; the code itself for an unknown one."""
    names = REGION_NAMES.get(code, {})
    return names.get(locale) or names.get("en") or code
