"""A form's own mark: when it was made and for which petition, so that its age can be told. No session needed.

All readers of one second get the same token, so that a page can be rendered once for many.
"""

import base64
import binascii
import hmac
from datetime import datetime

_TIME_BYTES = 5
_MAC_BYTES = 11


class FormTokens:
    """Makes and reads the marks, by a subkey of the public role's own key."""

    def __init__(self, form_key: bytes) -> None:
        self._key = hmac.digest(form_key, b"haven:form_token:1", "sha256")

    def issue(self, petition_id: int, now: datetime) -> str:
        """The mark of a form that is made now; 22 characters."""
        time = int(now.timestamp()).to_bytes(_TIME_BYTES, "big")
        return base64.urlsafe_b64encode(time + self._mac(petition_id, time)).rstrip(b"=").decode("ascii")

    def seconds(self, token: str, petition_id: int, now: datetime) -> int | None:
        """How old a form is; None where the mark is missing, not ours, or another petition's."""
        try:
            raw = base64.b64decode(token + "==", altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None
        time, mac = raw[:_TIME_BYTES], raw[_TIME_BYTES:]
        if not hmac.compare_digest(mac, self._mac(petition_id, time)):
            return None
        age = int(now.timestamp()) - int.from_bytes(time, "big")
        return age if age >= 0 else None

    def _mac(self, petition_id: int, time: bytes) -> bytes:
        message = petition_id.to_bytes(8, "big") + time
        return hmac.digest(self._key, message, "sha256")[:_MAC_BYTES]
