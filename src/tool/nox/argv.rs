//! nox's command line as argparse reads it: greedy lists, bundled switches, the last of repeated
//! options.

use std::collections::BTreeMap;

use crate::rules::nox::{Meaning, OptionRule, Takes, rules};
use crate::tool::Argument;

/// What the words of a call say. Values come as they were written, known or not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NoxCall {
    /// The last values given for each option; switches have none. `Reuse` holds or `NoReuse` holds,
    /// never both.
    given: BTreeMap<Meaning, Vec<Argument>>,
    /// Some word may have become further options.
    pub incomplete: bool,
    /// Lists whose last words may be further options or none at all.
    pub open_lists: Vec<Meaning>,
    /// Why nox would refuse the line.
    pub error: Option<String>,
}

impl NoxCall {
    pub fn has(&self, meaning: Meaning) -> bool {
        self.given.contains_key(&meaning)
    }

    /// The values of a list option; `None` when it was not given.
    pub fn list(&self, meaning: Meaning) -> Option<&[Argument]> {
        self.given.get(&meaning).map(Vec::as_slice)
    }

    /// The value of an option that takes one.
    pub fn one(&self, meaning: Meaning) -> Option<&Argument> {
        self.given.get(&meaning)?.first()
    }

    fn give(&mut self, meaning: Meaning, values: Vec<Argument>) {
        match meaning {
            Meaning::Reuse => drop(self.given.remove(&Meaning::NoReuse)),
            Meaning::NoReuse => drop(self.given.remove(&Meaning::Reuse)),
            _ => {}
        }
        self.open_lists.retain(|open| *open != meaning);
        self.given.insert(meaning, values);
    }

    fn refuse(&mut self, why: String) {
        self.error.get_or_insert(why);
    }
}

/// Reads the words after the program word.
pub fn parse(args: &[Argument]) -> NoxCall {
    let mut call = NoxCall::default();
    let mut rest = args;
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        let Some(word) = first.value.as_deref() else {
            // `--python=…` is that option with a value that is not known; any other word may be
            // options, values or nothing.
            match first
                .prefix
                .split_once('=')
                .and_then(|(name, value)| Some((rules().option(name)?, value)))
            {
                Some((rule, value)) if rule.takes != Takes::None => {
                    call.give(rule.means, vec![Argument::unknown(value, false)]);
                }
                _ => call.incomplete = true,
            }
            continue;
        };
        if word == "--" {
            break;
        }
        if !is_option(word) {
            call.refuse(format!(
                "`{word}` isn't an option, and nox takes only options before `--`"
            ));
            continue;
        }
        rest = option(word, rest, &mut call);
    }
    call
}

fn is_option(word: &str) -> bool {
    word.len() > 1 && word.starts_with('-')
}

/// Reads one option word (perhaps a bundle) and the values it takes from `rest`; returns what is
/// left.
fn option<'a>(word: &str, rest: &'a [Argument], call: &mut NoxCall) -> &'a [Argument] {
    if let Some(rule) = rules().option(word) {
        return values(rule, None, rest, call);
    }
    let (name, attached) =
        word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value)));
    if let Some(rule) = rules().option(name).or_else(|| rules().abbreviated(name)) {
        return values(rule, attached, rest, call);
    }
    if word.starts_with("--") {
        call.refuse(format!("nox has no option `{word}`"));
        return rest;
    }
    // A bundle: switches, and perhaps at the end one option with its value attached or in the next
    // words.
    let mut letters = word.char_indices().skip(1);
    while let Some((at, letter)) = letters.next() {
        let Some(rule) = rules().option(&format!("-{letter}")) else {
            call.refuse(format!("nox has no option `-{letter}` (in `{word}`)"));
            return rest;
        };
        let attached = &word[at + letter.len_utf8()..];
        if rule.takes == Takes::None {
            call.give(rule.means, Vec::new());
        } else {
            let attached = attached.strip_prefix('=').unwrap_or(attached);
            return values(rule, (letters.next().is_some()).then_some(attached), rest, call);
        }
    }
    rest
}

fn values<'a>(
    rule: &OptionRule,
    attached: Option<&str>,
    rest: &'a [Argument],
    call: &mut NoxCall,
) -> &'a [Argument] {
    match (rule.takes, attached) {
        (Takes::None, Some(_)) => {
            call.refuse(format!("`{}` takes no value", rule.names.join("`/`")));
            rest
        }
        (Takes::None, None) => {
            call.give(rule.means, Vec::new());
            rest
        }
        (_, Some(value)) => {
            call.give(rule.means, vec![Argument::known(value)]);
            rest
        }
        (Takes::One, None) => match rest.split_first() {
            Some((value, after)) if value.value.as_deref().is_none_or(|v| !is_option(v)) => {
                if value.may_split {
                    call.incomplete = true;
                }
                call.give(rule.means, vec![value.clone()]);
                after
            }
            _ => {
                call.refuse(format!("`{}` needs a value", rule.names.join("`/`")));
                rest
            }
        },
        (Takes::Any, None) => {
            let end = rest
                .iter()
                .position(|a| a.value.as_deref().is_some_and(is_option))
                .unwrap_or(rest.len());
            let (taken, after) = rest.split_at(end);
            call.give(rule.means, taken.to_vec());
            // The first word after the option is its value in any line that makes sense; those
            // after it, and any word that may become several, can also be options.
            if taken
                .iter()
                .enumerate()
                .any(|(i, a)| a.value.is_none() && a.prefix.is_empty() && (i > 0 || a.may_split))
            {
                call.open_lists.push(rule.means);
                call.incomplete |=
                    taken.iter().skip(1).any(|a| a.value.is_none() && a.prefix.is_empty());
            }
            after
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<Argument> {
        let word = |w: &str| match w.split_once('?') {
            Some((prefix, split)) => Argument::unknown(prefix, split == "*"),
            None => Argument::known(w),
        };
        line.split_whitespace().map(word).collect()
    }

    fn texts(list: Option<&[Argument]>) -> Option<Vec<String>> {
        let text = |a: &Argument| a.value.clone().unwrap_or_else(|| format!("{}?", a.prefix));
        list.map(|l| l.iter().map(text).collect())
    }

    /// Each line was given to nox 2026.10.20.
    #[test]
    fn sessions_are_those_nox_would_run() {
        for (line, sessions) in [
            ("", None),
            ("-s a b -- c", Some(vec!["a", "b"])),
            ("-s a -s b", Some(vec!["b"])),
            ("-s a -e b", Some(vec!["b"])),
            ("--session=tests", Some(vec!["tests"])),
            ("-rs a b", Some(vec!["a", "b"])),
            ("-rsa", Some(vec!["a"])),
            ("-s=a", Some(vec!["a"])),
            ("-sa", Some(vec!["a"])),
            ("-rvs a", Some(vec!["a"])),
            ("-xrs a", Some(vec!["a"])),
            ("-Rs a", Some(vec!["a"])),
            ("-re a", Some(vec!["a"])),
            ("-s a -k x b", Some(vec!["a"])),
            ("-s", Some(vec![])),
            ("-- -s a", None),
            ("--non-interactive -s a --envdir x", Some(vec!["a"])),
        ] {
            let call = parse(&words(line));
            let expected = sessions.map(|s| s.into_iter().map(str::to_owned).collect::<Vec<_>>());
            assert_eq!(texts(call.list(Meaning::Sessions)), expected, "{line}");
        }
    }

    #[test]
    fn lines_nox_refuses() {
        for line in [
            "tests",
            "-s -r a b --nope",
            "-sr a",
            "-ts a",
            "-rts a",
            "-q",
            "-k",
            "--envdir -r",
            "--reuse-venv -s a",
        ] {
            let call = parse(&words(line));
            // `-sr a` is the session "r" and a stray "a"; `-ts a` a timestamp and a stray "a".
            assert!(call.error.is_some(), "{line}: {call:?}");
        }
        for line in [
            "-r",
            "-ts",
            "-db uv",
            "-fb none -s a",
            "-db=uv",
            "--json --list",
            "-P 3.12",
            "-j 4",
            "-rts",
        ] {
            assert_eq!(parse(&words(line)).error, None, "{line}");
        }
    }

    #[test]
    fn of_r_and_n_the_last_wins() {
        for (line, reuse, no_reuse) in [
            ("-r -N", false, true),
            ("-N -r", true, false),
            ("-rN", false, true),
            ("--no-reuse-existing-virtualenvs", false, true),
            ("-s a -- -r", false, false),
            ("-v", false, false),
        ] {
            let call = parse(&words(line));
            assert_eq!(
                (call.has(Meaning::Reuse), call.has(Meaning::NoReuse)),
                (reuse, no_reuse),
                "{line}"
            );
        }
    }

    /// nox 2024.10.9 takes the first two lines and refuses the others, as ambiguous or unknown.
    #[test]
    fn beginnings_of_long_options() {
        for (line, taken) in [
            ("--error-on-missing-interpreter -s a", true),
            ("--non-inter --envd=x -s a", true),
            ("--force -s a", false),
            ("--reuse -s a", false),
            ("--nope -s a", false),
        ] {
            assert_eq!(parse(&words(line)).error.is_none(), taken, "{line}");
        }
    }

    /// `?` is an unknown word, `?*` one that may split.
    #[test]
    fn unknown_words_leave_certain_what_is_certain() {
        for (line, incomplete, open_list) in [
            ("-s ?", false, false),
            ("-s tests-?", false, false),
            ("-s ?*", false, true),
            ("-s tests ?", true, true),
            ("-s tests test-?", false, false),
            ("?", true, false),
            ("-r ?*", true, false),
            ("-s tests -- ?*", false, false),
            ("-f ? -s a", false, false),
            ("--python=?*", false, false),
            ("--pyth?*", true, false),
        ] {
            let call = parse(&words(line));
            assert_eq!(
                (call.incomplete, !call.open_lists.is_empty()),
                (incomplete, open_list),
                "{line}"
            );
            assert_eq!(call.error, None, "{line}");
        }
    }
}
