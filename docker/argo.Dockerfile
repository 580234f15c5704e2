# A model of Argo, for trying the whole system out: it logs signals and commits them as Argo does. From the top of the
# repository:
#   docker build -f docker/argo.Dockerfile -t alpine-argo-model .

ARG BASE=debian:12
FROM ${BASE}
ARG ARCHIVE=
RUN if [ -n "$ARCHIVE" ]; then \
      rm -rf /etc/apt/sources.list.d/* \
   && echo "deb [check-valid-until=no] $ARCHIVE bookworm main" > /etc/apt/sources.list; \
    fi \
 && apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends python3 \
 && rm -rf /var/lib/apt/lists/*
COPY docker/argo/model.py tests/support/argo.py /model/
# A new volume takes its owner from here: Argo's user, and so the sender's.
RUN mkdir -p /argo/data /argo/logs && chown -R 10001:10001 /argo
USER 10001:10001
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
HEALTHCHECK --interval=2s --timeout=5s --start-period=10s --retries=3 CMD ["python3", "/model/model.py", "count"]
ENTRYPOINT ["python3", "/model/model.py"]
CMD ["run"]
