#!/bin/sh
# Run once by the postgres image, as its superuser, when the data folder is new: the owner's login and its
# database. The login may make other logins (haven_public and haven_internal, by `haven migrate`) and nothing
# more; the superuser itself is used for nothing else.
set -eu
url=$(cat /run/secrets/HAVEN_DATABASE_URL)
password=${url#*://haven_owner:}
password=${password%%@*}
case $url in
postgresql://haven_owner:*@*/haven) ;;
*) echo "HAVEN_DATABASE_URL must look like postgresql://haven_owner:PASSWORD@postgres:5432/haven" >&2; exit 1 ;;
esac
case $password in
'' | *[!A-Za-z0-9_-]*) echo "The owner's password must be letters, digits, - and _ only" >&2; exit 1 ;;
esac
psql -v ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" --dbname postgres --no-psqlrc --quiet <<SQL
create role haven_owner login createrole password '$password';
create database haven owner haven_owner;
SQL
