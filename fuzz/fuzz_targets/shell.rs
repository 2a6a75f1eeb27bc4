//! Any script in any shell: commands whose words stand in the script as written.
#![no_main]

use cachelint::shell::{Expanded, Shell, calls, commands};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|script: &str| {
    let expanded = Expanded::new(script, &[]);
    for shell in [Shell::Bash, Shell::PowerShell, Shell::Cmd] {
        for command in commands(&shell, &expanded, &|_| None) {
            for word in &command.words {
                assert_eq!(script.get(word.span.range()), Some(word.raw.as_str()));
            }
            for call in calls(&command, "nox") {
                assert!(call.insert_at.is_none_or(|at| script.is_char_boundary(at)));
            }
        }
    }
});
