//! Not in upstream r2r: which sections of parameter files apply to a node.

/// A section of a parameter file, as rcl names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParameterSection {
    /// The node's name or a pattern, with `/` at the beginning.
    pub name: String,
    /// Whether it applies to the node.
    pub applies: bool,
}

impl ParameterSection {
    /// The section of this name, for a node of this fully qualified name.
    pub(crate) fn new(name: &str, node: &str) -> Self {
        let tokens = |name: &str| name.trim_start_matches('/').split('/').map(str::to_owned).collect::<Vec<_>>();
        let applies = matches(&tokens(name), &tokens(node));
        Self { name: format!("/{}", name.trim_start_matches('/')), applies }
    }
}

/// The rule of rclcpp and rclpy: `*` is one token, `**` any number of them, none too
/// (rclcpp's parameter_map.cpp makes of them `(/\w+)` and `(/\w+)*`).
fn matches(pattern: &[String], tokens: &[String]) -> bool {
    let Some((first, rest)) = pattern.split_first() else { return tokens.is_empty() };
    match first.as_str() {
        "**" => (0..=tokens.len()).any(|taken| matches(rest, &tokens[taken..])),
        "*" => !tokens.is_empty() && matches(rest, &tokens[1..]),
        token => tokens.first().is_some_and(|own| own == token) && matches(rest, &tokens[1..]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_one_token_and_two_are_any_number() {
        let applies = |section: &str, node: &str| ParameterSection::new(section, node).applies;
        for section in [
            "/robot1/trm_node", "robot1/trm_node", "/**", "**", "/*/trm_node", "/**/trm_node", "/robot1/*",
            "/robot1/**", "/*/*", "/robot1/**/trm_node", "/**/robot1/**", "/**/**",
        ] {
            assert!(applies(section, "/robot1/trm_node"), "{section}");
        }
        for section in ["trm_node", "/*", "*", "/robot1", "/r/**", "/*/*/*", "/robot1/**/*/trm_node", ""] {
            assert!(!applies(section, "/robot1/trm_node"), "{section}");
        }
        assert!(applies("/*", "/trm_node") && applies("trm_node", "/trm_node") && !applies("/*/*", "/trm_node"));
        assert_eq!(ParameterSection::new("robot1/a", "/b").name, "/robot1/a");
    }
}
