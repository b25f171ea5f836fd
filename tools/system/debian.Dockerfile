# Debian's nginx, Redis and PostgreSQL, for the scenarios `matrix` and `databases`: docker build -t e2e-debian:1 - <tools/system/debian.Dockerfile
FROM docker.io/library/debian:12-slim
RUN apt-get update && apt-get install -y --no-install-recommends nginx redis postgresql && rm -rf /var/lib/apt/lists/*
# initdb wants a name for the user that it runs as.
RUN useradd --uid 1000 e2e
USER 1000
