//! How users name checks: one by its id or short name, several by how their names begin.

use std::str::FromStr;

use serde::{Deserialize, Deserializer};

use crate::rules::checks::{self, Check};

/// The full id of a check that exists; users may write the short name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct CheckName(pub &'static str);

impl FromStr for CheckName {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match checks::find(name) {
            Some(check) => Ok(Self(check.id.as_str())),
            None if CheckNames::words().contains(&name) => Err(format!(
                "`{name}` names several checks, and only one is possible here; `cachelint rule` \
                 lists them"
            )),
            None => Err(checks::unknown(name)),
        }
    }
}

impl<'de> Deserialize<'de> for CheckName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// The checks that a word means: `nox/missing-cache`, `missing-cache`, `nox`, `cache`, `all`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckNames(pub Vec<CheckName>);

impl CheckNames {
    pub fn contains(&self, check: &str) -> bool {
        self.0.iter().any(|name| name.0 == check)
    }

    /// Every word that means at least one check, sorted.
    pub fn words() -> Vec<&'static str> {
        let mut words = vec!["all"];
        for check in checks::all() {
            for name in [check.id.as_str(), check.short_name()] {
                let ends = name.match_indices(['/', '-']).map(|(at, _)| at).chain([name.len()]);
                words.extend(ends.map(|end| &name[..end]));
            }
        }
        words.sort_unstable();
        words.dedup();
        words
    }
}

impl FromStr for CheckNames {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        if let Ok(one) = word.parse() {
            return Ok(Self(vec![one]));
        }
        let begins = |name: &str| {
            let rest = name.strip_prefix(word.trim_end_matches(['/', '-']));
            rest.is_some_and(|rest| rest.starts_with(['/', '-']))
        };
        let meant = |check: &&Check| {
            word == "all" || (!word.is_empty() && (begins(&check.id) || begins(check.short_name())))
        };
        let names: Vec<CheckName> =
            checks::all().iter().filter(meant).map(|check| CheckName(&check.id)).collect();
        if names.is_empty() { Err(checks::unknown(word)) } else { Ok(Self(names)) }
    }
}

impl<'de> Deserialize<'de> for CheckNames {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_means_every_check_whose_name_begins_with_it() {
        let meant = |word: &str| word.parse::<CheckNames>().map(|names| names.0);
        assert_eq!(meant("missing-cache"), Ok(vec![CheckName("nox/missing-cache")]));
        assert_eq!(
            meant("missing"),
            Ok(vec![CheckName("nox/missing-cache"), CheckName("nox/missing-restore-keys")])
        );
        assert_eq!(meant("nox/missing"), meant("missing"));
        assert!(meant("nox").unwrap().iter().all(|name| name.0.starts_with("nox/")));
        assert_eq!(meant("nox/"), meant("nox"));
        assert_eq!(meant("cachelint").unwrap().len(), 2);
        assert_eq!(meant("all").unwrap().len(), checks::all().len());
        assert!(meant("mis").is_err() && meant("").is_err() && meant("/").is_err());
        assert!(meant("nxo").unwrap_err().contains("did you mean `nox`?"));
        assert!("nox".parse::<CheckName>().unwrap_err().contains("several checks"));
        for word in CheckNames::words() {
            assert!(meant(word).is_ok(), "{word}");
        }
    }
}
