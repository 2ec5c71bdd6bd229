"""How the service is asked about itself: health, metrics, public keys."""

import hashlib
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from backend import tokens
from backend.context import Context
from backend.errors import DatabaseUnavailable, Forbidden
from backend.keys import KEY_SET_KEPT
from backend.routes.deps import InContext, Look
from backend.services.measures import Measures

router = APIRouter(tags=["operations"])

_KEY_SET_SECONDS: Final = int(KEY_SET_KEPT.total_seconds())


class MetricsForbidden(Forbidden):
    """Metrics are for this machine, or for whoever has the token."""

    code = "METRICS_FORBIDDEN"
    detail = "Metrics are shown on this machine only, or with the metrics token."


@router.get("/health/live")
async def live() -> dict[str, str]:
    """Tell that the process answers."""
    return {"status": "ok"}


@router.get("/health/ready", responses={503: {"description": "The database does not answer."}})
async def ready(context: InContext) -> JSONResponse:
    """Tell whether requests can be served. Redis is an accelerator: without it the service is ready, but degraded."""
    try:
        await context.database.ping()
    except DatabaseUnavailable:
        return JSONResponse({"status": "unavailable", "database": "unreachable"}, 503)
    answer = {"status": "ready", "database": "ok"}
    shared = await context.counters.reachable()
    if shared is not None:
        answer["redis"] = "ok" if shared else "degraded"
    return JSONResponse(answer)


@router.get("/.well-known/jwks.json", responses={304: {"description": "The keys are those of `If-None-Match`."}})
async def jwks(request: Request, context: InContext) -> Response:
    """Publish the public keys, so that other apps can verify tokens by themselves (RFC 7517)."""
    answer = JSONResponse(context.keys.ring().jwks())
    tag = f'"{hashlib.sha256(answer.body).hexdigest()[:32]}"'
    headers = {"Cache-Control": f"public, max-age={_KEY_SET_SECONDS}", "ETag": tag}
    answer.headers.update(headers)
    return Response(status_code=304, headers=headers) if _is_known(request, tag) else answer


@router.get("/metrics", response_class=PlainTextResponse)
async def metrics(request: Request, context: InContext, look: Look) -> PlainTextResponse:
    """Show figures in Prometheus' text format."""
    _check_may_see_metrics(request, context)
    measures = await look.measuring.now()
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(context, measures))
    return PlainTextResponse(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


def _is_known(request: Request, tag: str) -> bool:
    """Tell whether the client has what it asks for (RFC 9110 §13.1.2)."""
    known = ",".join(request.headers.getlist("if-none-match")).split(",")
    return any(one.strip().removeprefix("W/") in {tag, "*"} for one in known)


class _Collector:
    """Turns one reading into Prometheus' families."""

    def __init__(self, context: Context, measures: Measures) -> None:
        self._context = context
        self._measures = measures

    def collect(self) -> Iterator[Metric]:
        """Give Prometheus the families."""
        signins = CounterMetricFamily("vestibule_signins", "Sign-ins on record, by outcome.", labels=["outcome"])
        for outcome, count in self._measures.signins.items():
            signins.add_metric([outcome], count)
        yield signins
        yield GaugeMetricFamily(
            "vestibule_sessions_active", "Sessions that could be used now.", self._measures.live_sessions
        )
        applications = GaugeMetricFamily("vestibule_applications", "Accounts, by status.", labels=["status"])
        for status, count in self._measures.accounts.items():
            applications.add_metric([status], count)
        yield applications
        mails = GaugeMetricFamily("vestibule_messages", "Mails on record, by state.", labels=["state"])
        for state, count in self._measures.mails.items():
            mails.add_metric([state], count)
        yield mails
        size, lent = self._context.database.pool_status()
        yield GaugeMetricFamily("vestibule_database_pool_size", "Database connections of this process.", size)
        yield GaugeMetricFamily("vestibule_database_pool_lent", "Database connections in use.", lent)
        cache = self._context.cache
        yield CounterMetricFamily("vestibule_identity_cache_hits", "Callers known by heart.", cache.hits)
        yield CounterMetricFamily("vestibule_identity_cache_misses", "Callers looked up.", cache.misses)
        yield GaugeMetricFamily("vestibule_identity_cache_size", "Credentials known by heart.", len(cache))
        yield GaugeMetricFamily(
            "vestibule_news_heard", "Whether news of other processes comes through.", int(self._context.news.hearing)
        )
        yield GaugeMetricFamily(
            "vestibule_hash_queue", "Passwords waiting for a hash thread.", self._context.hasher.waiting
        )


def _check_may_see_metrics(request: Request, context: Context) -> None:
    token = context.settings.metrics_token
    given = request.headers.get("authorization", "").partition(" ")[2]
    if token and tokens.same(given, token.get_secret_value()):
        return
    # A proxy on this machine makes every stranger look local, unless it is a trusted one that says who they are.
    proxied = "x-forwarded-for" in request.headers and not context.settings.trusted_proxies
    if proxied or not request.client or not _is_loopback(request.client.host):
        raise MetricsForbidden


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
