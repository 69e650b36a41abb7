//! What the relay allows, from flags and environment variables.

use std::time::Duration;

/// The relay's limits and address. The defaults suit a relay on a small server; they do not throttle a client that pays
/// ten thousand times a second.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Host and port to listen on; port 0 takes a free one.
    pub listen: String,
    /// The most connections at once.
    pub max_connections: usize,
    /// The most connections at once from one network address (for IPv6, one /64 network).
    pub max_connections_per_address: usize,
    /// How long a client may take to connect and authenticate.
    pub handshake_timeout: Duration,
    /// After how long without a sign of life a connection is closed. Clients are pinged three times in it.
    pub idle_timeout: Duration,
    /// Frames per second and connection in the long run; twice as many at once.
    pub frames_per_second: u32,
    /// Bytes per second and connection in the long run; twice as many at once.
    pub bytes_per_second: u64,
    /// Announcements and lookups per second and connection in the long run; four times as many at once.
    pub requests_per_second: u32,
    /// Publications per minute and connection, in the long run and at once: each goes to all who follow.
    pub publications_per_minute: u32,
    /// The most announcements that are gossiped.
    pub gossip_entries: usize,
    /// The most bytes of announcements that are gossiped.
    pub gossip_bytes: usize,
    /// The most frames that wait for one client.
    pub queue_frames: usize,
    /// The most bytes that wait for one client.
    pub queue_bytes: usize,
    /// The most bytes that wait for all clients together.
    pub total_queue_bytes: usize,
    /// After how long clients are told to come back when the relay stops.
    pub reconnect_in: Duration,
    /// True to take a client's address from the last entry of `X-Forwarded-For`. Only behind a proxy that writes it:
    /// anyone else could write anything.
    pub trust_forwarded_for: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8787".into(),
            max_connections: 10_000,
            max_connections_per_address: 256,
            handshake_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(60),
            frames_per_second: 50_000,
            bytes_per_second: 64 << 20,
            requests_per_second: 50,
            publications_per_minute: 20,
            gossip_entries: 100_000,
            gossip_bytes: 128 << 20,
            queue_frames: 8_192,
            queue_bytes: 16 << 20,
            total_queue_bytes: 512 << 20,
            reconnect_in: Duration::from_secs(1),
            trust_forwarded_for: false,
        }
    }
}

/// Why flags or environment variables make no configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigError {
    /// A flag that does not exist.
    UnknownFlag(String),
    /// A flag without its value.
    MissingValue(String),
    /// A value that does not fit.
    BadValue {
        /// The flag or variable.
        name: String,
        /// What was given.
        value: String,
        /// What is expected.
        expected: &'static str,
    },
}

impl std::fmt::Display for ConfigError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::UnknownFlag(flag) => write!(f, "there is no flag {flag}; try --help"),
            Self::MissingValue(flag) => write!(f, "{flag} needs a value"),
            Self::BadValue { name, value, expected } => write!(f, "{name} is {value:?}, expected {expected}"),
        }
    }
}

impl std::error::Error for ConfigError {}

struct Setting {
    flag: &'static str,
    expected: &'static str,
    about: &'static str,
    set: fn(&mut Config, &str) -> Option<()>,
}

const COUNT: &str = "a number above 0";
const SECONDS: &str = "a number of seconds above 0";
const MILLISECONDS: &str = "a number of milliseconds";

const SETTINGS: [Setting; 16] = [
    Setting {
        flag: "listen",
        expected: "HOST:PORT",
        about: "address to listen on, port 0 for a free one",
        set: |config, value| {
            value.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok())?;
            config.listen = value.into();
            Some(())
        },
    },
    Setting {
        flag: "max-connections",
        expected: COUNT,
        about: "connections at once",
        set: |config, value| count(value, &mut config.max_connections),
    },
    Setting {
        flag: "max-connections-per-address",
        expected: COUNT,
        about: "connections at once from one network address",
        set: |config, value| count(value, &mut config.max_connections_per_address),
    },
    Setting {
        flag: "handshake-timeout",
        expected: SECONDS,
        about: "seconds to connect and authenticate",
        set: |config, value| seconds(value, &mut config.handshake_timeout),
    },
    Setting {
        flag: "idle-timeout",
        expected: SECONDS,
        about: "seconds without a sign of life",
        set: |config, value| seconds(value, &mut config.idle_timeout),
    },
    Setting {
        flag: "frames-per-second",
        expected: COUNT,
        about: "frames per second and connection",
        set: |config, value| count(value, &mut config.frames_per_second),
    },
    Setting {
        flag: "bytes-per-second",
        expected: COUNT,
        about: "bytes per second and connection",
        set: |config, value| count(value, &mut config.bytes_per_second),
    },
    Setting {
        flag: "requests-per-second",
        expected: COUNT,
        about: "directory requests per second and connection",
        set: |config, value| count(value, &mut config.requests_per_second),
    },
    Setting {
        flag: "publications-per-minute",
        expected: COUNT,
        about: "publications per minute and connection",
        set: |config, value| count(value, &mut config.publications_per_minute),
    },
    Setting {
        flag: "gossip-entries",
        expected: COUNT,
        about: "announcements that are gossiped",
        set: |config, value| count(value, &mut config.gossip_entries),
    },
    Setting {
        flag: "gossip-bytes",
        expected: COUNT,
        about: "bytes of announcements that are gossiped",
        set: |config, value| count(value, &mut config.gossip_bytes),
    },
    Setting {
        flag: "queue-frames",
        expected: COUNT,
        about: "frames waiting for one client",
        set: |config, value| count(value, &mut config.queue_frames),
    },
    Setting {
        flag: "queue-bytes",
        expected: COUNT,
        about: "bytes waiting for one client",
        set: |config, value| count(value, &mut config.queue_bytes),
    },
    Setting {
        flag: "total-queue-bytes",
        expected: COUNT,
        about: "bytes waiting for all clients together",
        set: |config, value| count(value, &mut config.total_queue_bytes),
    },
    Setting {
        flag: "reconnect-in",
        expected: MILLISECONDS,
        about: "milliseconds after which clients come back from a restart",
        set: |config, value| {
            config.reconnect_in = Duration::from_millis(value.parse::<u32>().ok()?.into());
            Some(())
        },
    },
    Setting {
        flag: "trust-forwarded-for",
        expected: "true or false",
        about: "take addresses from the proxy's X-Forwarded-For",
        set: |config, value| {
            config.trust_forwarded_for = value.parse().ok()?;
            Some(())
        },
    },
];

fn count<T: std::str::FromStr + Default + PartialOrd>(value: &str, to: &mut T) -> Option<()> {
    *to = value.parse().ok().filter(|count| *count > T::default())?;
    Some(())
}

fn seconds(value: &str, to: &mut Duration) -> Option<()> {
    let mut seconds = 0_u32;
    count(value, &mut seconds)?;
    *to = Duration::from_secs(seconds.into());
    Some(())
}

fn variable(flag: &str) -> String {
    format!("CHIT_RELAY_{}", flag.to_uppercase().replace('-', "_"))
}

impl Config {
    /// Reads flags (`--name value` or `--name=value`) and, for those not given, environment variables
    /// (`CHIT_RELAY_NAME`), over the defaults.
    ///
    /// # Errors
    /// [`ConfigError`] names what is wrong.
    pub fn read(
        flags: impl IntoIterator<Item = String>,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        let mut config = Self::default();
        for setting in &SETTINGS {
            let name = variable(setting.flag);
            if let Some(value) = environment(&name) {
                config.set(setting, name, value)?;
            }
        }
        let mut flags = flags.into_iter();
        while let Some(flag) = flags.next() {
            let (name, value) = match flag.split_once('=') {
                Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
                None => (flag, None),
            };
            let setting = SETTINGS
                .iter()
                .find(|setting| name.strip_prefix("--") == Some(setting.flag))
                .ok_or_else(|| ConfigError::UnknownFlag(name.clone()))?;
            let value = value.or_else(|| flags.next()).ok_or_else(|| ConfigError::MissingValue(name.clone()))?;
            config.set(setting, name, value)?;
        }
        Ok(config)
    }

    fn set(&mut self, setting: &Setting, name: String, value: String) -> Result<(), ConfigError> {
        (setting.set)(self, &value).ok_or(ConfigError::BadValue { name, value, expected: setting.expected })
    }
}

/// The text of `--help`.
pub fn usage() -> String {
    let lines: Vec<String> = SETTINGS
        .iter()
        .map(|setting| format!("  --{:<30}{}\n  {:<32}{}\n", setting.flag, setting.about, "", variable(setting.flag)))
        .collect();
    format!(
        "chit-relay forwards sealed frames between Chit clients.\n\nUsage: chit-relay [--name value]...\n\n{}",
        lines.concat()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(flags: &[&str], variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
        Config::read(flags.iter().map(|flag| (*flag).to_owned()), |name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn flags_go_over_variables_go_over_defaults() {
        assert_eq!(read(&[], &[]), Ok(Config::default()));
        let variables = [("CHIT_RELAY_LISTEN", "0.0.0.0:1"), ("CHIT_RELAY_QUEUE_FRAMES", "7")];
        let config = read(&["--listen", "[::1]:0", "--idle-timeout=5", "--trust-forwarded-for=true"], &variables);
        assert_eq!(
            config,
            Ok(Config {
                listen: "[::1]:0".into(),
                queue_frames: 7,
                idle_timeout: Duration::from_secs(5),
                trust_forwarded_for: true,
                ..Config::default()
            })
        );
    }

    #[test]
    fn mistakes_are_named() {
        assert_eq!(read(&["--lisent", "x"], &[]), Err(ConfigError::UnknownFlag("--lisent".into())));
        assert_eq!(read(&["listen"], &[]), Err(ConfigError::UnknownFlag("listen".into())));
        assert_eq!(read(&["--listen"], &[]), Err(ConfigError::MissingValue("--listen".into())));
        for (flag, value) in [
            ("listen", "nowhere"),
            ("listen", "host:70000"),
            ("queue-frames", "0"),
            ("queue-bytes", "-1"),
            ("frames-per-second", "4294967296"),
            ("idle-timeout", "1.5"),
            ("reconnect-in", "soon"),
        ] {
            let error = read(&[&format!("--{flag}"), value], &[]).unwrap_err();
            assert!(matches!(&error, ConfigError::BadValue { .. }), "{flag} {value}");
            assert!(error.to_string().contains(flag) && error.to_string().contains(value));
        }
        assert!(matches!(read(&[], &[("CHIT_RELAY_LISTEN", "x")]), Err(ConfigError::BadValue { .. })));
    }

    #[test]
    fn help_names_every_flag_and_variable() {
        let usage = usage();
        assert!(SETTINGS.iter().all(|setting| usage.contains(&format!("--{} ", setting.flag))));
        assert!(usage.contains("CHIT_RELAY_MAX_CONNECTIONS_PER_ADDRESS"));
    }
}
