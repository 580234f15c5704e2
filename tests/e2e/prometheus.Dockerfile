# Stands in for the prom/prometheus image where no registry can be reached: Debian's own package, as the same user.
ARG BASE=debian:12
FROM ${BASE}
ARG ARCHIVE=
RUN if [ -n "$ARCHIVE" ]; then \
      rm -rf /etc/apt/sources.list.d/* \
   && echo "deb [check-valid-until=no] $ARCHIVE bookworm main" > /etc/apt/sources.list; \
    fi \
 && apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends prometheus \
 && rm -rf /var/lib/apt/lists/*
# a new volume takes its owner from here
RUN mkdir -p /prometheus && chown 65534:65534 /prometheus
USER 65534:65534
ENTRYPOINT ["/usr/bin/prometheus"]
