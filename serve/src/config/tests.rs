// SPDX-License-Identifier: MIT OR Apache-2.0
use super::*;

fn of(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let mut config = Config::default();
    let found = |name: &str| {
        let row = variables.iter().find(|row| row.0 == name);
        row.map(|row| row.1.to_owned())
    };
    config.read_environment(found)?;
    Ok(config)
}

#[test]
fn the_file_the_environment_and_flags_say_the_same() {
    let mut file = Config::default();
    file.read_toml(
        "listen = \"127.0.0.1:9\"\nworkers = 3\nttl = 1.5\netag = false\n\
         allowed_sources = [\"local://\", \"https://*.example.com/\"]\n\
         [presets]\nsmall = \"rs:fit:10:10\"\n",
    )
    .unwrap();
    let environment = of(&[
        ("FRAMEMILL_LISTEN", "127.0.0.1:9"),
        ("FRAMEMILL_WORKERS", "3"),
        ("FRAMEMILL_TTL", "1.5"),
        ("FRAMEMILL_ETAG", "0"),
        (
            "FRAMEMILL_ALLOWED_SOURCES",
            "local://, https://*.example.com/",
        ),
        ("FRAMEMILL_PRESETS", "small=rs:fit:10:10"),
    ]);
    assert_eq!(format!("{file:?}"), format!("{:?}", environment.unwrap()));
    let mut flags = file.clone();
    flags.set("workers", "4").unwrap();
    assert_eq!((file.workers, flags.workers), (3, 4));
}

#[test]
fn imgproxys_names_are_taken_and_ours_win() {
    let config = of(&[
        ("IMGPROXY_BIND", ":8081"),
        ("IMGPROXY_MAX_SRC_RESOLUTION", "16.8"),
        ("IMGPROXY_FORMAT_QUALITY", "jpeg=70,avif=40"),
        ("IMGPROXY_AUTO_ROTATE", "false"),
        ("IMGPROXY_TTL", "10"),
        ("FRAMEMILL_TTL", "20"),
    ])
    .unwrap();
    assert_eq!(config.listen.to_string(), "0.0.0.0:8081");
    assert_eq!(config.limits.pixels, 16_800_000);
    assert_eq!((config.quality, config.avif_quality), (70, 40));
    assert_eq!(config.ttl, Duration::from_secs(20));
    let grammar = config.grammar().unwrap();
    let request = grammar.parse_unsigned("/w:3/plain/x").unwrap();
    assert!(!request.options.auto_rotate);
}

#[test]
fn every_setting_is_documented_and_has_one_name() {
    let text = include_str!("../../../docs/thumbnails.md");
    let mut keys = std::collections::BTreeSet::new();
    for setting in SETTINGS {
        assert!(keys.insert(setting.key), "{} twice", setting.key);
        let row = match setting.imgproxy {
            Some(name) => format!(
                "| `{}` | `IMGPROXY_{name}` | {} |",
                setting.key, setting.help
            ),
            None => format!("| `{}` | | {} |", setting.key, setting.help),
        };
        assert!(text.contains(&row), "docs/thumbnails.md lacks:\n{row}");
    }
}

#[test]
fn wrong_settings_are_named_and_secrets_are_not_shown() {
    let cases = [
        ("workers = 0", "workers: \"0\" is no number from 1 to 4096"),
        ("worker = 1", "there is no setting \"worker\""),
        ("workers = ", "line 1: "),
        ("a = 1\nb = [", "line 2: "),
        (
            "etag = \"maybe\"",
            "etag: \"maybe\" is neither true nor false",
        ),
        ("format_quality = \"png=3\"", "png has no quality here"),
        ("allowed_networks = \"10.0.0.0/99\"", "is no network"),
        ("listen = \"here\"", "is no ADDRESS:PORT"),
        ("cache = 2020-01-01", "no table or date"),
    ];
    for (text, wanted) in cases {
        let error = Config::default().read_toml(text).unwrap_err().to_string();
        assert!(
            error.contains(wanted) && !error.contains('\n'),
            "{text}: {error}"
        );
    }
    let mut config = of(&[("IMGPROXY_KEY", "5ecre7x"), ("IMGPROXY_SALT", "00")]).unwrap();
    let error = config.grammar().unwrap_err().to_string();
    assert_eq!(error, "key number 1 is not hexadecimal");
    config.keys = vec!["00".into()];
    config.presets.insert("p".into(), "rs:what".into());
    assert!(config
        .grammar()
        .unwrap_err()
        .to_string()
        .starts_with("preset \"p\": "));
}

#[test]
fn unsigned_urls_are_not_served_to_the_world_by_accident() {
    let mut config = Config::default();
    config.check_exposure().unwrap();
    config.set("listen", ":80").unwrap();
    assert!(config.check_exposure().is_err());
    let mut signed = config.clone();
    signed.keys = vec!["00".into()];
    signed.check_exposure().unwrap();
    config.insecure_urls = true;
    config.check_exposure().unwrap();
}
