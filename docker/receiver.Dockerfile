# The image of alpine-receiver: the program, its libraries and the certificates, nothing else. From the top of the
# repository:
#   docker build -f docker/receiver.Dockerfile -t alpine-receiver .
#
# BASE     any Debian 12: a mirror's, or one pinned by its digest
# ARCHIVE  a Debian archive to install the build's packages from instead of the base's own; one that never changes
#          (http://snapshot.debian.org/archive/debian/DATE) pins every package
# With both pinned, two builds of the same source are the same, byte for byte.

ARG BASE=debian:12

# The same text as the sender's up to the COPY, so that a machine which builds both installs the packages once.
FROM ${BASE} AS build
ARG ARCHIVE=
RUN if [ -n "$ARCHIVE" ]; then \
      rm -rf /etc/apt/sources.list.d/* \
   && echo "deb [check-valid-until=no] $ARCHIVE bookworm main" > /etc/apt/sources.list; \
    fi \
 && apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
      ca-certificates cmake gcc libc6-dev libcurl4-openssl-dev libjansson-dev libmicrohttpd-dev libpq-dev \
      libsqlite3-dev libssl-dev libzstd-dev ninja-build pkg-config \
 && rm -rf /var/lib/apt/lists/*
COPY . /src
ARG SOURCE_DATE_EPOCH=1767225600
# Another value compiles anew, with the packages that are there.
ARG REBUILD=
RUN cmake -S /src -B /build -G Ninja -DCMAKE_BUILD_TYPE=Release -DBUILD_TESTING=OFF \
 && cmake --build /build --target alpine-receiver \
 && DESTDIR=/out cmake --install /build/receiver --prefix /usr --strip \
 && SOURCE_DATE_EPOCH=$SOURCE_DATE_EPOCH /src/docker/collect.sh /out/usr/bin/alpine-receiver /root-of-image

FROM scratch
COPY --from=build /root-of-image/ /
# `docker logs NAME | grep` sees standard output alone.
ENV ALPINE_LOG_STREAM=stdout
# The receiver writes no file and needs no capability.
USER 10001:10001
EXPOSE 8001
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["/usr/bin/alpine-receiver", "healthcheck"]
# The program itself is process 1: SIGTERM reaches it, and it drains.
ENTRYPOINT ["/usr/bin/alpine-receiver"]
CMD ["serve"]
