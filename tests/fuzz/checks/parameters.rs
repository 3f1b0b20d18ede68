//! Any names and values as parameters: refused with a message that names the parameter, and nothing changes; or taken,
//! and the value can be read back and is taken again.

use trm_config::{Config, Value};

/// Panics when `data` shows a fault. Each line is a name, a colon and YAML.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let mut config = Config::default();
    for line in text.lines().take(64) {
        let Some((name, value)) = line.split_once(':') else { continue };
        let value = match serde_yaml::from_str(value) {
            Ok(serde_yaml::Value::Bool(value)) => Value::Bool(value),
            Ok(serde_yaml::Value::Number(value)) => match (value.as_i64(), value.as_f64()) {
                (Some(whole), _) => Value::Integer(whole),
                (None, Some(real)) => Value::Double(real),
                (None, None) => continue,
            },
            Ok(serde_yaml::Value::String(value)) => Value::Text(value),
            _ => continue,
        };
        let before = config.clone();
        if let Err(error) = config.set(name, &value) {
            assert!(error.to_string().contains(name), "{error}");
            assert_eq!(config, before);
        } else {
            let now = config.get(name).expect("a parameter that was set");
            let mut again = config.clone();
            again.set(name, &now).expect("a value that was read back");
            assert_eq!(again, config);
        }
    }
}
