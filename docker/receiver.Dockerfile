# The image of alpine-receiver. From the top of the repository:
#   docker build -f docker/receiver.Dockerfile -t alpine-receiver .
# BASE is any Debian 12: a mirror's, or one pinned by its digest.

ARG BASE=debian:12

FROM ${BASE} AS build
# The project configures as a whole, so the sender's libraries are here too; only the receiver is built.
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
      cmake gcc libc6-dev libcurl4-openssl-dev libjansson-dev libmicrohttpd-dev libpq-dev libsqlite3-dev libssl-dev libzstd-dev \
      ninja-build pkg-config \
 && rm -rf /var/lib/apt/lists/*
COPY . /src
RUN cmake -S /src -B /build -G Ninja -DCMAKE_BUILD_TYPE=Release \
 && cmake --build /build --target alpine-receiver \
 && DESTDIR=/out cmake --install /build/receiver --prefix /usr --strip

FROM ${BASE}
# ca-certificates is for a DATABASE_URL with sslmode=verify-full.
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
      ca-certificates libjansson4 libmicrohttpd12 libpq5 libssl3 libzstd1 \
 && rm -rf /var/lib/apt/lists/*
COPY --from=build /out/ /
# A library that is missing fails the build, not the start.
RUN ["alpine-receiver", "version"]

# A number, so that an orchestrator can see that it is not root. The receiver writes no file and needs no capability.
USER 10001:10001
EXPOSE 8001
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["alpine-receiver", "healthcheck"]
# The program itself is process 1: SIGTERM reaches it, and it drains.
ENTRYPOINT ["alpine-receiver"]
CMD ["serve"]
