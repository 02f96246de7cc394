// SPDX-License-Identifier: MIT OR Apache-2.0
//! Settings from files and environments.

use toml::{Table, Value};

use super::settings::{Setting, SETTINGS};
use super::{Config, ConfigError};

impl Config {
    /// Takes over one setting by its key.
    ///
    /// # Errors
    /// [`ConfigError`] for an unknown key and a value that is none of its.
    pub fn set(&mut self, key: &str, value: &str) -> Result<(), ConfigError> {
        let setting = find(key)?;
        self.apply(setting, key, value)
    }

    fn apply(&mut self, setting: &Setting, name: &str, value: &str) -> Result<(), ConfigError> {
        (setting.set)(self, value.trim()).map_err(|reason| {
            // Keys and secrets are shown to nobody.
            match setting.key {
                "key" | "salt" | "secret" => ConfigError(format!("{name}: it is not usable")),
                _ => ConfigError(format!("{name}: {reason}")),
            }
        })
    }

    /// Takes over the settings of a TOML file.
    ///
    /// # Errors
    /// [`ConfigError`], which names the key.
    pub fn read_toml(&mut self, text: &str) -> Result<(), ConfigError> {
        let table: Table = text.parse().map_err(|error: toml::de::Error| {
            let line = error
                .span()
                .map(|span| text[..span.start.min(text.len())].lines().count().max(1));
            let line = line.map_or(String::new(), |line| format!("line {line}: "));
            ConfigError(format!("{line}{}", error.message()))
        })?;
        for (key, value) in &table {
            let setting = find(key)?;
            if let (Value::Table(presets), "presets") = (value, setting.key) {
                for (name, options) in presets {
                    let options = scalar(&format!("presets.{name}"), options)?;
                    self.presets.insert(name.clone(), options);
                }
                continue;
            }
            self.apply(setting, key, &scalar(key, value)?)?;
        }
        Ok(())
    }

    /// Takes over the settings of an environment: imgproxy's names first, then ours.
    ///
    /// # Errors
    /// [`ConfigError`], which names the variable.
    pub fn read_environment(
        &mut self,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<(), ConfigError> {
        for setting in SETTINGS {
            let theirs = setting.imgproxy.map(|name| format!("IMGPROXY_{name}"));
            let ours = format!("FRAMEMILL_{}", setting.key.to_uppercase());
            for name in theirs.into_iter().chain([ours]) {
                if let Some(value) = variable(&name).filter(|value| !value.is_empty()) {
                    self.apply(setting, &name, &value)?;
                }
            }
        }
        Ok(())
    }
}

fn find(key: &str) -> Result<&'static Setting, ConfigError> {
    SETTINGS
        .iter()
        .find(|setting| setting.key == key)
        .ok_or_else(|| ConfigError(format!("there is no setting {key:?}")))
}

/// A value of TOML as the text that an environment would hold.
fn scalar(key: &str, value: &Value) -> Result<String, ConfigError> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Integer(number) => Ok(number.to_string()),
        Value::Float(number) => Ok(number.to_string()),
        Value::Boolean(truth) => Ok(truth.to_string()),
        Value::Array(values) => {
            let parts: Result<Vec<_>, _> = values.iter().map(|value| scalar(key, value)).collect();
            Ok(parts?.join(","))
        }
        _ => Err(ConfigError(format!("{key}: it takes no table or date"))),
    }
}
