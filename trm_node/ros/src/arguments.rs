//! The command line outside of its ROS arguments, which rcl reads.

/// What `--help` prints.
pub const USAGE: &str = "\
trm_node: plans paths on occupancy grids, within a deadline, and publishes them.

Usage: trm_node [--ros-args [-r FROM:=TO]... [-p NAME:=VALUE]... [--params-file FILE]... [--log-level LEVEL] [--]]

  -r __ns:=/robot1       the node's namespace
  -r __node:=planner     the node's name
  -r map:=/other/map     another topic
  -p robot_radius:=0.3   a parameter; `trm parameters` lists all of them
  --params-file FILE     parameters in YAML

  -h, --help             this text
  -V, --version          the version";

/// What the arguments outside of ROS's ask for.
#[derive(Debug, PartialEq, Eq)]
pub enum Wish {
    /// The usage.
    Help,
    /// The version.
    Version,
    /// To run. These arguments aren't ROS's.
    Run(Vec<String>),
}

/// Reads a command line without the program's name. ROS's arguments are those from `--ros-args` to `--`.
pub fn read(arguments: impl IntoIterator<Item = String>) -> Wish {
    let (mut ignored, mut is_ros) = (Vec::new(), false);
    for argument in arguments {
        match (is_ros, argument.as_str()) {
            (_, "--ros-args") => is_ros = true,
            (true, "--") => is_ros = false,
            (true, _) => {}
            (false, "-h" | "--help") => return Wish::Help,
            (false, "-V" | "--version") => return Wish::Version,
            (false, _) => ignored.push(argument),
        }
    }
    Wish::Run(ignored)
}

/// What is said of arguments outside of ROS's. rcl takes `NAME:=VALUE` as a remap, and says so itself; but where it is
/// a parameter's name, that isn't what was meant.
pub fn warnings(ignored: &[String], is_parameter: impl Fn(&str) -> bool) -> Vec<String> {
    let (remaps, others): (Vec<_>, Vec<_>) = ignored.iter().partition(|argument| argument.contains(":="));
    let meant = remaps.into_iter().filter(|remap| remap.split(":=").next().is_some_and(&is_parameter));
    let mut warnings: Vec<_> =
        meant.map(|remap| format!("{remap} is a remap here: a parameter comes as --ros-args -p {remap}")).collect();
    if !others.is_empty() {
        let list = others.iter().map(|argument| argument.as_str()).collect::<Vec<_>>().join(" ");
        warnings.push(format!("ignored: {list}: ROS's arguments come after --ros-args"));
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(line: &str) -> Wish {
        read(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn what_is_outside_of_ros_arguments_is_told() {
        let ignored = |line| match wish(line) {
            Wish::Run(ignored) => ignored,
            other => panic!("{other:?}"),
        };
        assert_eq!(ignored(""), [""; 0]);
        assert_eq!(ignored("--ros-args -p a:=1 --params-file x.yaml"), [""; 0]);
        assert_eq!(ignored("--params-file x.yaml"), ["--params-file", "x.yaml"]);
        assert_eq!(ignored("map:=/m --ros-args -r b:=c -- d --ros-args -p e:=1"), ["map:=/m", "d"]);
        let said = [
            "speed:=1 is a remap here: a parameter comes as --ros-args -p speed:=1",
            "ignored: --params-file x.yaml: ROS's arguments come after --ros-args",
        ];
        let is_parameter = |name: &str| name == "speed";
        assert_eq!(warnings(&ignored("map:=/m --params-file speed:=1 x.yaml"), is_parameter), said);
        assert_eq!(warnings(&ignored("map:=/m"), is_parameter), [""; 0]);
    }

    #[test]
    fn help_and_version_come_before_all() {
        assert_eq!(wish("--help"), Wish::Help);
        assert_eq!(wish("a -h --ros-args -p a:=1"), Wish::Help);
        assert_eq!(wish("--version"), Wish::Version);
        assert_eq!(wish("--ros-args -p help:=-h --help"), Wish::Run(vec![]), "rcl refuses that");
    }
}
