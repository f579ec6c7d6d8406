"""All sessions of one server: who may open another, which token is whose, and what the list of jobs shows."""

import secrets
import uuid
from typing import Any

import msgspec

from local.gladia.errors import RequestError
from local.gladia.listing import page
from local.gladia.messages import timestamp
from local.gladia.request import InitRequest
from local.gladia.session import Phase, Session
from local.gladia.settings import Settings


class Registry:
    """The sessions, by id in the order of their creation. One key never sees those of another."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.sessions: dict[str, Session] = {}
        self._by_token: dict[str, Session] = {}

    def admit(self, key: str | None) -> str:
        """Return `key` if it may come in. Raises RequestError 401."""
        if not key or (self._settings.keys is not None and key not in self._settings.keys):
            raise RequestError(401, "gladia key not found")
        return key

    def open(self, key: str, request: InitRequest, *, now: float) -> Session:
        """Return a new session for `key`. Raises RequestError 429 beyond its limit."""
        limit = self._settings.sessions_per_key
        if limit is not None:
            live = sum(each.phase is not Phase.ENDED for each in self.sessions.values() if each.key == key)
            if live >= limit:
                raise RequestError(429, f"maximum number of concurrent sessions reached: {limit}")
        session = Session(
            session_id=str(uuid.uuid4()),
            token=secrets.token_urlsafe(24),
            key=key,
            request=request,
            settings=self._settings,
            now=now,
        )
        self.sessions[session.session_id] = session
        self._by_token[session.token] = session
        return session

    def by_token(self, token: str) -> Session | None:
        """Return the session whose URL carries `token`."""
        return self._by_token.get(token)

    def get(self, key: str, session_id: str) -> Session:
        """Return the session of `key` with that id. Raises RequestError 404."""
        session = self.sessions.get(session_id)
        if session is None or session.key != key:
            raise RequestError(404, "Not found")
        return session

    def delete(self, key: str, session_id: str) -> None:
        """Forget a session that is done. Raises RequestError 403 while it is not, 404 if there is none."""
        session = self.get(key, session_id)
        if session.phase is not Phase.ENDED:
            raise RequestError(403, "the job is not in a state in which it can be deleted")
        self.forget(session)

    def forget(self, session: Session) -> None:
        """Forget a session, whatever state it is in."""
        del self.sessions[session.session_id]
        del self._by_token[session.token]

    def page(self, key: str, query: str, *, url: str) -> dict[str, Any]:
        """Return the page of the list that the query string `query` asks for, newest first.

        `url` is the list's own address, to which the links to pages lead. Raises RequestError 400.
        """
        return page([each for each in self.sessions.values() if each.key == key], job, query=query, url=url)


def job(session: Session) -> dict[str, Any]:
    """Return what GET answers of a session."""
    result = session.result()
    params = {
        name: value
        for name, value in msgspec.to_builtins(session.request).items()
        if name != "custom_metadata" and value is not None
    }
    return {
        "id": session.session_id,
        "request_id": f"G-{session.session_id[:8]}",
        "version": 2,
        "kind": "live",
        "status": session.status,
        "created_at": timestamp(session.created_at_s),
        "completed_at": None if session.completed_at_s is None else timestamp(session.completed_at_s),
        "custom_metadata": session.request.custom_metadata,
        "error_code": None,
        "post_session_metadata": session.post_session_metadata,
        "file": {
            "id": str(uuid.uuid5(uuid.NAMESPACE_URL, session.session_id)),
            "filename": f"{session.session_id}.wav",
            "source": None,
            "audio_duration": round(session.duration_s, 3),
            "number_of_channels": session.request.channels,
        },
        "request_params": params,
        "result": None if result is None else result | {"messages": session.messages},
    }
