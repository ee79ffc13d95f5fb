#!/bin/sh
# Writes .env from .env.example, beside it, with a random secret wherever one may be made up; what is yours stays empty.
# An .env that is there is left alone: its passwords are those of the volumes.
set -eu
cd "$(dirname "$0")/.."
if [ -e .env ]; then
  echo ".env is there already, and stays as it is. What .env.example has and it has not:"
  sed -n 's/^\([A-Z_]*\)=.*/\1/p' .env.example | while read -r name; do grep -q "^$name=" .env || echo "  $name"; done
  exit 1
fi
umask 077
while IFS= read -r line; do
  case $line in
    STRIPE_API_KEY= | STRIPE_ACCOUNT_ID=) ;;
    AIRFLOW_FERNET_KEY=) line=$line$(openssl rand -base64 32 | tr '+/' '-_') ;;
    [A-Z]*=) line=$line$(openssl rand -hex 24) ;;
  esac
  printf '%s\n' "$line"
done < .env.example > .env.new
mv .env.new .env
# yours, to put files into: the engine would make it as root's
(umask 022 && mkdir -p acquisition)
echo "Wrote .env. Fill in STRIPE_API_KEY and STRIPE_ACCOUNT_ID, or the three lines for the demo profile."
