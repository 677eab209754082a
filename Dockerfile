FROM python:3.11-slim AS build
WORKDIR /build
RUN python -m venv /opt/tools && python -m venv --without-pip /opt/auditor
COPY bootstrap.lock runtime.lock ./
RUN /opt/tools/bin/pip install --no-cache-dir --require-hashes -r bootstrap.lock \
    && /opt/tools/bin/uv pip install --no-cache --python /opt/auditor/bin/python --require-hashes -r runtime.lock
COPY pyproject.toml README.md LICENSE ./
COPY auditor auditor
COPY collectors collectors
COPY policies policies
RUN /opt/tools/bin/python -m hatchling build -t wheel \
    && /opt/tools/bin/uv pip install --no-cache --python /opt/auditor/bin/python --no-deps dist/*.whl

FROM python:3.11-slim
RUN useradd --system --uid 10001 --create-home --home-dir /home/auditor auditor \
    && mkdir /data && chown auditor /data
COPY --from=build /opt/auditor /opt/auditor
ENV PATH=/opt/auditor/bin:$PATH PYTHONUNBUFFERED=1
USER auditor
# The folder with auditor.yaml and what it refers to; mount it here, writable where the store is SQLite.
WORKDIR /data
ENTRYPOINT ["audit"]
CMD ["--help"]
