# The edge and nothing else: no training packages, no compiler, no pip of its own, no root. The build stage compiles the
# kernels with Zig's compiler, which the build takes from the package index because this image has none.
#   docker build -t endcap-edge .                            files on a volume at /data
#   docker build -t endcap-edge --build-arg DATA=baked .     data/bundles and data/catalogue of this checkout inside
#   docker build --build-arg EXTRAS=adobe,objects .          Adobe's signatures; python -m edge.sync
# Needs BuildKit, which leaves out the stages that nobody asked for. docs/deploying.md says what to set.
ARG PYTHON_IMAGE=python:3.11-slim-bookworm
ARG DATA=volume

FROM ${PYTHON_IMAGE} AS build
ARG EXTRAS=""
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
COPY pyproject.toml setup.py constraints.txt README.md LICENSE ./
COPY scripts/install-edge scripts/install-edge
COPY scripts/build_backend.py scripts/build_backend.py
COPY edge edge
RUN scripts/install-edge /opt/endcap "${EXTRAS}"

FROM ${PYTHON_IMAGE} AS edge
COPY --from=build /opt/endcap /opt/endcap
RUN install --directory --owner=10001 --group=10001 /data
# PORT, not ENDCAP_PORT, which would beat what the platform sets. One process, which the platform restarts.
ENV PATH=/opt/endcap/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PYTHONSAFEPATH=1 HOME=/tmp \
    PORT=8080 ENDCAP_HOST=0.0.0.0 ENDCAP_DEMO=0 ENDCAP_WORKERS=0 ENDCAP_DATA_DIR=/data
USER 10001:10001
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen('http://127.0.0.1:' + os.environ['PORT'] + '/healthz', timeout=2)"]
CMD ["python", "-m", "edge"]

FROM edge AS volume

FROM edge AS baked
COPY --chown=10001:10001 data/bundles /data/bundles
COPY --chown=10001:10001 data/catalogue /data/catalogue

FROM ${DATA}
