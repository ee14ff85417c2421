"""The status of every error code; a test holds this, the code and `docs/errors.md` together."""

STATUS: dict[str, int] = {
    "error": 500,
    "not_found": 404,
    "invalid_input": 422,
    "invalid_fields": 422,
    "overloaded": 503,
    "database_unavailable": 503,
    # text, money, identity
    "text_invalid": 422,
    "text_too_long": 422,
    "text_missing": 422,
    "amount_invalid": 422,
    "amount_missing": 422,
    "currency_unsupported": 422,
    "email_invalid": 422,
    "postcode_invalid": 422,
    # campaigns and petitions
    "campaign_not_found": 404,
    "placement_invalid": 422,
    "petition_not_found": 404,
    "petition_closed": 409,
    "country_unknown": 422,
    "consent_missing": 422,
    "consent_unknown": 422,
    "link_unknown": 404,
    "link_expired": 410,
    "signature_ended": 410,
    "sweep_unknown": 404,
    "proof_of_work_missing": 422,
    "proof_of_work_invalid": 422,
    # donations
    "appeal_not_found": 404,
    "appeal_closed": 409,
    "currency_not_offered": 422,
    "amount_too_small": 422,
    "amount_too_large": 422,
    "frequency_not_offered": 422,
    "mode_not_offered": 422,
    "wording_changed": 422,
    "idempotency_key_invalid": 400,
    "idempotency_mismatch": 422,
    "donation_in_progress": 409,
    "donation_not_found": 404,
    "payment_outcome_unknown": 503,
    "payment_busy": 503,
    "payment_refused": 422,
    "email_refused": 422,
    "webhook_payload_invalid": 400,
    "webhook_signature_invalid": 400,
    "webhook_livemode": 400,
    # staff and reports
    "login_failed": 401,
    "login_locked": 429,
    "session_expired": 401,
    "csrf_failed": 403,
    "forbidden": 403,
    "weak_password": 422,
    "staff_email_invalid": 422,
    "staff_email_taken": 409,
    "role_unknown": 422,
    "range_invalid": 422,
}

HTTP_CODES: dict[int, tuple[str, str]] = {
    400: ("bad_request", "This request cannot be read."),
    401: ("unauthorised", "Please log in, or send the token that belongs to this."),
    403: ("forbidden", "You may not do this."),
    404: ("not_found", "There is nothing at this address. Please check the link."),
    405: ("method_not_allowed", "This address does not take that method."),
    406: ("not_acceptable", "This address cannot answer in the form that was asked for."),
    408: (
        "request_timeout",
        "The request took too long to arrive. Nothing was stored; please send it again.",
    ),
    413: ("body_too_large", "The request is larger than this address takes. Please shorten it."),
    415: ("unsupported_media_type", "This address takes JSON (application/json)."),
    421: ("host_unknown", "This server does not answer for that host."),
    503: (
        "overloaded",
        "This process is ending; what was sent may or may not be stored. Look before you repeat it.",
    ),
    429: ("too_many_requests", "Too many requests in a short time. Please wait a minute."),
}
"""Errors of the framework's own, in our codes."""

OWN_CODES: dict[str, int] = {
    "required": 422,
    "unknown_field": 422,
    "json_invalid": 400,
    "internal_error": 500,
}
"""Codes that only this layer uses."""
