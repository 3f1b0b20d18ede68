#!/usr/bin/env bash
# Checks the files of deploy/ with the tools that are here, and says which are not. Ends with 1 when something is wrong.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

code=0
check() { # TITLE TOOL COMMAND...
  local title=$1 tool=$2
  shift 2
  if ! command -v "$tool" >/dev/null; then
    echo "$title: not checked, $tool is missing"
  elif "$@"; then
    echo "$title: good"
  else
    code=1
  fi
}

# The node isn't installed where the unit looks for it: that is no fault of the unit.
# shellcheck disable=SC2317 # called by `check`
verify() {
  local said
  said=$(systemd-analyze verify --man=no "$PWD/trm_node.service" 2>&1) || true
  said=$(grep -v 'is not executable: No such file or directory' <<<"$said" || true)
  [[ -z $said ]] || { echo "$said" && return 1; }
  # From 0 (best) to 10, in tenths. What is left is what the node needs: the network, real time.
  systemd-analyze security --offline=yes --threshold=20 --no-pager trm_node.service >/dev/null ||
    { echo "systemd-analyze security: exposure is above 2.0" && return 1; }
}

check "trm_node.service" systemd-analyze verify
check "Containerfile" hadolint hadolint Containerfile
check "scripts" shellcheck shellcheck ./*.sh sros2/*.sh
check "sros2/policy.xml" xmllint xmllint --noout sros2/policy.xml
exit "$code"
