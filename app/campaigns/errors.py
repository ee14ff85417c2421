"""What can be wrong with a campaign or a placement."""

from app.core.errors import InvalidInput, NotFound


class CampaignNotFound(NotFound):
    """No published campaign has this name."""

    code = "campaign_not_found"
    detail = "There is no campaign at this address. Please check the link."


class PlacementInvalid(InvalidInput):
    """A placement is 1 to 64 letters, digits, hyphens and underscores."""

    code = "placement_invalid"
    detail = "A placement is 1 to 64 letters, digits, '-' or '_'."
