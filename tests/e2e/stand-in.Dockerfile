# Stands in for the postgres and haproxy images where no registry can be reached: Debian's own packages of both.
ARG BASE=debian:12
FROM ${BASE}
ARG ARCHIVE=
RUN if [ -n "$ARCHIVE" ]; then \
      rm -rf /etc/apt/sources.list.d/* \
   && echo "deb [check-valid-until=no] $ARCHIVE bookworm main" > /etc/apt/sources.list; \
    fi \
 && apt-get update \
 && mkdir -p /etc/postgresql-common/createcluster.d \
 && echo 'create_main_cluster = false' > /etc/postgresql-common/createcluster.d/none.conf \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends haproxy postgresql-15 \
 && rm -rf /var/lib/apt/lists/*
COPY stand-in.sh /
ENV PATH=/usr/lib/postgresql/15/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
STOPSIGNAL SIGINT
ENTRYPOINT ["/stand-in.sh"]
CMD ["postgres"]
