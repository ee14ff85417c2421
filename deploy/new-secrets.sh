#!/bin/sh
# Make ./secrets for compose.yaml, once: `docker run --rm haven:0.1.0 keys new | sh deploy/new-secrets.sh`.
# One file for each secret, named for its setting. Only you may enter the folder; the files themselves can be
# read by the containers that each is given to, which run as other users.
set -eu
umask 077
mkdir secrets || { echo "There are secrets already; what is sealed needs them, so they stay." >&2; exit 1; }
cd secrets

while IFS='=' read -r name key; do
  case $name in
  HAVEN_SEALING_KEY | HAVEN_OPENING_KEY | HAVEN_HASH_KEY | HAVEN_FORM_KEY) printf '%s\n' "$key" >"$name" ;;
  *) echo "Not a key of haven's: $name" >&2; exit 1 ;;
  esac
done
for name in HAVEN_SEALING_KEY HAVEN_OPENING_KEY HAVEN_HASH_KEY HAVEN_FORM_KEY; do
  [ -s "$name" ] || { echo "Pipe the output of 'haven keys new' into this." >&2; cd .. && rm -r secrets; exit 1; }
done

password() { od -An -v -N24 -tx1 /dev/urandom | tr -d ' \n'; }
address() { printf 'postgresql://%s:%s@postgres:5432/haven\n' "$1" "$(password)"; }
password >POSTGRES_PASSWORD
address haven_owner >HAVEN_DATABASE_URL
address haven_public >HAVEN_PUBLIC_DATABASE_URL
address haven_internal >HAVEN_INTERNAL_DATABASE_URL
: >HAVEN_STRIPE_SECRET_KEY
: >HAVEN_STRIPE_WEBHOOK_SECRET
: >HAVEN_SMTP_PASSWORD
chmod 644 ./*

cat >&2 <<'END'
Made ./secrets. Put Stripe's test key into HAVEN_STRIPE_SECRET_KEY, the endpoint's whsec_… into
HAVEN_STRIPE_WEBHOOK_SECRET, and the mail relay's password, if it has one, into HAVEN_SMTP_PASSWORD.
Keep a copy of HAVEN_OPENING_KEY and HAVEN_HASH_KEY off this machine: without them nobody can read what
readers entered, you included.
END
