"""`/api/v1/users/me/export`: a copy of all that is kept about oneself."""

from fastapi import APIRouter, Response
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from backend.routes.deps import CurrentUser, FromOrigin, InContext
from backend.services import own_data
from backend.services.own_data import OwnData

router = APIRouter(prefix="/api/v1/users", tags=["B1: people"])


class Download(StreamingResponse):
    """A zip that is written while it is sent, and given up when nobody takes it any more."""

    media_type = "application/zip"

    def __init__(self, data: OwnData) -> None:
        """Send this."""
        disposition = f'attachment; filename="{data.file_name}"'
        super().__init__(data.pieces(), headers={"Content-Disposition": disposition, "Cache-Control": "no-store"})
        self._data = data

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it, and close it whatever happens."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._data.close()


@router.get("/me/export", response_class=Download, status_code=200)
async def export(caller: CurrentUser, context: InContext, origin: FromOrigin) -> Response:
    """Hand out all that is kept about oneself, as a zip: account, sessions, history, mails and files."""
    return Download(await own_data.begin(context, caller.id, origin, by=caller.id))
