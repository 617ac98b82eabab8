# Makes of a bare host what site.yml makes of it. Written for exactly this host: no check, no way back.
set -eu
cd "$(dirname "$0")"
. ./settings
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
phase() { echo "phase $(date +%s.%N) $*"; }

phase packages
# Packages, in one transaction; PostgreSQL reads how to create its cluster from a file that has to be there before
mkdir -p /etc/postgresql-common
cp -r tree/etc/postgresql-common/createcluster.d /etc/postgresql-common/
apt-get -yq update
xargs apt-get -yq -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-confold install --no-install-recommends <packages

phase files
install -d -m 700 /var/lib/holdfast
tar -xpf tree.tar -C /
rm -f /etc/nginx/sites-enabled/default
/usr/local/lib/holdfast/sysctl
/usr/local/lib/holdfast/accounts
sysctl -q -p /etc/sysctl.d/60-holdfast-docker.conf

phase units
systemctl daemon-reload
xargs systemctl -q enable <units
systemctl reload ssh
systemctl restart cron systemd-timesyncd systemd-journald holdfast-firewall
systemctl restart redis-server docker nginx pgbackrest
systemctl restart postgresql@17-main

phase database
runuser -u postgres -- psql -XAtq -v ON_ERROR_STOP=1 <<SQL
create role fantasy_api_app login connection limit 180 password '$database_password';
create database fantasy_api owner fantasy_api_app;
revoke all on database fantasy_api from public;
revoke all on database postgres from public;
create extension pg_stat_statements;
SQL

# Image, migration, container, until it is healthy
phase image
docker load -q -i "sample-app-${image#*:}.tar"
ca=/etc/holdfast/tls/ca.crt
set -- --init --user 10001:10001 --cap-drop ALL --security-opt no-new-privileges --memory 512m --memory-swap 512m --cpus 1 \
    --pids-limit 512 --read-only --tmpfs /tmp:mode=1777,nosuid,nodev --mount "type=bind,source=$ca,target=$ca,readonly" \
    --env-file /etc/holdfast/app/fantasy-api.env
phase migration and container
docker run --rm "$@" "$image" python3 -m app.migrate
docker run -d --name fantasy-api --restart unless-stopped --stop-timeout 30 \
    -p 127.0.0.1:3000:3000 -p "$host_address:3000:3000" "$@" "$image"
until python3 -c '
import urllib.request
urllib.request.urlopen("http://127.0.0.1:3000/health", timeout=5)' 2>/dev/null; do
    sleep 0.2
done

phase backups
/usr/local/lib/holdfast/backup-stanzas
phase end
