"""The simulated world as one HTTP application. What each stand-in answers is in its own module."""

import threading
from collections import Counter
from typing import Any

from fastapi import FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response

from rap_platform.settings import Settings, get_settings
from rap_platform.world import genius, hostile, hostile_spotify, llm, songwriter, spotify, truth
from rap_platform.world.corpus import Corpus
from rap_platform.world.faults import FaultMiddleware, FaultPlan, FaultState

_MOST_IDS = 500


def create_app(settings: Settings | None = None) -> FastAPI:
    """Build the app; state is per app: two worlds in one process don't meet. Raises ValueError for an impossible size."""
    settings = settings or get_settings()
    corpus = Corpus(settings.world_seed, settings.world_artists, settings.world_songs)
    songwriter.banks()
    threading.Thread(target=corpus.prepare, name="titles", daemon=True).start()
    state = FaultState()
    app = FastAPI(title="rap_platform simulated world", docs_url="/docs", redoc_url=None)
    app.add_middleware(FaultMiddleware, state=state)

    # robots.txt counts at the origin's root alone; the other is for who takes the web root, prefix and all, for the origin.
    @app.get("/robots.txt")
    @app.get("/genius/web/robots.txt")
    def robots() -> Response:
        match state.plan.robots:
            case "missing":
                return PlainTextResponse("Not found\n", status_code=404)
            case "broken":
                return PlainTextResponse("Service unavailable\n", status_code=503)
            case "forbidding":
                return PlainTextResponse("User-agent: *\nDisallow: /\n")
        return PlainTextResponse(f"User-agent: *\nDisallow: /genius/web/embed/\nDisallow: {hostile.FORBIDDEN}\n")

    app.include_router(genius.router(corpus, state))
    app.include_router(spotify.router(corpus))
    app.include_router(llm.router(state))
    asked = Counter[str]()
    app.include_router(hostile.router(asked))
    app.include_router(hostile_spotify.router(asked))

    @app.exception_handler(RequestValidationError)
    async def refused(request: Request, error: RequestValidationError) -> JSONResponse:
        what = "; ".join(f"{'.'.join(map(str, one['loc'][1:]))}: {one['msg']}" for one in error.errors())
        if request.url.path.startswith("/llm"):
            return JSONResponse(
                {"error": {"message": what, "type": "invalid_request_error", "code": "invalid_request"}},
                status_code=400,
            )
        return JSONResponse({"detail": what}, status_code=422)

    @app.get("/panel/ratings")
    def ratings(source_ids: str = Query(description="Genius song ids, joined by commas, at most 500")) -> JSONResponse:
        parts = [part.strip() for part in source_ids.split(",") if part.strip()]
        if not 1 <= len(parts) <= _MOST_IDS or not all(part.isdigit() and len(part) < 12 for part in parts):
            return JSONResponse(
                {"detail": f"source_ids: 1 to {_MOST_IDS} whole numbers joined by commas"}, status_code=422
            )
        found = [(part, known) for part in dict.fromkeys(parts) if (known := corpus.find_song(int(part)))]
        return JSONResponse(
            {
                "ratings": [
                    {
                        "source_id": part,
                        "rater": given.rater,
                        "rating": given.rating,
                        "occasion": given.occasion,
                        "rated_at": given.rated_at.isoformat(),
                    }
                    for part, known in found
                    for given in truth.ratings(corpus.seed, *known)
                ]
            }
        )

    @app.get("/faults")
    def read_faults() -> dict[str, Any]:
        return {
            "plan": state.plan.model_dump(),
            "requests": dict(state.seen),
            "faults": dict(state.done),
            "llm_most_in_a_minute": state.most_in_a_minute,
        }

    @app.get("/faults/paths")
    async def read_paths(prefix: str = Query("", description="count paths that begin with this")) -> dict[str, int]:
        return {path: count for path, count in state.paths.items() if path.startswith(prefix)}

    @app.put("/faults")
    def put_faults(plan: FaultPlan) -> dict[str, Any]:
        state.put(plan)
        return read_faults()

    @app.delete("/faults")
    def reset_faults() -> dict[str, Any]:
        state.put(FaultPlan())
        return read_faults()

    @app.get("/health")
    def health() -> dict[str, Any]:
        return {
            "status": "ok",
            "simulated": True,
            "seed": corpus.seed,
            "artists": corpus.artists,
            "songs": corpus.songs,
        }

    @app.get("/", response_class=HTMLResponse)
    def about() -> str:
        return (
            '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Simulated world</title><style>body{font:16px/1.5 system-ui;max-width:44rem;'
            "margin:3rem auto;padding:0 1rem}code{background:#eee;padding:0 .3em}</style></head><body><h1>The simulated world</h1><p><b>Nothing here is real.</b> "
            f"{corpus.songs} songs by {corpus.artists} invented artists, written by a program from seed {corpus.seed}, and stand-ins for Genius, Spotify, ReccoBeats, "
            'a language model and a panel of raters, so that rap_platform runs without accounts.</p><ul><li><a href="/catalogue/artists">the artists</a></li>'
            '<li><a href="/faults">what goes wrong here, on purpose</a></li><li><a href="/docs">all endpoints</a></li></ul></body></html>'
        )

    return app
