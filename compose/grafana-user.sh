#!/bin/sh
# Makes the database user that Grafana reads with, or gives it the password of .env again. It may do what
# grafana/sql/grafana-user.sql grants, and nothing else. The receiver has made the tables by then.
set -eu

case "$GRAFANA_MYSQL_PASSWORD" in
*[!A-Za-z0-9]*)
  echo "GRAFANA_MYSQL_PASSWORD: expected letters and digits only" >&2
  exit 2
  ;;
esac

export MYSQL_PWD="$MYSQL_ROOT_PASSWORD"
{
  echo "CREATE USER IF NOT EXISTS 'grafana'@'%' IDENTIFIED BY '$GRAFANA_MYSQL_PASSWORD';"
  echo "ALTER USER 'grafana'@'%' IDENTIFIED BY '$GRAFANA_MYSQL_PASSWORD';"
  grep '^GRANT ' "${GRANTS_FILE:-/grafana-user.sql}"
} | mysql --host="$MYSQL_HOST" --port="${MYSQL_PORT:-3306}" --user="${MYSQL_ADMIN_USER:-root}" "$MYSQL_DATABASE"
