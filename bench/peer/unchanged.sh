# Says whether this host is as site.yml leaves it. Starts as few programs as a careful person would.
set -eu
cd "$(dirname "$0")"
differs() { echo "differs: $*"; exit 1; }

[ "$(xargs dpkg-query -W -f '${db:Status-Status}\n' <packages | sort -u)" = installed ] || differs packages

sh ./attributes.sh | cmp - attributes || differs attributes
while read -r path; do
    cmp "tree$path" "$path" || differs "$path"
done <files
[ ! -e /etc/nginx/sites-enabled/default ] || differs "nginx's default site"

# systemd does not start timesyncd in a container
[ "$(grep -v timesyncd units | xargs systemctl is-active | sort -u)" = active ] || differs 'running units'
[ "$(xargs systemctl is-enabled <units | sort -u)" = enabled ] || differs 'enabled units'

nft list table inet holdfast >nft.live || differs firewall

sh ./database.sh | cmp - database || differs PostgreSQL

. ./settings
[ "$(docker inspect -f '{{.State.Running}} {{.Config.Image}}' fantasy-api)" = "true $image" ] || differs application

for certificate in /etc/holdfast/tls/*.crt; do
    openssl x509 -noout -checkend 1728000 -in "$certificate" >/dev/null || differs "$certificate"
done
echo unchanged
