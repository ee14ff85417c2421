# One image for every role: `serve`, `serve --role staff`, `worker`, `migrate`.
# The base is pinned by its full tag. To pin it by content as well, look its digest up where you build
# (`docker buildx imagetools inspect python:3.13.11-slim-bookworm`) and build with
# `--build-arg BASE=python:3.13.11-slim-bookworm@sha256:…`. Any Debian with Python 3.11 or newer and venv does.
ARG BASE=python:3.13.11-slim-bookworm

FROM ${BASE} AS build
WORKDIR /app
# pip stays in a venv of its own, which ends with this stage; `--only-binary` keeps compilers out.
RUN python3 -m venv /pip && python3 -m venv --without-pip /opt/haven
COPY requirements.lock ./
RUN /pip/bin/pip --python /opt/haven/bin/python install --no-cache-dir --no-compile --require-hashes \
      --only-binary :all: --disable-pip-version-check --quiet -r requirements.lock
COPY deploy/haven /opt/haven/bin/haven
COPY alembic.ini ./
COPY migrations migrations
COPY app app
# Compiled here, for the final image is read-only; checked by no clock, so that builds agree.
RUN chmod 0755 /opt/haven/bin/haven \
    && /opt/haven/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/haven/lib app migrations \
    && rm requirements.lock

FROM ${BASE}
LABEL org.opencontainers.image.title="Haven" \
      org.opencontainers.image.description="The backend of humanitarian campaigns" \
      org.opencontainers.image.licenses="Apache-2.0"
# The base's own pip is of no use to anybody in here but an intruder.
RUN rm -rf /usr/local/lib/python3*/site-packages/pip* /usr/local/lib/python3*/ensurepip /usr/local/bin/pip* \
    && groupadd --gid 10001 haven \
    && useradd --no-log-init --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent \
      --shell /usr/sbin/nologin haven
COPY --from=build /opt/haven /opt/haven
COPY --from=build /app /app
COPY deploy/health.py /opt/haven/health.py
# In a container every address is the container's own; what may reach it is the network's business.
ENV PATH=/opt/haven/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONPATH=/app \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUTF8=1 \
    HAVEN_HOST=0.0.0.0 \
    HAVEN_PUBLIC_PORT=8000 \
    HAVEN_STAFF_PORT=8001 \
    HAVEN_WORKER_PORT=8002
WORKDIR /app
USER 10001:10001
EXPOSE 8000 8001 8002
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=40s --retries=3 \
  CMD ["python", "/opt/haven/health.py"]
ENTRYPOINT ["haven"]
CMD ["serve"]
