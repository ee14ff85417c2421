"""The words and looks of the hosted pages: plain HTML that needs no JavaScript."""

from __future__ import annotations

from html import escape

from devtools.stripe_sim import currencies
from devtools.stripe_sim.kinds import Object

_STYLE = """
:root { color-scheme: light; font: 16px/1.5 system-ui, sans-serif; color: #1a1f36; background: #f6f8fa }
* { box-sizing: border-box }
body { margin: 0 }
main { max-width: 60rem; margin: 0 auto; padding: 2rem 1rem; display: grid; gap: 2rem }
@media (min-width: 50rem) { main.two { grid-template-columns: 1fr 1fr; padding-top: 4rem } }
.test { background: #ffde92; color: #5c3b00; padding: .25rem .75rem; text-align: center; font-size: .875rem }
h1 { font-size: 1rem; font-weight: 500; color: #4f566b; margin: .5rem 0 0 }
.amount { font-size: 2.25rem; font-weight: 600; margin: 0 }
ul { list-style: none; padding: 0 }
li { display: flex; justify-content: space-between; gap: 1rem }
.card { background: #fff; border-radius: .75rem; padding: 1.5rem; box-shadow: 0 2px 12px #1a1f3618 }
label { display: block; font-size: .875rem; font-weight: 500; margin-top: 1rem }
input { width: 100%; font: inherit; padding: .6rem .75rem; border: 1px solid #8792a2; border-radius: .375rem }
.row { display: grid; grid-template-columns: 1fr 1fr; gap: 1rem }
a { color: #0055bc }
button { width: 100%; font: inherit; font-weight: 600; padding: .75rem; margin-top: 1.5rem; cursor: pointer;
  border: 0; border-radius: .375rem; background: #0055bc; color: #fff }
button.plain { background: #e3e8ee; color: #1a1f36 }
:focus-visible { outline: 3px solid #f5a623; outline-offset: 2px }
[role=alert] { background: #fdecea; color: #8c1823; border-left: 4px solid #c0123c; padding: .75rem }
small { color: #4f566b }
"""
_BANNER = "Test mode: a simulation of Stripe. No money moves; use test card numbers only."


def page(title: str, body: str, *, two: bool = False) -> str:
    """A whole page around a body that is already HTML."""
    columns = ' class="two"' if two else ""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f'<title>{escape(title)}</title><link rel="icon" href="data:,"><style>{_STYLE}</style></head><body>'
        f'<div class="test">{_BANNER}</div>'
        f"<main{columns}>{body}</main></body></html>"
    )


def payment(session: Object, items: list[Object], answers: Object, message: str) -> str:
    """The form with what is paid for, the answers so far and what went wrong."""
    amount = currencies.display(session["amount_total"], session["currency"])
    body = _summary(session, items, amount) + _form(session, amount, answers, message)
    return page(f"Pay {amount}", body, two=True)


def _summary(session: Object, items: list[Object], amount: str) -> str:
    rows = "".join(
        f"<li><span>{escape(item['description'] or '')}</span>"
        f"<span>{escape(currencies.display(item['amount_total'], item['currency']))}</span></li>"
        for item in items
    )
    back = ""
    if session["cancel_url"]:
        back = f'<p><a id="cancel" href="{escape(session["cancel_url"])}">&larr; Back</a></p>'
    word = "Donate to" if session["submit_type"] == "donate" else "Pay"
    account = escape(session["branding_settings"]["display_name"])
    head = f'{back}<h1>{word} {account}</h1><p class="amount">{escape(amount)}</p>'
    return f"<section>{head}<ul>{rows}</ul></section>"


def _form(session: Object, amount: str, answers: Object, message: str) -> str:
    alert = f'<p role="alert" id="error">{escape(message)}</p>' if message else ""
    fixed = " readonly" if session["customer_email"] else ""
    note = (session["custom_text"]["submit"] or {}).get("message", "")
    card = 'inputmode="numeric" placeholder="1234 1234 1234 1234" autocomplete="cc-number"'
    expiry = _field("cardExpiry", "Expiry", 'placeholder="MM / YY" autocomplete="cc-exp"')
    cvc = _field("cardCvc", "CVC", 'inputmode="numeric" placeholder="CVC" autocomplete="cc-csc"')
    fields = [
        _field("email", "Email", f'type="email" autocomplete="email"{fixed}', _email(session, answers)),
        _field("cardNumber", "Card number", card),
        f'<div class="row"><div>{expiry}</div><div>{cvc}</div></div>',
        _field("billingName", "Name on card", 'autocomplete="cc-name"', answers.get("billingName", "")),
    ]
    button = f'<button type="submit">Pay {escape(amount)}</button>'
    action = f"/c/pay/{session['id']}"  # the form is also shown at the bank's address, after a failure there
    form = f'<form method="post" action="{action}" novalidate>{alert}{"".join(fields)}{button}</form>'
    return f'<section class="card">{form}<p><small>{escape(note)}</small></p></section>'


def _email(session: Object, answers: Object) -> str:
    return str(session["customer_email"] or answers.get("email", ""))


def _field(name: str, label: str, attributes: str, value: str = "") -> str:
    """A labelled field; `attributes` is HTML, the rest is text."""
    given = f' value="{escape(value)}"' if value else ""
    return (
        f'<label for="{name}">{escape(label)}</label>'
        f'<input id="{name}" name="{name}" {attributes}{given} required>'
    )


def authentication(amount: str, action: str) -> str:
    """The bank's 3-D Secure page."""
    return page(
        "3-D Secure",
        '<section class="card"><h1>3-D Secure</h1><p>Your bank asks whether it is you who pays '
        f"<strong>{escape(amount)}</strong>.</p>"
        f'<form method="post" action="{escape(action)}"><button name="action" value="complete">'
        "Complete authentication</button>"
        '<button class="plain" name="action" value="fail">Fail authentication</button></form></section>',
    )


def notice(title: str, text: str, link: str | None) -> str:
    """A page that says one thing and leads back."""
    back = f'<p><a id="back" href="{escape(link)}">Back</a></p>' if link else ""
    return page(title, f'<section class="card"><h1>{escape(title)}</h1><p>{escape(text)}</p>{back}</section>')
