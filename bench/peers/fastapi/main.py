"""One task by FastAPI and asyncpg: the token is checked, the one statement sent."""

import os
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated
from uuid import UUID

import asyncpg
import jwt
import uvicorn
from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel

SECRET = os.environ["JWT_SECRET"]
# Each worker has its own pool.
CONNECTIONS = max(1, int(os.environ["DATABASE_POOL_MAX"]) // int(os.environ["WORKERS"]))


@asynccontextmanager
async def lifespan(app: FastAPI):
    url = os.environ["DATABASE_URL"]
    async with asyncpg.create_pool(url, min_size=CONNECTIONS, max_size=CONNECTIONS) as pool:
        app.state.pool = pool
        yield


app = FastAPI(lifespan=lifespan)


class Task(BaseModel):
    id: UUID
    title: str
    description: str | None
    status: str
    priority: str
    due_at: datetime | None
    context_id: UUID | None
    completed_at: datetime | None
    created_at: datetime
    updated_at: datetime
    version: int


async def user(bearer: Annotated[HTTPAuthorizationCredentials, Depends(HTTPBearer())]) -> UUID:
    try:
        claims = jwt.decode(bearer.credentials, SECRET, ["HS256"], audience="trireme", issuer="trireme")
    except jwt.InvalidTokenError as error:
        raise HTTPException(401) from error
    return UUID(claims["sub"])


@app.get("/tasks/{id}")
async def task(id: UUID, user: Annotated[UUID, Depends(user)]) -> Task:
    row = await app.state.pool.fetchrow(
        """SELECT id, title, description, status, priority, due_at, context_id, completed_at,
           created_at, updated_at, version FROM tasks WHERE user_id = $1 AND id = $2""",
        user,
        id,
    )
    if row is None:
        raise HTTPException(404)
    return Task(**row)


@app.get("/health/ready")
async def ready() -> str:
    return "ready"


if __name__ == "__main__":
    workers = int(os.environ["WORKERS"])
    uvicorn.run("main:app", port=int(os.environ["PORT"]), workers=workers, access_log=False, log_level="warning")
