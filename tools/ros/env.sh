# Source this in bash before running ROS programs or `cargo` for the ROS crate: . tools/ros/env.sh
# With no ROS 2 sourced it turns on the one in .ros/ (made by tools/ros/setup.sh); a sourced one stays as it is.
# shellcheck shell=bash

_trm_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)

if [[ -z ${AMENT_PREFIX_PATH:-} || -z ${ROS_DISTRO:-} ]]; then
  # The libraries find each other, and Python its modules, without LD_LIBRARY_PATH and PYTHONPATH.
  export PATH=$_trm_root/.ros/bin:$PATH
  export AMENT_PREFIX_PATH=$_trm_root/.ros
  export ROS_DISTRO=jazzy
  export RMW_IMPLEMENTATION=rmw_fastrtps_cpp # the only one in .ros/
  # Tests and the demo must not talk to robots in the neighbourhood. A sourced ROS decides for itself.
  export ROS_AUTOMATIC_DISCOVERY_RANGE=${ROS_AUTOMATIC_DISCOVERY_RANGE:-LOCALHOST}
  unset PYTHONPATH
fi

unset _trm_root
