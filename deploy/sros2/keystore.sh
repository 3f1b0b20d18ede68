#!/usr/bin/env bash
# Makes a keystore with the node's enclave, or adds the enclave to one that is there:
#   deploy/sros2/keystore.sh FOLDER
# Needs a sourced ROS 2 with sros2 (apt-get install ros-jazzy-sros2) and an RMW that was built with DDS Security.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
folder=${1:?usage: $0 FOLDER}

ros2 security --help >/dev/null 2>&1 || {
  echo "$0: 'ros2 security' is missing: sudo apt-get install ros-${ROS_DISTRO:-jazzy}-sros2, and source ROS 2" >&2
  exit 1
}

umask 077
[[ -e $folder/enclaves ]] || ros2 security create_keystore "$folder"
ros2 security create_enclave "$folder" /trm_node
ros2 security create_permission "$folder" /trm_node "$here/policy.xml"

cat <<EOF

The node needs, of this folder, enclaves/trm_node and what its links point to (public), never private/. Start it with
  export ROS_SECURITY_KEYSTORE=$(realpath "$folder")
  export ROS_SECURITY_ENABLE=true ROS_SECURITY_STRATEGY=Enforce
  trm_node --ros-args --enclave /trm_node
EOF
