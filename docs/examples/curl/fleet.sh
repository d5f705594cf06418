#!/bin/sh
# curl: one published document by its id, and again only if it has changed. Needs GATEWAY_URL and MOTOMIND_KEY.
set -eu
url="${GATEWAY_URL:-http://127.0.0.1:8000/graphql}?documentId=fleet"
headers=$(mktemp)
trap 'rm -f "$headers"' EXIT

curl -sf -D "$headers" "$url" -H "Authorization: Bearer $MOTOMIND_KEY"
echo

etag=$(sed -n 's/^etag: *//Ip' "$headers" | tr -d '\r')
curl -s -o /dev/null -w '%{http_code}\n' "$url" -H "Authorization: Bearer $MOTOMIND_KEY" -H "If-None-Match: $etag"
