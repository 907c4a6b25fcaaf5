#!/bin/sh
# The packages' sizes against their budgets, in MB of 1 000 000 bytes; ends with 1 if one is over.
over=0
printf '%-10s%-9s%10s%10s\n' function arch zip/MB budget
for arch in $ARCHS; do
  folder=target/lambda
  [ "$arch" = arm64 ] || folder=target/lambda-$arch
  for name in "$@"; do
    case $name in
      stocks | games | exchange) budget=8 ;;
      query) budget=35 ;;
      *) budget= ;;
    esac
    bytes=$(stat -c %s "$folder/$name/bootstrap.zip") || exit 1
    mark=
    if [ -n "$budget" ] && [ "$bytes" -gt $((budget * 1000000)) ]; then
      mark='  over budget'
      over=1
    fi
    printf '%-10s%-9s%6d.%02d%10s%s\n' "$name" "$arch" $((bytes / 1000000)) $((bytes % 1000000 / 10000)) "${budget:--}" "$mark"
  done
done
exit $over
