# The HTTP service in a container; docs/how-to/serve.md explains how to build and run it.

# The compiled recurrence needs a compiler at build time, not at run time.
FROM python:3.12-bookworm AS build
WORKDIR /build
COPY . .
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .

FROM python:3.12-slim-bookworm
# OpenMP, for the compiled recurrence, in the version of the distribution.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libgomp1 \
    && rm -rf /var/lib/apt/lists/*

# Package index with the CPU build of torch, which is a tenth of the size of the usual one.
ARG TORCH_INDEX=""
COPY constraints.txt /tmp/
RUN pip install --no-cache-dir ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} \
    --constraint /tmp/constraints.txt torch
COPY --from=build /wheels /tmp/wheels
RUN wheel="$(echo /tmp/wheels/*.whl)" \
    && pip install --no-cache-dir --constraint /tmp/constraints.txt "duree[serve] @ file://$wheel"

# A run is served only by the user who owns it; run with --user where that is not the default user.
ENV HOME=/tmp
USER 1000:1000
WORKDIR /runs
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD ["python", "-c", \
    "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/health', timeout=4)"]
ENTRYPOINT ["duree", "serve", "--host", "0.0.0.0"]
