"""Starlette with one route that says yes: as cheap as an answer by Starlette can be."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route


async def verify(_: Request) -> PlainTextResponse:
    """Answer 200 and nothing else."""
    return PlainTextResponse("")


app = Starlette(routes=[Route("/verify", verify)])
