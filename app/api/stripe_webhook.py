"""Where Stripe tells that something happened: verified, kept once, answered; handled by the worker."""

from fastapi import APIRouter, Request

from app.donations.inbox import receive
from app.http.context import Public

router = APIRouter(tags=["webhooks"])


@router.post("/webhooks/stripe", include_in_schema=False)
async def take_event(request: Request, role: Public) -> dict[str, bool]:
    """Keep a verified event. The 200 goes out after the commit; anything else makes Stripe send it again."""
    payload = await request.body()
    notice = role.gateway.verify(payload, request.headers.get("stripe-signature", ""))
    async with role.database.begin() as session:
        await receive(session, notice)
    return {"received": True}
