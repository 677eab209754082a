# Two images: `auditor` (the last stage, built by default) and `demo`, which can also play the demo company's AWS.
FROM python:3.11-slim AS tools
WORKDIR /build
RUN python -m venv /opt/tools
COPY bootstrap.lock ./
RUN /opt/tools/bin/pip install --no-cache-dir --require-hashes -r bootstrap.lock
COPY pyproject.toml README.md LICENSE ./
COPY auditor auditor
COPY collectors collectors
COPY policies policies
RUN /opt/tools/bin/python -m hatchling build -t wheel

FROM tools AS auditor-build
COPY runtime.lock ./
RUN python -m venv --without-pip /opt/auditor \
    && /opt/tools/bin/uv pip install --no-cache --compile-bytecode --python /opt/auditor/bin/python \
        --require-hashes -r runtime.lock \
    && /opt/tools/bin/uv pip install --no-cache --compile-bytecode --python /opt/auditor/bin/python --no-deps dist/*.whl

FROM tools AS demo-build
COPY demo.lock ./
RUN python -m venv --without-pip /opt/auditor \
    && /opt/tools/bin/uv pip install --no-cache --compile-bytecode --python /opt/auditor/bin/python \
        --require-hashes -r demo.lock \
    && /opt/tools/bin/uv pip install --no-cache --compile-bytecode --python /opt/auditor/bin/python --no-deps dist/*.whl

FROM python:3.11-slim AS base
# Nothing that installs or builds stays. /data holds auditor.yaml and what it refers to (mount it read-only);
# /var/lib/auditor is all that is ever written to: the key, and the store where that is SQLite.
RUN python -m pip uninstall --yes --root-user-action=ignore setuptools wheel pip \
    && groupadd --system --gid 10001 auditor \
    && useradd --system --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/auditor auditor \
    && mkdir /data /var/lib/auditor && chown auditor /data /var/lib/auditor
ENV PATH=/opt/auditor/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    AUDITOR_KEY_FILE=/var/lib/auditor/key \
    AUDITOR_HEALTH_URL=http://127.0.0.1:9464/healthz
USER 10001
WORKDIR /data
VOLUME /var/lib/auditor
EXPOSE 9464
ENTRYPOINT ["audit"]
CMD ["serve"]

FROM base AS demo
LABEL org.opencontainers.image.title="Parity Auditor, demo company" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=demo-build /opt/auditor /opt/auditor
EXPOSE 4598 4599
CMD ["demo", "--company", "--host", "0.0.0.0"]

FROM base AS auditor
LABEL org.opencontainers.image.title="Parity Auditor" \
      org.opencontainers.image.description="Watches whether staging still mirrors production" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=auditor-build /opt/auditor /opt/auditor
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=4 \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(os.environ['AUDITOR_HEALTH_URL'], timeout=4)"]
