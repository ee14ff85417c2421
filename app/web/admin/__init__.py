"""The pages of staff, on their own port: log in, see how campaigns go."""

from app.web.admin.rendering import staff_error_page
from app.web.admin.routes import build_staff_router

__all__ = ["build_staff_router", "staff_error_page"]
