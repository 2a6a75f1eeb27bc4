//! Settings that stand beside a mutant, some at random.

use cachelint::config::Config;

use crate::mutate::random::Random;

/// Each is one line of a settings file.
const LINES: [&str; 16] = [
    "reuse: report",
    "restore-keys: false",
    "pin: sha",
    "pin: tag",
    "cache-action: actions/cache@v5",
    "cache-action: actions/cache@27d5ce7f107fe9357f9df03efb73ab90386fccae # v5.0.5",
    "key-parts: ['${{ vars.CACHE_EPOCH }}']",
    "key-parts: [v2, \"${{ github.ref_name }}\"]",
    "key-files: [requirements.txt, pyproject.toml]",
    "select: [missing-cache]",
    "select: [nox]",
    "ignore: [missing-cache]",
    "ignore: [constant-key, partial-hit-reused]",
    "severity: {missing-cache: info, unused-ignore: error}",
    "per-path-ignores: {'**/*.yml': [missing-cache]}",
    "nox-actions: [./.github/actions/test, excitedleigh/setup-nox]",
];
/// At most so many of them at once.
const MOST: usize = 4;

/// Those of a mutant; the defaults for the `plain` first ones and for half of the others.
pub fn of(number: u64, plain: usize) -> Config {
    // Not the numbers that made the mutant, or each kind of mutant would always get the same.
    let mut random = Random::new(!number);
    if number < plain as u64 || random.once_in(2) {
        return Config::default();
    }
    let mut lines: Vec<&str> = Vec::new();
    for _ in 0..=random.below(MOST) {
        let Some(line) = random.of(&LINES) else { break };
        let key = |line: &str| line.split(':').next().map(str::to_owned);
        if lines.iter().all(|other| key(other) != key(line)) {
            lines.push(line);
        }
    }
    serde_yaml::from_str(&lines.join("\n")).expect("settings that are right")
}
