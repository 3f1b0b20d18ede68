//! Parameters as bytes, by their names.

use trm_config::{Config, ParameterError, Value};
use trm_grid::bytes::{Bytes, BytesError, Put};

/// Appends all parameters of one planner to bytes.
pub fn write(config: &Config, to: &mut impl Put) {
    let specs = Config::specs();
    to.put_count(specs.len() as u64);
    for spec in specs {
        to.put_text(spec.name);
        // Each name of the list has a value.
        write_value(&config.get(spec.name).unwrap_or(spec.default), to);
    }
}

/// Reads what [`write`] wrote. The inner error names a parameter that this version doesn't have so.
pub fn read(from: &mut Bytes) -> Result<Result<Config, ParameterError>, BytesError> {
    let mut config = Config::default();
    for _ in 0..from.length("number of parameters")? {
        let name = from.text("name of a parameter")?;
        let value = read_value(from)?;
        if let Err(error) = config.set(name, &value) {
            return Ok(Err(error));
        }
    }
    Ok(Ok(config))
}

fn write_value(value: &Value, to: &mut impl Put) {
    match value {
        Value::Bool(value) => to.put_bytes(&[0, u8::from(*value)]),
        Value::Integer(value) => {
            to.put_u8(1);
            to.put_signed(*value);
        }
        Value::Double(value) => {
            to.put_u8(2);
            to.put_f64(*value);
        }
        Value::Text(text) => {
            to.put_u8(3);
            to.put_text(text);
        }
        Value::Texts(texts) => {
            to.put_u8(4);
            to.put_count(texts.len() as u64);
            for text in texts {
                to.put_text(text);
            }
        }
    }
}

fn read_value(from: &mut Bytes) -> Result<Value, BytesError> {
    let field = "value of a parameter";
    Ok(match from.u8("type of a parameter")? {
        0 => Value::Bool(from.flag(field)?),
        1 => Value::Integer(from.signed(field)?),
        2 => Value::Double(from.f64(field)?),
        3 => Value::Text(from.text(field)?.to_owned()),
        4 => {
            let count = from.length(field)?;
            Value::Texts((0..count).map(|_| from.text(field).map(str::to_owned)).collect::<Result<_, _>>()?)
        }
        other => return Err(BytesError::value("type of a parameter", &other, "0 to 4")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_parameter_comes_again_and_one_of_another_version_is_named() {
        let config = Config::with(|config| {
            config.grid.robot_radius = 0.1 + 0.2;
            config.planner.max_steps = 7;
            config.planner.smooth = false;
            config.node.planner_plugins = vec!["A".to_owned(), "B".to_owned()];
        });
        let mut bytes = Vec::new();
        write(&config, &mut bytes);
        assert_eq!(read(&mut Bytes::new(&bytes)), Ok(Ok(config)));
        let mut other = vec![1];
        other.put_text("robot_colour");
        write_value(&Value::Text("blue".to_owned()), &mut other);
        let error = read(&mut Bytes::new(&other)).unwrap().unwrap_err().to_string();
        assert!(error.contains("robot_colour") && error.contains("blue"), "{error}");
    }
}
