"""`backend.main:app`, for any ASGI server."""

from backend.app import create_app

app = create_app()
